"""Conditions: what AND, OR and NOT join, the operators, and what compares a value with constants: one walker."""

from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.esql import tree as nodes

OPPOSITES = {"==": "!=", "!=": "==", "<": ">=", "<=": ">", ">": "<=", ">=": "<"}
"""What is true where a comparison is false (of values that are there)."""

MIRRORED = {"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
"""What says the same with both sides swapped."""

NEIGHBOURS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
"""What differs only where both sides are equal."""

COMPARISONS = frozenset({*OPPOSITES, "=~"})
ARITHMETIC = frozenset({"+", "-", "*", "/", "%"})

AFFIX_FUNCTIONS = ("starts_with", "ends_with", "contains")
"""The functions that ask whether a part of the first argument is the second."""


def strip_parentheses(expression: nodes.Expression) -> nodes.Expression:
    """The expression inside all parentheses around it."""
    while isinstance(expression, nodes.Group):
        expression = expression.inner
    return expression


def conjuncts(predicate: nodes.Expression) -> Iterator[nodes.Expression]:
    """The parts of a predicate that AND joins, each without the parentheses around all of it."""
    return operands(predicate, "and")


def operands(predicate: nodes.Expression, operator: str) -> Iterator[nodes.Expression]:
    """The parts of a predicate that `and`, or `or`, joins, each without the parentheses around all of it."""
    waiting = [predicate]
    while waiting:
        match waiting.pop():
            case nodes.Group(inner=inner) if _joins(inner, operator):
                waiting.append(inner)
            case nodes.Group(inner=nodes.Group() as inner):
                waiting.append(inner)
            case nodes.Binary(operator=found, left=left, right=right) if found == operator:
                waiting += (right, left)
            case nodes.Group(inner=inner):
                yield inner
            case other:
                yield other


def _joins(node: nodes.Expression, operator: str) -> bool:
    return isinstance(node, nodes.Binary) and node.operator == operator


@dataclass(frozen=True)
class Condition:
    """A condition that no AND, OR or NOT takes apart.

    `node` is it without parentheses, `whole` with them and with the NOTs that stand directly around it. `negated`: an
    odd number of NOTs stands above it. `joined_by` is the word that joins `whole` to others: "and", "or", "" for none.
    """

    node: nodes.Expression
    whole: nodes.Expression
    negated: bool
    joined_by: str

    @property
    def excludes(self) -> bool:
        """Whether it holds for what something is not: `!=`, NOT IN, NOT LIKE, each NOT around it counted."""
        match self.node:
            case nodes.Binary(operator="!="):
                return not self.negated
            case nodes.In(negated=own) | nodes.Like(negated=own):
                return own is not self.negated
        return self.negated


@dataclass(frozen=True)
class Junction:
    """Two sides that AND or OR joins; `negated`: an odd number of NOTs stands above."""

    node: nodes.Binary
    negated: bool


def walk_conditions(predicate: nodes.Expression) -> Iterator[Condition | Junction]:
    """All conditions and junctions of a predicate, in the order of the text: a junction behind its left side."""
    return _walk(predicate, predicate, negated=False, joined_by="")


def conditions(predicate: nodes.Expression) -> Iterator[Condition]:
    """The conditions alone."""
    return (item for item in walk_conditions(predicate) if isinstance(item, Condition))


def _walk(
    node: nodes.Expression, whole: nodes.Expression, *, negated: bool, joined_by: str
) -> Iterator[Condition | Junction]:
    match node:
        case nodes.Group(inner=inner):
            yield from _walk(inner, whole, negated=negated, joined_by=joined_by)
        case nodes.Unary(operator="not", operand=operand):
            yield from _walk(operand, whole, negated=not negated, joined_by=joined_by)
        case nodes.Binary(operator="and" | "or" as word, left=left, right=right):
            yield from _walk(left, left, negated=negated, joined_by=word)
            yield Junction(node, negated)
            yield from _walk(right, right, negated=negated, joined_by=word)
        case _:
            yield Condition(node, whole, negated, joined_by)


# -- comparisons with constant texts ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparison:
    """`value` compared with the constant `text` of `literal`.

    `way` is `==`, `!=`, `in`, `like`, `rlike`, `:` or the name of a function; `negated` says that the condition is for
    what the value is not. A list of constants (IN, LIKE) is a comparison for each.
    """

    way: str
    value: nodes.Expression
    literal: nodes.Literal
    text: str
    negated: bool = False


def text_comparisons(node: nodes.Node) -> Iterator[Comparison]:
    """What this very node compares with constant texts; the nodes below it are not looked at."""
    way, value, others, negated = _sides(node)
    for other in map(strip_parentheses, others):
        if value and isinstance(other, nodes.Literal) and isinstance(other.value, str) and other.kind == "string":
            yield Comparison(way, strip_parentheses(value), other, other.value, negated)


def _sides(node: nodes.Node) -> tuple[str, nodes.Expression | None, tuple[nodes.Expression, ...], bool]:
    match node:
        case nodes.Binary(operator="==" | "!=" as way, left=left, right=right):
            if isinstance(strip_parentheses(left), nodes.Literal):
                left, right = right, left
            return way, left, (right,), way == "!="
        case nodes.In(value=value, items=items, negated=negated):
            return "in", value, items, negated
        case nodes.Like(operator=way, value=value, patterns=patterns, negated=negated):
            return way, value, patterns, negated
        case nodes.Match(value=value, query=query):
            return ":", value, (query,), False
        case nodes.Call(name=way, arguments=(value, affix)) if way in AFFIX_FUNCTIONS:
            return way, value, (affix,), False
    return "", None, (), False
