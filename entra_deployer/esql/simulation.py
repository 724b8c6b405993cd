"""A query computed over made events, without a server: the rows that it leaves, and how far it is from leaving one.

What is not computed here is not known, and raises Unknown only where a condition asks for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from operator import itemgetter

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import OPPOSITES, conjuncts, operands, strip_parentheses
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import FUNCTIONS, Unknown, Value
from entra_deployer.esql.patterns import UnreadablePattern, grok
from entra_deployer.esql.patterns.extraction import read_dissect
from entra_deployer.esql.scope import Derived, Scope, Taken

_UNKNOWN = object()
"""The value of a column that is not computed here."""

FAR = 1.0
"""How far a condition is from what is asked of it where no number tells; one that is fulfilled is 0 away."""


class _Evaluator(Evaluator):
    """Knows what it does not know, and what it has computed already.

    A node of a query stands at one place, so that it has one scope: its value is computed once.
    """

    @cached_property
    def _known(self) -> dict[int, tuple[nodes.Expression, Value]]:
        return {}

    @cached_property
    def _truths(self) -> dict[int, tuple[nodes.Expression, bool | None]]:
        return {}

    @cached_property
    def warnings(self) -> list[bool]:
        """Not empty where something became null since a field has several values."""
        return []

    def warn(self) -> None:
        self.warnings.append(True)

    def column(self, name: str, scope: Scope) -> Value:
        found = super().column(name, scope)
        if found is _UNKNOWN:
            raise Unknown(name)
        return found

    def value(self, node: nodes.Expression, scope: Scope) -> Value:
        if isinstance(node, nodes.Literal | nodes.Column):
            return super().value(node, scope)
        if (known := self._known.get(id(node))) is None:
            known = self._known[id(node)] = (node, self._computed(node, scope))
        return known[1]

    def _computed(self, node: nodes.Expression, scope: Scope) -> Value:
        return super().value(node, scope)

    def truth(self, node: nodes.Expression, scope: Scope) -> bool | None:
        if (known := self._truths.get(id(node))) is None:
            known = self._truths[id(node)] = (node, super().truth(node, scope))
        return known[1]


class _OfAggregates(_Evaluator):
    """Computes what is made of the aggregates of a group, which it has by their places."""

    def _computed(self, node: nodes.Expression, scope: Scope) -> Value:
        key = _place(node)
        if key not in self.values:
            return super()._computed(node, scope)
        if self.values[key] is _UNKNOWN:
            raise Unknown(key)
        return self.values[key]


@dataclass(frozen=True)
class Row:
    """An event or a group, and how many of it there are.

    With another number (`replace`) it knows what was computed for it before.
    """

    values: Mapping[str, Value]
    weight: int = 1
    _evaluators: dict[datetime, _Evaluator] = field(default_factory=dict, repr=False, compare=False)

    def at(self, now: datetime) -> _Evaluator:
        """What computes on its values at a moment."""
        if (found := self._evaluators.get(now)) is None:
            found = self._evaluators[now] = _Evaluator(self.values, now)
        return found


@dataclass(frozen=True)
class _Group(Mapping[str, Value]):
    """A group's columns: its keys, and aggregates that are computed when they are looked at."""

    by: Mapping[str, Value]
    aggregates: Mapping[str, Callable[[], Value]]

    @cached_property
    def _known(self) -> dict[str, Value]:
        return dict(self.by)

    def __getitem__(self, name: str) -> Value:
        if name not in self._known:
            self._known[name] = self.aggregates[name]()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.by, **self.aggregates})

    def __len__(self) -> int:
        return len({**self.by, **self.aggregates})

    def __contains__(self, name: object) -> bool:
        return name in self.by or name in self.aggregates


@dataclass(frozen=True)
class Outcome:
    """What is left at the end of a query; `distance` is 0 where a row is, else how far the best one was from it.

    It is not 0 either where Elasticsearch would warn of a condition on several values.
    """

    rows: tuple[Row, ...]
    distance: float


