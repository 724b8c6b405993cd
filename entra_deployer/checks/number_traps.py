"""DEP042: numbers that are not what they look like: whole-number division, versions compared as text."""

import re
from collections.abc import Iterator, Mapping

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import strip_parentheses

_WHOLE_CALLS = ("count", "count_distinct", "to_long", "to_integer", "to_int", "length", "mv_count", "date_diff")
_WHOLE_TYPES = ("long", "integer", "short", "byte", "unsigned_long")
_SAME = ("sum", "max", "min", "round", "abs", "coalesce", "greatest", "least", "floor", "ceil")
_VERSION = re.compile(r"\d+(\.\d+)+")
_ORDER = (">", ">=", "<", "<=")


def _run(subject: Subject) -> Iterator[Finding]:
    types = dict(subject.field_types or {})
    whole: dict[str, bool] = {name: kind in _WHOLE_TYPES for name, kind in types.items()}
    divided: set[str] = set()
    for command in subject.tree.commands:
        for part in _parts(command):
            yield from _versions(part, types)
            value = part.value if isinstance(part, nodes.Assignment) else part
            yield from _compared(value, whole, divided)
            if isinstance(part, nodes.Assignment):
                whole[part.name] = _is_whole(part.value, whole)
                divided.discard(part.name)
                if _division(part.value, whole):
                    divided.add(part.name)
        if not isinstance(command, nodes.Eval | nodes.Stats):
            whole.update(dict.fromkeys(made_columns(command), False))


def _parts(command: nodes.Command) -> tuple[nodes.Node, ...]:
    match command:
        case nodes.Eval(assignments=assignments):
            return assignments
        case nodes.Stats(aggregates=aggregates, groups=groups):
            return (*groups, *aggregates)
        case nodes.Where(predicate=predicate):
            return (predicate,)
    return ()


def _compared(node: nodes.Node, whole: Mapping[str, bool], divided: set[str]) -> Iterator[Finding]:
    """A quotient of two whole numbers that is compared with a fraction."""
    for part in node.walk():
        match part:
            case nodes.Binary(operator=operator, left=left, right=right) if operator in (*_ORDER, "=="):
                for side, other in _both_ways(left, right):
                    if not isinstance(other, nodes.Literal) or other.kind != "decimal" or not other.value:
                        continue
                    named = isinstance(side, nodes.Column) and side.name in divided
                    if named or _division(side, whole):
                        yield Finding(
                            f"a whole number divided by one is a whole number (1/2 is 0), compared here with "
                            f"{other.value}",
                            part.span,
                            hint="divide TO_DOUBLE(...) of one of the two",
                        )


type _Pair = tuple[nodes.Expression, nodes.Expression]


def _both_ways(left: nodes.Expression, right: nodes.Expression) -> tuple[_Pair, _Pair]:
    one, other = strip_parentheses(left), strip_parentheses(right)
    return (one, other), (other, one)


def _division(node: nodes.Expression, whole: Mapping[str, bool]) -> bool:
    """Whether a value is a quotient of two whole numbers, perhaps rounded or multiplied afterwards."""
    node = strip_parentheses(node)
    match node:
        case nodes.Binary(operator="/", left=left, right=right):
            return _is_whole(left, whole) and _is_whole(right, whole)
        case nodes.Binary(operator="*", left=left, right=right):
            return _division(left, whole) or _division(right, whole)
        case nodes.Call(name="round" | "to_double", arguments=(inner, *_)):
            return _division(inner, whole)
    return False


def _is_whole(node: nodes.Expression, whole: Mapping[str, bool]) -> bool:  # noqa: PLR0911 - a table
    node = strip_parentheses(node)
    match node:
        case nodes.Literal(kind=kind):
            return kind == "integer"
        case nodes.Column(name=name):
            return whole.get(name, False)
        case nodes.Call(name=name) if name in _WHOLE_CALLS:
            return True
        case nodes.Call(name=name, arguments=(inner, *_)) if name in _SAME:
            return _is_whole(inner, whole)
        case nodes.Call(name="case", arguments=(_, *values)):
            return bool(values) and all(_is_whole(value, whole) for value in values[::2] or values)
        case nodes.Binary(operator="+" | "-" | "*" | "/" | "%", left=left, right=right):
            return _is_whole(left, whole) and _is_whole(right, whole)
    return False


def _versions(node: nodes.Node, types: Mapping[str, str]) -> Iterator[Finding]:
    for part in node.walk():
        match part:
            case nodes.Binary(operator=operator, left=left, right=right) if operator in _ORDER:
                for side, other in _both_ways(left, right):
                    if not isinstance(other, nodes.Literal) or not isinstance(side, nodes.Column):
                        continue
                    if other.kind != "string" or not _VERSION.fullmatch(str(other.value)):
                        continue
                    if types.get(side.name, "keyword") in ("keyword", "text") and side.name != "@timestamp":
                        yield Finding(
                            f'{side.name} is compared as text, in which "9" comes after "{other.value}"',
                            part.span,
                            hint=f'write TO_VERSION({side.name}) {operator} TO_VERSION("{other.value}")',
                        )


CHECK = Check(
    code="DEP042",
    title="a number that is not what it looks like",
    level=Level.WARNING,
    explanation=(
        "Two whole numbers divided give a whole number in ES|QL: with two counts, `users / fails > 0.5` holds only "
        "where users are at least as many as fails. Text is compared letter by letter: as text, version 9 comes "
        "after 10.0."
    ),
    good=Example("from logs-a-*\n| stats c = count(*), d = count_distinct(user.name)\n| where to_double(d) / c > 0.5"),
    bad=Example("from logs-a-*\n| stats c = count(*), d = count_distinct(user.name)\n| where d / c > 0.5"),
    run=_run,
)
