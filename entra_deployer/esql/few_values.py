"""Conditions that leave a field a few values: whether the others, on the same event, leave any of these."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conjuncts, strip_parentheses
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.patterns import UnreadablePattern
from entra_deployer.esql.scope import Derived, Goal, Scope

type Constant = str | int | float | bool | None

_HARMLESS = nodes.From | nodes.Sort | nodes.Limit | nodes.Keep | nodes.Drop
_LIKE_SIGNS = frozenset("*?")
_RLIKE_SIGNS = frozenset('.?+*|{}[]()"~@&<>#')
_ORDERS = frozenset({"<", "<=", ">", ">="})


def exhausted(tree: nodes.Tree) -> Iterator[tuple[str, nodes.Expression]]:
    """Each field that no value is left of, with the condition that takes the last one.

    Looked at are the conditions on single events, up to the first command that makes rows or columns in another way
    than EVAL. A field may be compared through what EVAL made of it.
    """
    fields: dict[str, _Field] = {}
    for goal in _goals(tree):
        names = frozenset(_fields(goal.predicate, goal.scope))
        if len(names) == 1 and not _depends_on_type(goal.predicate):
            fields.setdefault(next(iter(names)), _Field()).goals.append(goal)
        found = _allowed(goal)
        if found:
            fields.setdefault(found[0], _Field()).allow(found[1])
        for name in sorted({*names, *(found[:1] if found else ())}):
            if name in fields and fields[name].is_exhausted():
                yield name, goal.predicate


@dataclass
class _Field:
    """What is asked of a field: the conditions on it alone, and the values that are allowed (None: any)."""

    goals: list[Goal] = field(default_factory=list)
    values: frozenset[Constant] | None = None
    told: bool = False

    def allow(self, values: frozenset[Constant]) -> None:
        self.values = values if self.values is None else self.values & values

    def is_exhausted(self) -> bool:
        """Whether no allowed value fulfils all; only once."""
        if self.told or self.values is None:
            return False
        self.told = not any(self._fits(value) for value in self.values)
        return self.told

    def _fits(self, value: Constant) -> bool:
        (name,) = {one for goal in self.goals for one in _fields(goal.predicate, goal.scope)} or {""}
        return all(_may_hold(goal, name, value) for goal in self.goals)


def _may_hold(goal: Goal, name: str, value: Constant) -> bool:
    """Whether a condition holds for a value of its field, also where nobody can tell."""
    with suppress(Unknown, UnreadablePattern, ValueError, TypeError, AttributeError, ArithmeticError):
        return Evaluator({} if value is None else {name: value}).truth(goal.predicate, goal.scope) is True
    return True


def _goals(tree: nodes.Tree) -> Iterator[Goal]:
    scope = Scope()
    for command in tree.commands:
        match command:
            case nodes.Where(predicate=predicate):
                for part in conjuncts(predicate):
                    yield Goal(part, scope)
                    yield from _implied(Goal(part, scope))
            case nodes.Eval(assignments=assignments):
                for item in assignments:
                    scope = scope.with_column(item.name, Derived(item.value, scope))
            case _ if not isinstance(command, _HARMLESS):
                return


def _implied(goal: Goal) -> Iterator[Goal]:
    """What is true as well where a condition on a CASE is, at its place.

    CASE(c, x) IS NOT NULL takes c, and so does CASE(c, "a", "b") == "a".
    """
    match strip_parentheses(goal.predicate):
        case nodes.IsNull(value=value, negated=True):
            branches, wanted = _branches(value, goal.scope), None
            taken = [when for when, chosen in branches if not _is_null(chosen)]
        case nodes.Binary(operator="==", left=value, right=nodes.Literal(value=wanted)):
            branches = _branches(value, goal.scope)
            taken = [when for when, chosen in branches if not _is_other(chosen, wanted)]
        case _:
            return
    if len(taken) == 1 and taken[0] is not None:
        for part in conjuncts(taken[0].predicate):
            yield Goal(replace(part, span=goal.predicate.span), taken[0].scope)


def _branches(node: nodes.Expression, scope: Scope) -> list[tuple[Goal | None, nodes.Expression | None]]:
    """What a CASE chooses and when, through what EVAL made: None for what is left, and for null where nothing is."""
    node = strip_parentheses(node)
    if isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        return _branches(made.value, made.scope)
    if not isinstance(node, nodes.Call) or node.name != "case":
        return []
    arguments = node.arguments
    chosen = zip(arguments[0::2], arguments[1::2], strict=False)  # without what is left for all others
    rest = arguments[-1] if len(arguments) % 2 else None
    return [(None, rest), *((Goal(when, scope), value) for when, value in chosen)]


def _is_null(node: nodes.Expression | None) -> bool:
    return node is None or (isinstance(inner := strip_parentheses(node), nodes.Literal) and inner.value is None)


def _is_other(node: nodes.Expression | None, wanted: Constant) -> bool:
    """Whether a value is surely another one than is wanted, or none."""
    if node is None:
        return True
    inner = strip_parentheses(node)
    return isinstance(inner, nodes.Literal) and inner.value != wanted


def _fields(node: nodes.Node, scope: Scope) -> Iterator[str]:
    """The fields that an expression reads, through what EVAL made of them; a full-text query may read any."""
    for part in node.walk():
        if isinstance(part, nodes.Column):
            made = scope.get(part.name)
            if isinstance(made, Derived):
                yield from _fields(made.value, made.scope)
            else:
                yield part.name
        elif isinstance(part, nodes.Call) and part.name in ("kql", "qstr"):
            yield from ("*", "**")


def _depends_on_type(predicate: nodes.Expression) -> bool:
    """Whether the field's type decides: texts are searched by words, dates and addresses have another order."""
    return any(map(_is_by_type, predicate.walk()))