@dataclass(frozen=True)
class Stage:
    """What stands before a command: rows, what their columns are made of, and how many commands took some out."""

    rows: tuple[Row, ...]
    scope: Scope = field(default_factory=Scope)
    taken: int = 0


def _place(node: nodes.Node) -> str:
    return f"\0{node.span.start}-{node.span.end}"


@dataclass(frozen=True)
class Simulation:
    """Runs commands over rows. `missed` is the place of the one condition that is not to hold, None for none."""

    now: datetime
    missed: nodes.Span | None = None

    def run(self, commands: Sequence[nodes.Command], rows: Sequence[Row]) -> Outcome:
        """The rows that are left, and the distance. Raises Unknown for a command that is not known here."""
        return self.run_from(Stage(tuple(rows)), commands)

    def run_from(self, stage: Stage, commands: Sequence[nodes.Command]) -> Outcome:
        """The same of what other commands have left already."""
        filters = sum(isinstance(command, nodes.Where) for command in commands)
        warned = 0.0
        for command in commands:
            if isinstance(command, nodes.Where):
                filters -= 1
                apart = [(self._apart(command.predicate, row, stage.scope), row) for row in stage.rows]
                warned = FAR if warned or any(row.at(self.now).warnings for row in stage.rows) else 0.0
                stage = replace(stage, rows=tuple(row for distance, row in apart if distance == 0))
                if not stage.rows:
                    return Outcome((), filters + warned + min((one for one, _ in apart), default=FAR))
            else:
                stage = self.after(command, stage)
        return Outcome(stage.rows, warned if stage.rows else FAR)

    def stages(self, commands: Sequence[nodes.Command], rows: Sequence[Row]) -> list[Stage]:
        """What stands before each command, and at last what is left. Raises Unknown."""
        stages = [Stage(tuple(rows))]
        for command in commands:
            stages.append(self.after(command, stages[-1]))
        return stages

    def after(self, command: nodes.Command, stage: Stage) -> Stage:
        """What a command leaves. Raises Unknown for one that is not known here."""
        match command:
            case nodes.Where(predicate=predicate):
                rows = tuple(row for row in stage.rows if row.at(self.now).truth(predicate, stage.scope))
                found = replace(stage, rows=rows)
            case nodes.Stats(inline=False):
                found = Stage(tuple(self._groups(command, stage)))
            case nodes.Eval() | nodes.Rename():
                found = replace(stage, scope=_derived(command, stage.scope))
            case nodes.Limit(count=int() as count):
                found = replace(stage, rows=stage.rows[:count])
            case nodes.Sort():
                found = replace(stage, rows=tuple(self._sorted(command, stage)))
            case nodes.Extract():
                found = self._extracted(command, stage)
            case nodes.MvExpand():
                found = self._expanded(command, stage)
            case nodes.From() | nodes.Keep() | nodes.Drop() | nodes.Other(word="lookup"):
                found = stage  # what a LOOKUP JOIN brings is in the made events
            case _:
                raise Unknown(type(command).__name__)
        return found

    def _apart(self, predicate: nodes.Expression, row: Row, scope: Scope) -> float:
        """The sum over all conditions; the one that is missed is as it should be where it does not hold."""
        evaluator, total = row.at(self.now), 0.0
        for part in conjuncts(predicate):
            wanted = part.span != self.missed
            if bool(evaluator.truth(part, scope)) is not wanted:
                total += _distance(evaluator, part, scope, wanted=wanted)
        return total

    def _sorted(self, command: nodes.Sort, stage: Stage) -> Sequence[Row]:
        """In order, as far as it can be told: null is last where the lowest is first, and first where it is last."""
        rows = list(stage.rows)
        for key, descending in reversed(tuple(zip(command.keys, command.descending, strict=True))):
            keyed = [(_tried(row.at(self.now).value, key, stage.scope), row) for row in rows]
            try:
                known = sorted((one for one in keyed if one[0] is not None), key=itemgetter(0), reverse=descending)
            except TypeError:
                continue
            missing = [one for one in keyed if one[0] is None]
            rows = [row for _, row in ([*missing, *known] if descending else [*known, *missing])]
        return rows

    def _extracted(self, command: nodes.Extract, stage: Stage) -> Stage:
        """With the columns that DISSECT or GROK takes out of a text."""
        try:
            pattern = (read_dissect if command.word == "dissect" else grok.read)(command.pattern)
        except UnreadablePattern as error:
            raise Unknown(command.word.upper()) from error
        columns = {name: Taken(stage.taken, name) for name in command.outputs}
        rows = []
        for row in stage.rows:
            text = _tried(row.at(self.now).value, command.input, stage.scope)
            found = (pattern.take(text) or {}) if isinstance(text, str) else {}
            values = {one.key: _typed(found.get(name), pattern.type_of(name)) for name, one in columns.items()}
            rows.append(Row({**row.values, **values}, row.weight))
        scope = stage.scope
        for name, one in columns.items():
            scope = scope.with_column(name, one)
        return Stage(tuple(rows), scope, stage.taken + 1)

    def _expanded(self, command: nodes.MvExpand, stage: Stage) -> Stage:
        """A row for each value of a column."""
        name, one = command.column.name, Taken(-1 - stage.taken, command.column.name)
        column = nodes.Column(command.column.span, name)
        rows = []
        for row in stage.rows:
            value = _tried(row.at(self.now).value, column, stage.scope)
            items = value if isinstance(value, list) else [value]
            rows += [Row({**row.values, one.key: item}, row.weight) for item in items]
        return Stage(tuple(rows), stage.scope.with_column(name, one), stage.taken + 1)

    def _groups(self, stats: nodes.Stats, stage: Stage) -> Iterator[Row]:
        groups: dict[str, tuple[dict[str, Value], list[Row]]] = {}
        for row in stage.rows:
            compute = row.at(self.now).value
            keys = {key.name: _tried(compute, key.value, stage.scope) for key in stats.groups}
            groups.setdefault(repr(keys), (keys, []))[1].append(row)
        if not stats.groups and not groups:
            groups[""] = ({}, [])
        for keys, members in groups.values():
            made = {one.name: partial(self._aggregate, one, members, stage.scope) for one in stats.aggregates}
            yield Row(_Group(keys, made))

    def _aggregate(self, item: nodes.Assignment, rows: Sequence[Row], scope: Scope) -> Value:
        """The value of an aggregate, and of what the query makes of aggregates in one expression."""
        seen: list[tuple[Evaluator, int]] = [(row.at(self.now), row.weight) for row in rows]
        try:
            if item.where is not None:
                seen = [(one, weight) for one, weight in seen if one.truth(item.where, scope)]
            found: dict[str, Value] = {}
            for node in item.value.walk():
                if isinstance(node, nodes.Call) and (node.name in FUNCTIONS and FUNCTIONS[node.name].aggregate):
                    found[_place(node)] = _aggregated(node, seen, scope)
            return _OfAggregates(found, self.now).value(item.value, Scope())
        except (Unknown, TypeError, ValueError, ZeroDivisionError):
            return _UNKNOWN


def _derived(command: nodes.Eval | nodes.Rename, scope: Scope) -> Scope:
    if isinstance(command, nodes.Eval):
        for item in command.assignments:
            scope = scope.with_column(item.name, Derived(item.value, scope))
        return scope
    for old, new in zip(command.old, command.new, strict=True):
        scope = scope.with_column(new.name, Derived(nodes.Column(old.span, old.name), scope))
    return scope


def _typed(text: str | None, kind: str) -> Value:
    """What a pattern took, as the type that it gives to it."""
    if text is None or kind not in ("integer", "long", "double", "float"):
        return text
    try:
        return int(text) if kind in ("integer", "long") else float(text)
    except ValueError:
        return None


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
