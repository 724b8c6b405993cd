"""The conditions of a query that compare a value with a constant text, in whichever way."""

from collections.abc import Iterator
from dataclasses import dataclass

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare

AFFIX_FUNCTIONS = ("starts_with", "ends_with", "contains")
"""The functions that ask whether a part of the first argument is the second."""


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
    for other in map(bare, others):
        if value and isinstance(other, nodes.Literal) and isinstance(other.value, str) and other.kind == "string":
            yield Comparison(way, bare(value), other, other.value, negated)


def _sides(node: nodes.Node) -> tuple[str, nodes.Expression | None, tuple[nodes.Expression, ...], bool]:
    match node:
        case nodes.Binary(operator="==" | "!=" as way, left=left, right=right):
            if isinstance(bare(left), nodes.Literal):
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