def _is_by_type(node: nodes.Node) -> bool:
    match node:
        case nodes.Match() | nodes.Call(name="match" | "match_phrase"):
            return True
        case nodes.Binary(operator=operator) if operator in _ORDERS:
            return any(isinstance(side, nodes.Literal) and isinstance(side.value, str) for side in node.children())
    return False


def _allowed(goal: Goal) -> tuple[str, frozenset[Constant]] | None:
    """A field and the values that a condition leaves it; None where it leaves any.

    COALESCE(a, b) == "x" leaves `a` that value, or none.
    """
    asked = _asked(strip_parentheses(goal.predicate))
    if asked is None:
        return None
    node, values = asked
    scope, null = goal.scope, False
    while True:
        match strip_parentheses(node):
            case nodes.Call(name="coalesce", arguments=(first, *rest)):
                node, null = first, null or bool(rest)
            case nodes.Column(name=name):
                made = scope.get(name)
                if made is None:
                    return name, values | {None} if null else values
                if not isinstance(made, Derived):
                    return None
                node, scope = made.value, made.scope
            case _:
                return None


def _asked(node: nodes.Expression) -> tuple[nodes.Expression, frozenset[Constant]] | None:
    """What is compared, and the only values for which the comparison holds."""
    match node:
        case nodes.Binary(operator="==", left=left, right=right):
            return _with_values(left, (right,)) or _with_values(right, (left,))
        case nodes.In(value=value, items=items, negated=False):
            return _with_values(value, items)
        case nodes.Like(operator=operator, value=value, patterns=patterns, negated=False):
            found = _with_values(value, patterns)
            texts = [_plain(operator, str(text)) for text in found[1]] if found else []
            return (value, frozenset(texts)) if texts and None not in texts else None
    return None


def _with_values(
    value: nodes.Expression, others: Sequence[nodes.Expression]
) -> tuple[nodes.Expression, frozenset[Constant]] | None:
    constants = [one.value for one in map(strip_parentheses, others) if isinstance(one, nodes.Literal)]
    if len(constants) < len(others) or not all(isinstance(one, str | int | float) for one in constants):
        return None
    return value, frozenset(constants)


def _plain(operator: str, pattern: str) -> str | None:
    """The one text that a pattern matches; None where it matches several."""
    signs, text, rest = _LIKE_SIGNS if operator == "like" else _RLIKE_SIGNS, "", iter(pattern)
    for character in rest:
        if character in signs:
            return None
        if character != "\\":
            text += character
            continue
        escaped = next(rest, "\\")
        if escaped.isalnum():  # a class of characters, as \d is one
            return None
        text += escaped
    return text
