"""A query as what has to be solved: conditions on events, how they are grouped, conditions on groups."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from entra_deployer.core.time import difference_unit
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import output_columns
from entra_deployer.esql.conditions import conjuncts, strip_parentheses
from entra_deployer.esql.constants import TIMESTAMP, literal, literal_or_none
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.patterns import UnreadablePattern, grok
from entra_deployer.esql.patterns.extraction import read_dissect
from entra_deployer.esql.scope import Derived, Extraction, Goal, Scope, Taken
from entra_deployer.verify.generate.constraints import Unsolved, reason_of
from entra_deployer.verify.generate.lookups import is_plain

_COUNTS = {"count"}
_DISTINCT = {"count_distinct"}
_SUMS = {"sum"}
_VALUES = {"max", "min", "avg", "sum", "median", "values", "top", "first", "last", "percentile"}


USUAL_FIELDS = ("user.name", "host.name", "source.ip", "event.id", "agent.id")
"""Fields by which an event is told where KEEP keeps them by a name with `*`."""


@dataclass(frozen=True)
class Counter:
    """An aggregate that counts: events, those with a value, or different values. `of` is None for COUNT(*).

    `condition` is the position in Grouping.conditions of what an event must be to count; None where all do.
    """

    of: Derived | None
    distinct: bool
    condition: int | None = None


@dataclass(frozen=True)
class Grouping:
    """The first STATS: its keys, its counters by column, seen from `scope`; `after` are the conditions on groups.

    Columns that hold a value of the events (MAX, SUM, ...) are in the scope of `after` what they are made of. `times`
    hold the first or last moment of a group, `spreads` the time between two of them, in units of so many seconds.
    `conditions` are those of counters that count some of the events only, `listed` the columns that list values.
    """

    keys: tuple[nodes.Assignment, ...]
    counters: dict[str, Counter]
    scope: Scope
    after: list[Goal] = field(default_factory=list)
    times: set[str] = field(default_factory=set)
    spreads: dict[str, float] = field(default_factory=dict)
    conditions: tuple[Goal, ...] = ()
    listed: dict[str, Derived] = field(default_factory=dict)

    @property
    def measures(self) -> set[str]:
        """The columns that tell how large a group is, or how long it lasts."""
        return {*self.counters, *self.spreads}

    def counts(self, goal: Goal) -> bool:
        """Whether a condition on groups is about these."""
        return any(column in self.measures for column in columns_of(goal))


@dataclass
class Plan:
    """What a query asks for. `shown` are the columns that its result has, where KEEP says so.

    `columns` are those of the result as far as the query names them, `kept_keys` the keys of its groups with the names
    that they have there. `wild` are names with `*` that KEEP keeps.
    `complex` says why its groups take a search; "" where counting is enough.
    """

    goals: list[Goal] = field(default_factory=list)
    extractions: list[Extraction] = field(default_factory=list)
    grouping: Grouping | None = None
    shown: tuple[str, ...] = ()
    scope: Scope = field(default_factory=Scope)
    columns: tuple[str, ...] = ()
    complex: str = ""
    wild: tuple[str, ...] = ()
    kept_keys: dict[str, str] = field(default_factory=dict)

    @property
    def taken(self) -> Iterator[tuple[str, Extraction, str]]:
        """Each column that a pattern takes out of a field: its key, the extraction, its name."""
        for number, one in enumerate(self.extractions):
            for output in one.pattern.outputs:
                yield Taken(number, output).key, one, output


def read_plan(tree: nodes.Tree) -> Plan:
    """Read a query. Raises Unsolved for a command that it does not know."""
    plan = Plan(columns=output_columns(tree))
    for command in tree.commands:
        _read(command, plan)
    for key in plan.grouping.keys if plan.grouping else ():
        for name in (key.name, *_renamed(tree, key.name)):
            if name in plan.columns:
                plan.kept_keys[key.name] = name
    return plan


def _renamed(tree: nodes.Tree, name: str) -> Iterator[str]:
    """The names that a column gets."""
    for command in tree.commands:
        for old, new in zip(command.old, command.new, strict=True) if isinstance(command, nodes.Rename) else ():
            if old.name == name:
                name = new.name
                yield name


def _read(command: nodes.Command, plan: Plan) -> None:
    match command:
        case nodes.Where(predicate=predicate):
            goals = [Goal(part, plan.scope) for part in conjuncts(predicate)]
            (plan.grouping.after if plan.grouping else plan.goals).extend(goals)
        case nodes.Eval() | nodes.Rename():
            _derive(command, plan)
        case nodes.Extract():
            _extract(command, plan)
        case nodes.Stats():
            _group(command, plan)
        case nodes.Keep(names=names):
            wild = [name.name for name in names if "*" in name.name]
            usual = [name for name in USUAL_FIELDS if any(fnmatchcase(name, pattern) for pattern in wild)]
            plan.shown = (*(name.name for name in names if "*" not in name.name), *usual)
            plan.wild = tuple(wild)
        case nodes.Other(word="lookup"):
            plan.goals.extend(_joined(command, plan))
        case nodes.From() | nodes.Drop() | nodes.Sort() | nodes.Limit() | nodes.MvExpand():
            pass
        case _:
            raise Unsolved(_unknown(command), command.span.start)


def _joined(command: nodes.Other, plan: Plan) -> Iterator[Goal]:
    """An event has what it is joined on."""
    if not is_plain(command):
        raise Unsolved("LOOKUP JOIN on a comparison", command.span.start)
    if plan.grouping is None:
        for part in command.parts:
            if isinstance(part, nodes.Column):
                yield Goal(nodes.IsNull(part.span, part, negated=True), plan.scope)


def _unknown(command: nodes.Command) -> str:
    """What a command is called that no test can be made for."""
    if not isinstance(command, nodes.Other):
        return f"the command {'INLINE STATS' if isinstance(command, nodes.Stats) else type(command).__name__.upper()}"
    if command.word == "enrich":
        policy = f" with the policy {command.target.name}" if command.target else ""
        return f"ENRICH{policy}: its data is the cluster's own, and no test holds it"
    return f"the command {command.word.upper()}"


def _derive(command: nodes.Eval | nodes.Rename, plan: Plan) -> None:
    """The columns that EVAL and RENAME make; each sees those made before it."""
    if isinstance(command, nodes.Eval):
        for item in command.assignments:
            if plan.grouping and (unit := _spread(item.value, plan.grouping)):
                plan.grouping.spreads[item.name] = unit
            plan.scope = plan.scope.with_column(item.name, Derived(item.value, plan.scope))
        return
    for before, name in zip(command.old, command.new, strict=True):
        column = nodes.Column(before.span, before.name)
        plan.scope = plan.scope.with_column(name.name, Derived(column, plan.scope))


def _extract(command: nodes.Extract, plan: Plan) -> None:
    source = strip_parentheses(command.input)
    made = plan.scope.get(source.name) if isinstance(source, nodes.Column) else None
    fields = [made.key] if isinstance(made, Taken) else list(fields_of(Derived(source, plan.scope), taken=True))
    if not fields:
        raise Unsolved(f"{command.word.upper()} of what is made of no field", command.input.span.start)
    plain = isinstance(made, Taken) or (isinstance(source, nodes.Column) and made is None)
    number = len(plan.extractions)
    read = read_dissect if command.word == "dissect" else grok.read
    try:
        extraction = Extraction(fields[0], read(command.pattern), None if plain else Derived(source, plan.scope))
    except UnreadablePattern as error:
        raise Unsolved(f"{command.word.upper()}: {error}", command.span.start) from None
    plan.extractions.append(extraction)
    for name in command.outputs:
        plan.scope = plan.scope.with_column(name, Taken(number, name))


def _group(command: nodes.Stats, plan: Plan) -> None:
    if plan.grouping:
        plan.complex = "a second STATS"
        plan.scope = Scope()
        return
    read = _Aggregates(plan.scope)
    for item in command.aggregates:
        try:
            read.add(item)
        except Unknown as error:
            plan.complex = reason_of(error)
    after = read.after
    for key in command.groups:
        after = after.with_column(key.name, Derived(key.value, plan.scope))
    plan.grouping = Grouping(
        command.groups,
        read.counters,
        plan.scope,
        times=read.times,
        conditions=tuple(read.conditions),
        listed=read.listed,
    )
    plan.scope = after


@dataclass
class _Aggregates:
    """The aggregates of a STATS, read one after the other; `scope` is what they see, `after` what their columns are."""

    scope: Scope
    after: Scope = field(default_factory=Scope)
    counters: dict[str, Counter] = field(default_factory=dict)
    times: set[str] = field(default_factory=set)
    conditions: list[Goal] = field(default_factory=list)
    listed: dict[str, Derived] = field(default_factory=dict)

    def add(self, item: nodes.Assignment) -> None:
        """Read one. Raises Unsolved for one that is not known."""
        call = strip_parentheses(item.value)
        if not isinstance(call, nodes.Call):
            raise Unsolved("an aggregate that is no plain function")
        argument = call.arguments[0] if call.arguments and not _is_star(call.arguments[0]) else None
        of = Derived(argument, self.scope) if argument else None
        when = [Goal(item.where, self.scope)] if item.where else []
        if call.name in _COUNTS or (call.name in _DISTINCT and of):
            self._count(item.name, of, when, distinct=call.name in _DISTINCT)
        elif call.name in _SUMS and of and (choice := _choice(of)) and literal_or_none(choice.value) == 1:
            self._count(item.name, None, [*when, choice.when], distinct=False)
        elif call.name in _VALUES and of:
            self.after = self.after.with_column(item.name, of)
            if call.name == "values" and item.where is None:
                self.listed[item.name] = of
            if call.name in ("min", "max") and isinstance(argument, nodes.Column) and argument.name == TIMESTAMP:
                self.times.add(item.name)
        else:
            raise Unsolved(f"the aggregate {call.name.upper()}")

    def _count(self, name: str, of: Derived | None, when: list[Goal], *, distinct: bool) -> None:
        if of and (choice := _choice(of)):
            of, when = Derived(choice.value, choice.when.scope), [*when, choice.when]
        if len(when) > 1:
            raise Unsolved("a counter with several conditions")
        position = None
        if when:
            position = next((number for number, one in enumerate(self.conditions) if one == when[0]), None)
            if position is None:
                position = len(self.conditions)
                self.conditions.append(when[0])
        self.counters[name] = Counter(of, distinct, position)


@dataclass(frozen=True)
class _Choice:
    """What CASE(when, value, null) or CASE(when, 1, 0) chooses."""

    when: Goal
    value: nodes.Expression


def is_choice(made: Derived) -> bool:
    """Whether a value is what a CASE chooses, through what EVAL made of it."""
    node = strip_parentheses(made.value)
    if isinstance(node, nodes.Column) and isinstance(inner := made.scope.get(node.name), Derived):
        return is_choice(inner)
    return isinstance(node, nodes.Call) and node.name == "case"


def _choice(made: Derived) -> _Choice | None:
    """A value that only some events have, through what EVAL made of it; None for any other."""
    node, scope = strip_parentheses(made.value), made.scope
    while isinstance(node, nodes.Column) and isinstance(inner := scope.get(node.name), Derived):
        node, scope = strip_parentheses(inner.value), inner.scope
    match node:
        case nodes.Call(name="case", arguments=(condition, value, *rest)) if len(rest) < 2:
            if not rest or (
                literal_or_none(rest[0]) in (None, 0) and isinstance(strip_parentheses(rest[0]), nodes.Literal)
            ):
                return _Choice(Goal(condition, scope), value)
    return None


def _spread(node: nodes.Expression, grouping: Grouping) -> float:
    """The seconds of a unit of DATE_DIFF("minutes", first, last) between two moments of a group; 0 where it is none."""
    match strip_parentheses(node):
        case nodes.Call(name="date_diff", arguments=(unit, nodes.Column(name=one), nodes.Column(name=other))):
            if {one, other} <= grouping.times:
                found = difference_unit(str(literal(unit)))
                return found[1] if found else 0
    return 0


def _is_star(node: nodes.Expression) -> bool:
    return isinstance(node, nodes.Opaque) or (isinstance(node, nodes.Literal) and node.value == "*")


def fields_of(made: Derived, *, taken: bool = False) -> Iterator[str]:
    """The fields that an expression is made of; `taken`: the keys of what patterns took as well."""
    for node in made.value.walk():
        if isinstance(node, nodes.Column):
            inner = made.scope.get(node.name)
            if isinstance(inner, Derived):
                yield from fields_of(inner, taken=taken)
            elif inner is None:
                yield node.name
            elif taken:
                yield inner.key


def fields_of_goal(goal: Goal) -> Iterator[str]:
    """The fields that a condition looks at."""
    yield from fields_of(Derived(goal.predicate, goal.scope))


def columns_of(goal: Goal) -> Iterator[str]:
    """The columns that a condition on groups looks at, through what EVAL made of them behind the STATS."""
    for node in goal.predicate.walk():
        if isinstance(node, nodes.Column):
            made = goal.scope.get(node.name)
            if isinstance(made, Derived):
                yield from columns_of(Goal(made.value, made.scope))
            yield node.name
