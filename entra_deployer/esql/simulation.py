"""A query computed over made events, without a server: the rows that it leaves, and how far it is from leaving one.

What is not computed here is not known, and raises Unknown only where a condition asks for it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.aggregates import Aggregate, Member, aggregate_of
from entra_deployer.esql.distance import FAR, of_predicate
from entra_deployer.esql.evaluation import PROGRAMS, UNKNOWN, Evaluator, Program
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.patterns import UnreadablePattern, grok
from entra_deployer.esql.patterns.extraction import read_dissect
from entra_deployer.esql.scope import Derived, Scope, Taken


class Row:
    """An event or a group, and how many of it there are. It knows what was computed for it, also with another number.

    It is not frozen, as a search makes millions of them; nobody changes one.
    """

    __slots__ = ("_evaluators", "values", "weight")

    def __init__(self, values: Mapping[str, Value], weight: int = 1) -> None:
        self.values = values
        self.weight = weight
        self._evaluators: dict[datetime, Evaluator] = {}

    def times(self, weight: int) -> "Row":
        """The same, so many times."""
        row = Row(self.values, weight)
        row._evaluators = self._evaluators
        return row

    def at(self, now: datetime) -> Evaluator:
        """What computes on its values at a moment."""
        if (found := self._evaluators.get(now)) is None:
            found = self._evaluators[now] = Evaluator(self.values, now)
        return found


class _Group(Mapping[str, Value]):
    """A group's columns: its keys, and aggregates that are computed when they are looked at."""

    __slots__ = ("_aggregates", "_known", "_members", "_now")

    def __init__(
        self,
        keys: Mapping[str, Value],
        aggregates: Mapping[str, Aggregate],
        members: Sequence[Member],
        now: datetime,
    ) -> None:
        self._known = dict(keys)
        self._aggregates = aggregates
        self._members = members
        self._now = now

    def __getitem__(self, name: str) -> Value:
        if name not in self._known:
            self._known[name] = self._aggregates[name](self._members, self._now)
        return self._known[name]

    def get(self, name: str, default: Value = None) -> Value:
        """As of any mapping: without its detour, as each column of each group is read so."""
        known = self._known
        if name in known:
            return known[name]
        return self[name] if name in self._aggregates else default

    def __iter__(self) -> Iterator[str]:
        return iter({**self._known, **self._aggregates})

    def __len__(self) -> int:
        return len({**self._known, **self._aggregates})

    def __contains__(self, name: object) -> bool:
        return name in self._known or name in self._aggregates


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


