"""A query computed over made events, without a server: the rows that it leaves, and how far it is from leaving one.

What is not computed here is not known, and raises Unknown only where a condition asks for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import OPPOSITES, conjuncts, operands, strip_parentheses
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import FUNCTIONS, Unknown, Value
from entra_deployer.esql.scope import Derived, Scope

_UNKNOWN = object()
"""The value of a column that is not computed here."""

FAR = 1.0
"""How far a condition is from what is asked of it where no number tells; one that is fulfilled is 0 away."""


@dataclass(frozen=True)
class Row:
    """An event or a group, and how many of it there are."""

    values: Mapping[str, Value]
    weight: int = 1


@dataclass(frozen=True)
class Outcome:
    """What is left at the end of a query; `distance` is 0 where a row is, else how far the best one was from it."""

    rows: tuple[Row, ...]
    distance: float


class _Evaluator(Evaluator):
    """Knows what it does not know, and the aggregates of a group by their places."""

    def column(self, name: str, scope: Scope) -> Value:
        found = super().column(name, scope)
        if found is _UNKNOWN:
            raise Unknown(name)
        return found

    def value(self, node: nodes.Expression, scope: Scope) -> Value:
        key = _place(node)
        if key in self.values and not isinstance(node, nodes.Column):
            if self.values[key] is _UNKNOWN:
                raise Unknown(key)
            return self.values[key]
        return super().value(node, scope)


def _place(node: nodes.Node) -> str:
    return f"\0{node.span.start}"


@dataclass
class Simulation:
    """Runs commands over rows. `missed` is the place of the one condition that is not to hold, None for none."""

    now: datetime
    missed: nodes.Span | None = None
    scope: Scope = field(default_factory=Scope)

    def run(self, commands: Sequence[nodes.Command], rows: Sequence[Row]) -> Outcome:
        """The rows that are left, and the distance. Raises Unknown for a command that is not known here."""
        filters = sum(isinstance(command, nodes.Where) for command in commands)
        for command in commands:
            match command:
                case nodes.Where(predicate=predicate):
                    filters -= 1
                    apart = [(self._apart(predicate, row), row) for row in rows]
                    rows = [row for distance, row in apart if distance == 0]
                    if not rows:
                        return Outcome((), filters + min((one for one, _ in apart), default=FAR))
                case nodes.Stats(inline=False):
                    rows = list(self._groups(command, rows))
                case nodes.Eval() | nodes.Rename():
                    self._derive(command)
                case nodes.Limit(count=int() as count):
                    rows = rows[:count]
                case nodes.From() | nodes.Keep() | nodes.Drop() | nodes.Sort() | nodes.Extract() | nodes.MvExpand():
                    pass
                case _:
                    raise Unknown(type(command).__name__)
        return Outcome(tuple(rows), 0.0 if rows else FAR)

    def _apart(self, predicate: nodes.Expression, row: Row) -> float:
        """The sum over all conditions; the one that is missed is as it should be where it does not hold."""
        evaluator, total = _Evaluator(row.values, self.now), 0.0
        for part in conjuncts(predicate):
            if part.span == self.missed:
                total += (
                    0.0
                    if not evaluator.truth(part, self.scope)
                    else _distance(evaluator, part, self.scope, wanted=False)
                )
            else:
                total += (
                    0.0 if evaluator.truth(part, self.scope) else _distance(evaluator, part, self.scope, wanted=True)
                )
        return total

    def _derive(self, command: nodes.Eval | nodes.Rename) -> None:
        if isinstance(command, nodes.Eval):
            for item in command.assignments:
                self.scope = self.scope.with_column(item.name, Derived(item.value, self.scope))
            return
        for old, new in zip(command.old, command.new, strict=True):
            self.scope = self.scope.with_column(new.name, Derived(nodes.Column(old.span, old.name), self.scope))

    def _groups(self, stats: nodes.Stats, rows: Sequence[Row]) -> Iterator[Row]:
        groups: dict[str, tuple[dict[str, Value], list[Row]]] = {}
        for row in rows:
            evaluator = _Evaluator(row.values, self.now)
            keys = {key.name: _tried(evaluator.value, key.value, self.scope) for key in stats.groups}
            groups.setdefault(repr(keys), (keys, []))[1].append(row)
        before, self.scope = self.scope, Scope()
        for keys, members in groups.values():
            yield Row({**keys, **{one.name: self._aggregate(one, members, before) for one in stats.aggregates}})

    def _aggregate(self, item: nodes.Assignment, rows: Sequence[Row], scope: Scope) -> Value:
        """The value of an aggregate, and of what the query makes of aggregates in one expression."""
        seen = [(_Evaluator(row.values, self.now), row.weight) for row in rows]
        try:
            if item.where is not None:
                seen = [(one, weight) for one, weight in seen if one.truth(item.where, scope)]
            found: dict[str, Value] = {}
            for node in item.value.walk():
                if isinstance(node, nodes.Call) and (node.name in FUNCTIONS and FUNCTIONS[node.name].aggregate):
                    found[_place(node)] = _aggregated(node, seen, scope)
            return _Evaluator(found, self.now).value(item.value, Scope())
        except (Unknown, TypeError, ValueError, ZeroDivisionError):
            return _UNKNOWN


def _tried(compute: Callable[[nodes.Expression, Scope], Value], node: nodes.Expression, scope: Scope) -> Value:
    try:
        return compute(node, scope)
    except Unknown:
        return _UNKNOWN


def _aggregated(call: nodes.Call, seen: Sequence[tuple[Evaluator, int]], scope: Scope) -> Value:
    """COUNT(*), or a function of the values that there are, each with how often it is there."""
    argument = call.arguments[0] if call.arguments else None
    if argument is None or isinstance(argument, nodes.Opaque) or _is_star(argument):
        return sum(weight for _, weight in seen)
    values: list[tuple[Value, int]] = []
    for evaluator, weight in seen:
        value = evaluator.value(argument, scope)
        values += [(one, weight) for one in (value if isinstance(value, list) else [value]) if one is not None]
    if call.name not in _AGGREGATES:
        raise Unknown(call.name.upper())
    return _AGGREGATES[call.name](values)


def _is_star(node: nodes.Expression) -> bool:
    return isinstance(node, nodes.Literal)


def _distinct(values: Sequence[tuple[Value, int]]) -> Value:
    found = list(dict.fromkeys(value for value, _ in values))
    return found[0] if len(found) == 1 else found or None


def _average(values: Sequence[tuple[Value, int]]) -> Value:
    count = sum(weight for _, weight in values)
    return sum(float(value) * weight for value, weight in values) / count if count else None


def _median(values: Sequence[tuple[Value, int]]) -> Value:
    every = sorted(float(value) for value, _ in values)
    return every[len(every) // 2] if every else None


_AGGREGATES: dict[str, Callable[[Sequence[tuple[Value, int]]], Value]] = {
    "count": lambda values: sum(weight for _, weight in values),
    "count_distinct": lambda values: len({value for value, _ in values}),
    "sum": lambda values: sum(value * weight for value, weight in values) if values else None,
    "min": lambda values: min((value for value, _ in values), default=None),
    "max": lambda values: max((value for value, _ in values), default=None),
    "avg": _average,
    "median": _median,
    "percentile": _median,
    "values": _distinct,
    "top": _distinct,
}


# -- how far a condition is from being true, or false -------------------------------------------------------------


def _distance(evaluator: Evaluator, node: nodes.Expression, scope: Scope, *, wanted: bool) -> float:
    """From 0 (it is so) up to FAR. Raises Unknown for what is not computed here."""
    node = strip_parentheses(node)
    match node:
        case nodes.Unary(operator="not", operand=operand):
            return _distance(evaluator, operand, scope, wanted=not wanted)
        case nodes.Binary(operator="and" | "or" as word):
            sides = [_distance(evaluator, side, scope, wanted=wanted) for side in operands(node, word)]
            return _scaled(sum(sides)) if (word == "and") is wanted else min(sides)
        case nodes.Column(name=name) if isinstance(made := scope.get(name), Derived):
            return _distance(evaluator, made.value, made.scope, wanted=wanted)
        case nodes.Binary(operator=word) if word in OPPOSITES:
            return _compared(evaluator, node, scope, wanted=wanted)
    return 0.0 if evaluator.truth(node, scope) is wanted else FAR


def _scaled(distance: float) -> float:
    """Into the range from 0 to FAR, in the same order."""
    return distance / (distance + 1.0)


def _compared(evaluator: Evaluator, node: nodes.Binary, scope: Scope, *, wanted: bool) -> float:
    choice = _choice(node.left, scope)
    if choice and isinstance(strip_parentheses(node.right), nodes.Literal):
        return _chosen(evaluator, node, choice, scope, wanted=wanted)
    word = node.operator if wanted else OPPOSITES[node.operator]
    left, right = evaluator.value(node.left, scope), evaluator.value(node.right, scope)
    if isinstance(left, datetime) and isinstance(right, datetime):
        left, right = left.timestamp(), right.timestamp()
    if not (isinstance(left, int | float) and isinstance(right, int | float)):
        return 0.0 if evaluator.truth(node, scope) is wanted else FAR
    apart = float(left - right)
    missing = {
        "==": abs(apart),
        "!=": 0.0 if apart else 1.0,
        "<": max(0.0, apart + 1),
        "<=": max(0.0, apart),
        ">": max(0.0, 1 - apart),
        ">=": max(0.0, -apart),
    }[word]
    return 0.0 if evaluator.truth(node, scope) is wanted else max(_scaled(missing), 1e-9)


def _choice(node: nodes.Expression, scope: Scope) -> tuple[nodes.Call, Scope] | None:
    """The CASE that makes a value, through what EVAL made of it."""
    node = strip_parentheses(node)
    while isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        node, scope = strip_parentheses(made.value), made.scope
    return (node, scope) if isinstance(node, nodes.Call) and node.name == "case" else None


def _chosen(
    evaluator: Evaluator,
    node: nodes.Binary,
    choice: tuple[nodes.Call, Scope],
    scope: Scope,
    *,
    wanted: bool,
) -> float:
    """A comparison of what CASE chooses: the nearest branch whose value would do."""
    call, within = choice
    pairs = list(zip(call.arguments[0::2], call.arguments[1::2], strict=False))
    branches: list[tuple[list[tuple[nodes.Expression, bool]], nodes.Expression]] = []
    for number, (condition, value) in enumerate(pairs):
        branches.append(([(condition, True), *((one, False) for one, _ in pairs[:number])], value))
    if len(call.arguments) % 2:
        branches.append(([(one, False) for one, _ in pairs], call.arguments[-1]))
    found = [FAR]
    for conditions, value in branches:
        if evaluator.truth(nodes.Binary(node.span, node.operator, value, node.right), within) is wanted:
            found.append(_scaled(sum(_distance(evaluator, one, within, wanted=truth) for one, truth in conditions)))
    return min(found) if evaluator.truth(node, scope) is not wanted else 0.0
