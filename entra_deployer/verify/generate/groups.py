"""Groups by numbers of events, of different values and of seconds, and what the whole query makes of them.

For queries whose aggregates are more than counters: sums, values, several STATS, times of several kinds of events. The
query is simulated over a group; the distance that the simulation tells leads a search from one to the next.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conditions, conjuncts
from entra_deployer.esql.constants import TIMESTAMP, seconds
from entra_deployer.esql.evaluation import NOW, Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.scope import Derived, Goal, Scope
from entra_deployer.esql.simulation import Outcome, Simulation
from entra_deployer.esql.types import is_number
from entra_deployer.verify.generate.constraints import Assigned, Constraint, Kind, TooMany, Unsolved, holds
from entra_deployer.verify.generate.documents import Attempt, Builder, Document, Flagged, Searched
from entra_deployer.verify.generate.lineage import fields_behind
from entra_deployer.verify.generate.pick import Unpickable, pick
from entra_deployer.verify.generate.plan import fields_of, fields_of_goal
from entra_deployer.verify.generate.recipes import Recipe, share, spread_out
from entra_deployer.verify.generate.rows import Rows
from entra_deployer.verify.generate.sizes import Sizes
from entra_deployer.verify.generate.solve import Solver

MOST_CONDITIONS = 8
"""So many conditions within aggregates make an event of their own kind."""

MOST_PARTS = 2
"""Into so many parts a group is split."""

MOST_WAYS = 8
"""So many other ways are events of their own kind."""

MOST_VARIED = 12
"""So many fields of a group are given several values."""

MOST_COMPARED = 40
"""With so many values a new one is compared; with more of them only with the last ones."""

MOST_NUMBER = 100_000
"""No group has more events."""

MOST_VALUE = 10**15
"""No number in an event is larger: a double still tells it from the next."""

MOST_DOCUMENTS = 3_000
"""No group has more different events: COUNT_DISTINCT counts so many exactly."""

_MEASURES = ("sum", "avg", "max", "min", "median", "percentile", "values")
_TOLD_APART = ("count_distinct", "values", "top")
_OF_LISTS = ("mv_concat", "mv_first", "mv_last", "mv_min", "mv_max", "mv_dedupe", "mv_sort", "to_string")
"""What makes a value, or a text, of a list of values."""

_OF_FIELDS = ("count_distinct", "values", "max", "min", "top", "first", "last")
"""Aggregates that say nothing of how many events there are."""

_OF_VALUES = ("values", "max", "min", "top", "first", "last")

type _Base = tuple[Assigned, Document]
"""An event, and what is wanted of its fields."""


@dataclass(frozen=True)
class FoundGroup:
    """A group that was found, for the cases that are made of it."""

    groups: "Groups"
    recipe: Recipe

    def documents(self, attempt: Attempt, mark: str) -> list[Document]:
        """Its events. Raises Unsolved where the query, computed over them, does not do with them what it should."""
        documents = self.groups.documents(self.recipe, mark, attempt)
        if attempt.fires and self.groups.outcome(documents).distance:
            raise Unsolved("computed over its events, the query does not find it")
        return documents

    def fires_at(self, age: float) -> bool:
        """Whether it still fires at another age."""
        try:
            self.documents(Attempt(tuple(self.groups.events), self, age), "x")
        except (Unknown, Unpickable):
            return False
        return True

    def counted(self, documents: Sequence[Document]) -> dict[str, Value]:
        """The numbers that the query makes of the events, by column."""
        return self.groups.counted(documents)


@dataclass(frozen=True)
class SplitGroup:
    """A group that fires, half of its events under another value of one of its keys."""

    groups: "Groups"
    whole: "Sizes | Searched"
    key: nodes.Assignment

    def documents(self, attempt: Attempt, mark: str) -> list[Document]:
        """Its events. Raises Unsolved where they cannot be split, or fire all the same."""
        whole = self.groups.builder.make(replace(attempt, sizes=self.whole, fires=True), mark)
        documents = self.groups.split(whole, mark, self.key)
        if self.groups.outcome(documents).rows:
            raise Unsolved("a half of it fires too")
        return documents

    def counted(self, documents: Sequence[Document]) -> dict[str, Value]:
        """The numbers that the query makes of the events, by column."""
        return self.groups.counted(documents)

    def is_quiet(self) -> bool:
        """Whether it can be split, and then does not fire."""
        try:
            self.documents(Attempt(tuple(self.groups.events), self), "x")
        except (Unknown, Unpickable):
            return False
        return True


@dataclass
class Groups:
    """The groups of one query.

    `events` are the conditions on each event, all of them true; `ways` the same in other ways of being true.
    """

    tree: nodes.Tree
    builder: Builder
    events: Sequence[Flagged]
    ways: Sequence[tuple[Flagged, ...]] = ()
    _pools: dict[tuple[str, str, tuple[Constraint, ...]], list[Value]] = field(default_factory=dict)
    _bases: dict[tuple[str, int, int], tuple[Sequence[Flagged], _Base | Unknown | Unpickable | None]] = field(
        default_factory=dict
    )
    _made: dict[tuple[int, tuple[tuple[str, Value], ...]], tuple[Document, Document]] = field(default_factory=dict)

    @cached_property
    def rows(self) -> Rows:
        """The rows of its events, which other queries than this may be computed over too."""
        return Rows(self.builder.looked_at.moment or NOW)

    # -- what there is to choose ------------------------------------------------------------------------------------

    @cached_property
    def _first(self) -> int:
        return next(n for n, one in enumerate(self.tree.commands) if isinstance(one, nodes.Stats) and not one.inline)

    @cached_property
    def _commands(self) -> list[nodes.Command]:
        return self._without_filters(self.tree)

    def _without_filters(self, tree: nodes.Tree) -> list[nodes.Command]:
        """The commands without the conditions on events, which hold by themselves."""
        commands = tree.commands
        return [one for n, one in enumerate(commands) if n >= self._first or not isinstance(one, nodes.Where)]

    @cached_property
    def goals(self) -> list[nodes.Expression]:
        """The conditions on groups, in the order of the query."""
        later = self.tree.commands[self._first :]
        return [goal for c in later if isinstance(c, nodes.Where) for goal in conjuncts(c.predicate)]

    @cached_property
    def _stats(self) -> nodes.Stats:
        found = self.tree.commands[self._first]
        if not isinstance(found, nodes.Stats):
            raise TypeError(found)
        return found

    @cached_property
    def _scope(self) -> Scope:
        grouping = self.builder.plan.grouping
        return grouping.scope if grouping else Scope()

    @cached_property
    def conditions(self) -> list[Goal]:
        """The conditions within aggregates, and within what EVAL makes for them: which events they are about."""
        found: list[Goal] = []
        for item in self._stats.aggregates:
            if item.where is not None:
                found.append(Goal(item.where, self._scope))
            found += _choices(item.value, self._scope)
        return self._unique(found)

    @cached_property
    def _all_conditions(self) -> list[Goal]:
        """These, and those on values behind the STATS: each makes a kind of events."""
        return self._unique([*self.conditions, *self._compared_values()])

    def _unique(self, found: Sequence[Goal]) -> list[Goal]:
        """Each condition once, by its text."""
        unique = {" ".join(one.predicate.span.of(self.tree.text).split()): one for one in reversed(found)}
        return list(reversed(unique.values()))[:MOST_CONDITIONS]

    def _compared_values(self) -> Iterator[Goal]:
        """The conditions behind the STATS on a value of the events, as conditions on these."""
        of = {
            one.name: one.value.arguments[0]
            for one in self._stats.aggregates
            if isinstance(one.value, nodes.Call) and one.value.name in _OF_VALUES and one.value.arguments
        }
        made = {
            item.name: item.value
            for one in self.tree.commands[self._first :]
            for item in (one.assignments if isinstance(one, nodes.Eval) else ())
        }
        for name, node in made.items():
            match node:
                case nodes.Call(name=word, arguments=(nodes.Column(name=listed), *_)) if word in _OF_LISTS:
                    of.update({name: of[listed]} if listed in of else {})
        for goal in self.goals:
            for one in conditions(goal):
                match one.node:
                    case nodes.Binary(left=nodes.Column(name=name), right=nodes.Literal()) if name in of:
                        yield Goal(replace(one.node, left=of[name]), self._scope)
                    case nodes.In(value=nodes.Column(name=name)) | nodes.Like(value=nodes.Column(name=name)):
                        if name in of:
                            yield Goal(replace(one.node, value=of[name]), self._scope)

    @cached_property
    def kinds(self) -> list[tuple[Sequence[Flagged], list[Flagged]]]:
        """Kinds of events, each by its conditions and what it meets beside them.

        They are plain ones, for each condition within aggregates those that meet it, and those that are looked for in
        another way where a group may hold several values of what they differ in.
        """
        varied = set(self.varied)
        own = [
            way
            for way in self.ways
            if {name for goal, _ in way if (goal, True) not in self.events for name in fields_of_goal(goal)} & varied
        ]
        return [
            (self.events, []),
            *((self.events, [(one, True)]) for one in self._all_conditions),
            *((way, []) for way in own[:MOST_WAYS]),
        ]

    @cached_property
    def varied(self) -> list[str]:
        """The fields of which a group may hold several values: those that are aggregated and those of lost keys."""
        asked = {
            node.name
            for c in self.tree.commands[self._first + 1 :]
            for node in c.walk()
            if isinstance(node, nodes.Column)
        }
        stats = [one for one in self.tree.commands if isinstance(one, nodes.Stats)]
        last = {key.name for key in stats[-1].groups}
        kept = {name for key in self._stats.groups if key.name in last for name in self._fields(key.value)}
        found = [name for key in self._stats.groups if key.name not in last for name in self._fields(key.value)]
        found += [name for one in self._stats.aggregates if one.name in asked for name in self._fields(one.value)]
        texts = {one.field for one in self.builder.plan.extractions} | {TIMESTAMP}
        free = [name for name in dict.fromkeys(found) if name not in kept | texts and not name.startswith("_")]
        return free[:MOST_VARIED]

    @cached_property
    def asked(self) -> set[str]:
        """The fields that conditions on groups are about, and those of the keys that are lost or are moments."""
        commands = self.tree.commands
        found: set[str] = set()
        for place, one in enumerate(commands):
            if place > self._first and isinstance(one, nodes.Where):
                found.update(fields_behind(self.tree, one.predicate, place))
        stats = [(place, one) for place, one in enumerate(commands) if isinstance(one, nodes.Stats)]
        last = {key.name for key in stats[-1][1].groups}
        for place, one in stats:
            for key in one.groups:
                fields = set(fields_behind(self.tree, key.value, place))
                found |= fields if key.name not in last else fields & {TIMESTAMP}
        return found

    @cached_property
    def measured(self) -> list[str]:
        """The numbers that are summed or compared."""
        calls = [
            node
            for one in self._stats.aggregates
            for node in one.value.walk()
            if isinstance(node, nodes.Call) and node.name in _MEASURES
        ]
        found = [name for call in calls for name in self._fields(call)]
        return [name for name in dict.fromkeys(found) if is_number(self.builder.fields.type_of(name))]

    @cached_property
    def only_measured(self) -> set[str]:
        """Those of the measured numbers whose different values nothing counts or lists: two that lie apart will do."""
        listed = {
            name
            for one in self._stats.aggregates
            for node in one.value.walk()
            if isinstance(node, nodes.Call) and node.name in _TOLD_APART
            for name in self._fields(node)
        }
        keys = {name for key in self._stats.groups for name in self._fields(key.value)}
        return set(self.measured) - listed - keys

    def _fields(self, node: nodes.Expression) -> Iterator[str]:
        return fields_of(Derived(node, self._scope))

    @cached_property
    def numbers(self) -> list[int]:
        """The numbers of the query behind its first STATS, with their neighbours."""
        return self.numbers_of(self.tree)

    def numbers_of(self, tree: nodes.Tree) -> list[int]:
        """The same of a query that stands for it."""
        found = {0, 1, 2, 3}
        for command in tree.commands[self._first :]:
            for node in command.walk():
                if isinstance(node, nodes.Literal) and isinstance(node.value, int | float):
                    found |= {int(node.value) - 1, int(node.value), int(node.value) + 1}
        return sorted(number for number in found if 0 <= number <= MOST_VALUE)

    @cached_property
    def numbers_by_field(self) -> dict[str, list[int]]:
        """The numbers of the conditions on groups that are about each field, "" for numbers of events.

        Empty where a second STATS makes other groups of the first ones.
        """
        if sum(isinstance(one, nodes.Stats) for one in self.tree.commands) > 1:
            return {}
        found: dict[str, set[int]] = {"": {0, 1, 2}}
        for place, node in self._conditions_behind():
            named = [part.value for part in node.walk() if isinstance(part, nodes.Literal)]
            numbers = [int(value) for value in named if isinstance(value, int | float)]
            fields = [*fields_behind(self.tree, node, place), *([""] if self._asks_of_size(node) else [])]
            for name in fields:
                found.setdefault(name, {0, 1, 2}).update(near for n in numbers for near in (n - 1, n, n + 1))
        return {name: sorted(one for one in numbers if 0 <= one <= MOST_VALUE) for name, numbers in found.items()}

    def _conditions_behind(self) -> Iterator[tuple[int, nodes.Expression]]:
        """The conditions behind the first STATS, with the places of their commands."""
        for place, command in enumerate(self.tree.commands):
            if place > self._first and isinstance(command, nodes.Where):
                yield from ((place, one.node) for one in conditions(command.predicate))

    def _asks_of_size(self, node: nodes.Expression) -> bool:
        """Whether a condition is about more than the values that events of the group have."""
        of = {one.name: one.value for one in self._stats.aggregates}
        made = [of.get(part.name) for part in node.walk() if isinstance(part, nodes.Column)]
        return not all(isinstance(call, nodes.Call) and call.name in _OF_FIELDS for call in made)

    @cached_property
    def spreads(self) -> list[int]:
        """Seconds that a group may last: those that the query names, in each unit that it names."""
        units = {1.0, 60.0, 3600.0}
        for node in self.tree.walk():
            if isinstance(node, nodes.Duration):
                units.add(seconds(node))
        most = self.builder.looked_at.oldest or MOST_NUMBER * max(units)
        found = {int(unit * number) for unit in units for number in self.numbers if number <= MOST_NUMBER}
        return sorted({0, *(one for one in found if one <= most)})

    @cached_property
    def own_kinds(self) -> int:
        """How many kinds behind the first are events that meet a condition."""
        return len(self._all_conditions)

    def start(self) -> Recipe:
        """One event of each kind."""
        conditions = 1 + self.own_kinds
        counts = tuple(1 if kind < conditions else 0 for kind in range(len(self.kinds)))
        return Recipe(counts, tuple(1 for _ in self.varied), tuple(0 for _ in self.measured))

    def starts(self) -> Iterator[Recipe]:
        """Where a search may begin: with an event of each kind, and with one kind alone."""
        yield self.start()
        for kind in range(1 + self.own_kinds):
            counts = tuple(int(kind == one) for one in range(len(self.kinds)))
            yield replace(self.start(), counts=counts)

    # -- building ---------------------------------------------------------------------------------------------------

    def documents(self, recipe: Recipe, mark: str, attempt: Attempt | None = None) -> list[Document]:
        """The events of a group, their ages counted from the newest. Raises Unsolved or Unpickable."""
        made: list[Document] = []
        usual: list[Document] = []
        for kind, count in enumerate(recipe.counts):
            base = self._base(mark, kind, attempt) if count else None
            if base is None:
                continue
            different = max((1, *recipe.different))
            many = min(count, different) if made else different  # those of the first kind show all values
            if len(made) + many > MOST_DOCUMENTS:
                raise TooMany(f"a group of more than {MOST_DOCUMENTS} different events")
            for number in range(many):
                document = self._varied(base, recipe, mark, number)
                made.append(document.times(share(count, many, number, even=recipe.even), float(kind)))
                usual.append(base[1])
        if not made:
            raise Unsolved("no event satisfies all conditions")
        if recipe.spread and len(made) == 1:  # what lasts has a first and a last event
            made = [made[0].times(max(1, made[0].count - 1)), made[0].times(1)]
            usual *= 2
        attempt = attempt or Attempt(tuple(self.events), FoundGroup(self, recipe))
        return self.builder.aged(attempt, spread_out(made, recipe), usual)

    def _base(self, mark: str, kind: int, attempt: Attempt | None) -> _Base | None:
        """The first event of a kind, with the keys of the first kind's; None where there is none such.

        Raises Unsolved or Unpickable where there is none of the first kind: a search asks for it again and again.
        """
        asked = self.events if attempt is None else attempt.events
        key = (mark, kind, id(asked))
        if key not in self._bases:
            found: _Base | Unknown | Unpickable | None
            try:
                found = self._solved_base(mark, kind, attempt)
            except (Unknown, Unpickable) as error:
                found = error
            self._bases[key] = (asked, found)  # what is asked is kept too, so that its id is its own
        known = self._bases[key][1]
        if isinstance(known, Unknown | Unpickable):
            raise known.with_traceback(None)
        return known

    def event_like(self, old: Document, first: Document, events: Sequence[Flagged], solver: Solver) -> Document | None:
        """Another event of the group of `first`, of the kinds of `old` where that can be; None for none."""
        values = Evaluator(old.values)
        kinds = []
        for one in self.conditions:
            with suppress(Unknown):
                kinds.append((one, values.truth(one.predicate, one.scope) is True))
        for wanted in ([*events, *kinds], events) if kinds else (events,):
            with suppress(Unknown, Unpickable):
                if found := self._solved(wanted, first, solver):
                    return found[1]
        return None

    def _solved_base(self, mark: str, kind: int, attempt: Attempt | None) -> _Base | None:
        asked = self.events if attempt is None else attempt.events
        own = self.kinds[kind][0]
        events = asked if own is self.events else own
        like = self._base(mark, 0, attempt) if kind else None
        plain = attempt is not None and attempt.plain
        flagged = self.kinds[kind][1]
        has_own = any((one, True) in flagged for one in self.conditions)
        alone = [*flagged, *((one, False) for one in self.conditions if has_own and (one, True) not in flagged)]
        found = None
        if len(alone) > len(flagged):  # best an event of no other kind
            found = self._solved([*alone, *events], like and like[1], self.builder.solver(mark, plain=plain))
        if found is None:
            wanted = [*events, *flagged]
            found = self._solved(wanted, like and like[1], self.builder.solver(mark, plain=plain))
        return found

    def _solved(self, events: Sequence[Flagged], like: Document | None, solver: Solver) -> _Base | None:
        keys = [Derived(key.value, self._scope) for key in self._stats.groups]
        column = nodes.Span(0, 0)
        wanted = list(keys)
        wanted += [Derived(nodes.Column(column, name), Scope()) for name in (*self.varied, *self.measured)]
        try:
            return self.builder.first(events, wanted, solver, keys, like)
        except (Unknown, Unpickable):
            if like is None:
                raise
            return None

    def _varied(self, base: _Base, recipe: Recipe, mark: str, number: int) -> Document:
        """The event with the values that are its own in the group."""
        assigned, document = base
        own: dict[str, Value] = {}
        for name, different in zip(self.varied, recipe.different, strict=True):
            if not different and all(one.kind is Kind.WISHED for one in assigned.constraints.get(name, ())):
                own[name] = None
            elif document.values.get(name) is not None and different > 1 and number % different:
                pool = self._pool(name, assigned.constraints.get(name, ()), mark, different, document.values[name])
                own[name] = pool[number % different % len(pool)]
        own |= {
            name: value
            for name, value in zip(self.measured, recipe.numbers, strict=True)
            if value and name not in own and _allows(assigned.constraints.get(name, ()), value)
        }  # of a field with several values the first one: MAX(x) - MIN(x) takes two that lie apart
        key = (id(document), tuple((n, tuple(v) if isinstance(v, list) else v) for n, v in own.items()))
        if (found := self._made.get(key)) is None:
            shaped = {n: [v] if self.builder.fields.is_list(n) else v for n, v in own.items()}
            fields = {n: v for n, v in {**document.fields, **shaped}.items() if own.get(n, v) is not None}
            made = document.holding(fields, {**document.values, **own})
            found = self._made[key] = (document, made)  # the first is kept too, so that its id is its own
        return found[1]

    def _pool(
        self, name: str, constraints: tuple[Constraint, ...], mark: str, wanted: int, first: Value
    ) -> list[Value]:
        """Different values of a field that keep to its constraints, the event's own one first, as far as there are."""
        pool = self._pools.setdefault((mark, name, constraints), [first])
        kind = self.builder.fields.type_of(name)
        while len(pool) < wanted:
            free = tuple(one for one in constraints if one.kind is not Kind.WISHED)
            try:
                ends = [min(pool), max(pool)] if is_number(kind) else pool[-1:]
                others = Constraint(Kind.NONE_OF, tuple(ends if len(pool) > MOST_COMPARED else pool))
                pool.append(pick(name, kind, (*free, others), f"{mark}-{len(pool)}"))
            except Unpickable:
                break
        return pool

    def split(self, documents: Sequence[Document], mark: str, key: nodes.Assignment) -> list[Document]:
        """The events, every other one under another value of the key. Raises Unsolved where that cannot be."""
        base = self._base(mark, 0, None)
        names = [name for name in dict.fromkeys(self._fields(key.value)) if name != TIMESTAMP]
        if base is None or not names or sum(one.count for one in documents) < MOST_PARTS:
            raise Unsolved("its events cannot be split by this key")
        other: dict[str, Value] = {}
        for name in names:
            first = documents[0].values.get(name)
            pool = self._pool(name, base[0].constraints.get(name, ()), mark, MOST_PARTS, first)
            if first is None or len(pool) < MOST_PARTS:
                raise Unsolved("the key has one value only")
            other[name] = pool[1]
        shaped = {n: [v] if self.builder.fields.is_list(n) else v for n, v in other.items()}
        parts: list[Document] = []
        for number, one in enumerate(documents):
            moved = one.holding({**one.fields, **shaped}, {**one.values, **other})
            if one.count > 1:
                parts += [one.times(one.count - one.count // 2), moved.times(one.count // 2)]
            else:
                parts.append(moved if number % 2 else one)
        return parts

    # -- computing --------------------------------------------------------------------------------------------------

    def outcome(
        self, documents: Sequence[Document], missed: nodes.Span | None = None, focus: nodes.Tree | None = None
    ) -> Outcome:
        """What the query makes of the events, or `focus` where it stands for the query. Raises Unknown."""
        commands = self._commands if focus is None else self._without_filters(focus)
        return self._simulation.missing(missed).run(commands, self.rows.of(documents))

    @cached_property
    def _simulation(self) -> Simulation:
        return Simulation(self.builder.looked_at.moment or NOW)

    def counted(self, documents: Sequence[Document]) -> dict[str, Value]:
        """The numbers of the first group that the events make, whether the query's conditions hold for it or not."""
        commands = [one for one in self._commands if not isinstance(one, nodes.Where)]
        groups = self._simulation.run(commands, self.rows.of(documents)).rows
        values = groups[0].values if groups else {}
        return {name: value for name, value in values.items() if isinstance(value, int) and value is not True}


def _choices(node: nodes.Expression, scope: Scope) -> Iterator[Goal]:
    """The conditions of each CASE that an expression is made of, and the columns that hold a condition."""
    for part in node.walk():
        if isinstance(part, nodes.Column) and isinstance(made := scope.get(part.name), Derived):
            yield from _choices(made.value, made.scope)
        elif isinstance(part, nodes.Call) and part.name == "case":
            yield from (Goal(condition, scope) for condition in part.arguments[0:-1:2])


def _allows(constraints: Sequence[Constraint], value: Value) -> bool:
    try:
        return all(holds(one, value) for one in constraints)
    except (Unknown, TypeError, ValueError):
        return False