@dataclass(frozen=True)
class Simulation:
    """Runs commands over rows. `missed` is the place of the one condition that is not to hold, None for none.

    It keeps what it made of the commands: run all that belongs to one query by one of them, or by its `missing`.
    """

    now: datetime
    missed: nodes.Span | None = None
    _kept: dict[tuple[int, int], tuple[nodes.Node, Scope, Any]] = field(default_factory=dict, repr=False, compare=False)
    _start: Scope = field(default_factory=Scope, repr=False, compare=False)

    def missing(self, missed: nodes.Span | None) -> "Simulation":
        """The same, in which another condition is not to hold."""
        return self if missed == self.missed else replace(self, missed=missed)

    def start(self, rows: Sequence[Row]) -> Stage:
        """What stands before the first command."""
        return Stage(tuple(rows), self._start)

    def run(self, commands: Sequence[nodes.Command], rows: Sequence[Row]) -> Outcome:
        """The rows that are left, and the distance. Raises Unknown for a command that is not known here."""
        return self.run_from(self.start(rows), commands)

    def run_from(self, stage: Stage, commands: Sequence[nodes.Command]) -> Outcome:
        """The same of what other commands have left already."""
        filters = sum(isinstance(command, nodes.Where) for command in commands)
        warned = 0.0
        for command in commands:
            if isinstance(command, nodes.Where):
                filters -= 1
                events = [row.at(self.now) for row in stage.rows]
                distance = of_predicate(command.predicate, stage.scope, self.missed)
                apart = [distance(event) for event in events]
                warned = FAR if warned or any(event.warned for event in events) else 0.0
                rows = tuple(row for one, row in zip(apart, stage.rows, strict=True) if one == 0)
                stage = Stage(rows, stage.scope, stage.taken)
                if not rows:
                    return Outcome((), filters + warned + min(apart, default=FAR))
            else:
                stage = self.after(command, stage)
        return Outcome(stage.rows, warned if stage.rows else FAR)

    def stages(self, commands: Sequence[nodes.Command], rows: Sequence[Row]) -> list[Stage]:
        """What stands before each command, and at last what is left. Raises Unknown."""
        stages = [self.start(rows)]
        for command in commands:
            stages.append(self.after(command, stages[-1]))
        return stages

    def after(self, command: nodes.Command, stage: Stage) -> Stage:
        """What a command leaves. Raises Unknown for one that is not known here."""
        match command:
            case nodes.Where(predicate=predicate):
                truth, now = PROGRAMS.truth(predicate, stage.scope), self.now
                rows = tuple([row for row in stage.rows if truth(row.at(now))])
                found = Stage(rows, stage.scope, stage.taken)
            case nodes.Stats(inline=False):
                found = Stage(tuple(self._groups(command, stage)), self._start)
            case nodes.Eval() | nodes.Rename():
                found = Stage(stage.rows, self._made(command, stage.scope, _derived), stage.taken)
            case nodes.Limit(count=int() as count):
                found = Stage(stage.rows[:count], stage.scope, stage.taken)
            case nodes.Sort():
                found = Stage(tuple(self._sorted(command, stage)), stage.scope, stage.taken)
            case nodes.Extract():
                found = self._extracted(command, stage)
            case nodes.MvExpand():
                found = self._expanded(command, stage)
            case nodes.From() | nodes.Keep() | nodes.Drop() | nodes.Other(word="lookup"):
                found = stage  # what a LOOKUP JOIN brings is in the made events
            case _:
                raise Unknown(type(command).__name__)
        return found

    def _made[C: nodes.Node, M](self, command: C, scope: Scope, make: Callable[[C, Scope], M]) -> M:
        """What is made of a command in a scope, once."""
        key = (id(command), id(scope))
        if (found := self._kept.get(key)) is None:
            found = self._kept[key] = (command, scope, make(command, scope))  # with what has the ids
        made: M = found[2]
        return made

    def _sorted(self, command: nodes.Sort, stage: Stage) -> Sequence[Row]:
        """In order, as far as it can be told: null is last where the lowest is first, and first where it is last."""
        rows = list(stage.rows)
        for key, descending in reversed(tuple(zip(command.keys, command.descending, strict=True))):
            program = PROGRAMS.value(key, stage.scope)
            keyed = [(_tried(program, row.at(self.now)), row) for row in rows]
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
        program = PROGRAMS.value(command.input, stage.scope)
        rows = []
        for row in stage.rows:
            text = _tried(program, row.at(self.now))
            found = (pattern.take(text) or {}) if isinstance(text, str) else {}
            values = {one.key: _typed(found.get(name), pattern.type_of(name)) for name, one in columns.items()}
            rows.append(Row({**row.values, **values}, row.weight))
        return Stage(tuple(rows), self._made(command, stage.scope, _with_columns(columns)), stage.taken + 1)

    def _expanded(self, command: nodes.MvExpand, stage: Stage) -> Stage:
        """A row for each value of a column."""
        name, one = command.column.name, Taken(-1 - stage.taken, command.column.name)
        program = PROGRAMS.column(name, stage.scope)
        rows = []
        for row in stage.rows:
            value = _tried(program, row.at(self.now))
            items = value if isinstance(value, list) else [value]
            rows += [Row({**row.values, one.key: item}, row.weight) for item in items]
        return Stage(tuple(rows), self._made(command, stage.scope, _with_columns({name: one})), stage.taken + 1)

    def _groups(self, stats: nodes.Stats, stage: Stage) -> Iterator[Row]:
        made = self._made(stats, stage.scope, _grouping)
        groups: dict[str, tuple[dict[str, Value], list[Member]]] = {}
        for row in stage.rows:
            event = row.at(self.now)
            keys, text = made.keys(event)
            groups.setdefault(text, (keys, []))[1].append((event, row.weight))
        if not stats.groups and not groups:
            groups[""] = ({}, [])
        for keys, members in groups.values():
            yield Row(_Group(keys, made.aggregates, members, self.now))


@dataclass(frozen=True)
class _Grouping:
    """What a STATS groups by, and what it makes of each group."""

    by: tuple[tuple[str, Program], ...]
    aggregates: Mapping[str, Aggregate]
    _key: object = field(default_factory=object)

    def keys(self, event: Evaluator) -> tuple[dict[str, Value], str]:
        """The keys of an event's group, and what tells it from others."""
        if (found := event.known.get(self._key)) is None:
            keys = {name: _tried(program, event) for name, program in self.by}
            found = event.known[self._key] = keys, repr(keys)
        keyed: tuple[dict[str, Value], str] = found
        return keyed


def _grouping(stats: nodes.Stats, scope: Scope) -> _Grouping:
    by = tuple((key.name, PROGRAMS.value(key.value, scope)) for key in stats.groups)
    return _Grouping(by, {one.name: aggregate_of(one, scope) for one in stats.aggregates})


def _with_columns(columns: Mapping[str, Taken]) -> Callable[[nodes.Command, Scope], Scope]:
    def make(_: nodes.Command, scope: Scope) -> Scope:
        for name, one in columns.items():
            scope = scope.with_column(name, one)
        return scope

    return make


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


def _tried(program: Program, event: Evaluator) -> Value:
    try:
        return program(event)
    except Unknown:
        return UNKNOWN
