"""How large a group must be: numbers of events and of different values that satisfy the conditions on groups."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from heapq import heappop, heappush

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import Evaluator, Program, Programs, Truth, unknown
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.scope import Derived, Goal, Scope
from entra_deployer.verify.generate.constraints import TooMany, Unsolved, reason_of
from entra_deployer.verify.generate.plan import Counter, Grouping, columns_of

MOST_EVENTS = 500
"""No group is made larger than this."""

MOST_CHOICES = 50_000
"""So many combinations of numbers are looked at."""

type Flags = tuple[bool, ...]
"""Of an event: which of Grouping.conditions it meets."""


@dataclass(frozen=True)
class Part:
    """Events of a group that count alike: so many of them, in so many different documents."""

    flags: Flags
    events: int
    documents: int


@dataclass(frozen=True)
class Sizes:
    """A group: its parts, how many different values each counter of such sees, and the seconds that it lasts.

    `chosen` are the numbers that it was made from, in an order of their own.
    """

    parts: tuple[Part, ...]
    different: Mapping[str, int] = field(default_factory=dict)
    lasts: float = 0.0
    chosen: tuple[int, ...] = ()


ONE_EVENT = Sizes((Part((), 1, 1),))


def find_sizes(
    goals: Sequence[tuple[Goal, bool]], grouping: Grouping, kinds: Sequence[Flags], near: Sizes | None = None
) -> Sizes | None:
    """A group for which each condition is true, or false where its flag says so; None where there is none.

    It is the smallest one, or the one that differs least from the group `near`. `kinds` are the events that there can
    be. Raises Unsolved where there are too many to look at.
    """
    search = _Search(grouping, tuple(kinds), tuple(goal for goal, _ in goals))
    choices = search.narrowed(goals)
    start = near.chosen if near else (0,) * len(choices)
    programs = _Counted([*search.distinct, *search.counted])
    conditions = [(programs.truth(goal.predicate, goal.scope), truth) for goal, truth in goals]
    for chosen in _nearest_first(choices, start):
        sizes = search.sizes(chosen)
        if sizes:
            group = Evaluator(measured(grouping, sizes))
            if all(_holds(program, group) is truth for program, truth in conditions):
                return sizes
    return None


def _holds(condition: Truth, group: Evaluator) -> bool:
    try:
        return bool(condition(group))
    except Unknown as error:
        raise Unsolved(reason_of(error)) from error


def _parts(goal: Goal, *, truth: bool) -> Iterator[tuple[Goal, bool]]:
    """What a condition that is to have this truth is made of, each part with its own."""
    node = strip_parentheses(goal.predicate)
    if isinstance(node, nodes.Unary) and node.operator == "not":
        yield from _parts(replace(goal, predicate=node.operand), truth=not truth)
    elif isinstance(node, nodes.Binary) and node.operator == ("and" if truth else "or"):
        for side in operands(node, node.operator):
            yield from _parts(replace(goal, predicate=side), truth=truth)
    else:
        yield goal, truth


def _may_be(condition: Truth, counted: Mapping[str, Value], *, truth: bool) -> bool:
    """Whether a condition may be as it is to be: also where more than what is counted decides it."""
    try:
        return bool(condition(Evaluator(counted))) is truth
    except Unknown:
        return True


def _nearest_first(choices: Sequence[Sequence[int]], start: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Each combination of the choices, those first that differ least from `start`. Raises Unsolved at too many."""
    ways = [sorted((abs(number - near), number) for number in some) for some, near in zip(choices, start, strict=True)]
    if not all(ways):
        return
    first = (0,) * len(ways)
    heap = [(sum(way[0][0] for way in ways), first)]
    seen = {first}
    for _ in range(MOST_CHOICES):
        if not heap:
            return
        _, places = heappop(heap)
        yield tuple(way[place][1] for way, place in zip(ways, places, strict=True))
        for variable, place in enumerate(places):
            further = (*places[:variable], place + 1, *places[variable + 1 :])
            if place + 1 < len(ways[variable]) and further not in seen:
                seen.add(further)
                heappush(heap, (sum(way[at][0] for way, at in zip(ways, further, strict=True)), further))
    raise TooMany("too many aggregates under conditions")


@dataclass(frozen=True)
class _Search:
    """The numbers to choose: the events of each kind, the different values of each counter of such, the spreads."""

    grouping: Grouping
    kinds: tuple[Flags, ...]
    goals: tuple[Goal, ...]

    @cached_property
    def asked(self) -> set[str]:
        """The columns that any condition looks at."""
        return {column for goal in self.goals for column in columns_of(goal)}

    @cached_property
    def distinct(self) -> list[str]:
        """The counters of different values that conditions look at; for any other one value is enough."""
        return sorted(
            name for name, counter in self.grouping.counters.items() if counter.distinct and name in self.asked
        )

    @property
    def counted(self) -> list[str]:
        """The columns that a group's numbers of events and its seconds give."""
        return [*(name for name, one in self.grouping.counters.items() if not one.distinct), *self.grouping.spreads]

    @cached_property
    def spreads(self) -> list[str]:
        """The measures of time that conditions look at."""
        return sorted(self.asked & self.grouping.spreads.keys())

    @property
    def choices(self) -> list[list[int]]:
        """For each number its candidates: those of the conditions with their neighbours."""
        all_of_them = sorted(self._numbers(None))
        events = [all_of_them] if len(self.kinds) == 1 else [[0, *all_of_them] for _ in self.kinds]
        different = [[0, *sorted(self._numbers(name))] for name in self.distinct]
        spreads = [[0, *sorted(self._numbers(name))] for name in self.spreads]
        return [*events, *different, *spreads]

    def narrowed(self, goals: Sequence[tuple[Goal, bool]]) -> list[list[int]]:
        """The choices without those that a condition on one number alone rules out."""
        choices = self.choices
        for goal, truth in (part for one, wanted in goals for part in _parts(one, truth=wanted)):
            counted = set(columns_of(goal)) & self.grouping.measures
            place = self._place(next(iter(counted))) if len(counted) == 1 else None
            if place is not None:
                (name,) = counted
                condition = _Counted([name]).truth(goal.predicate, goal.scope)
                choices[place] = [one for one in choices[place] if _may_be(condition, {name: one}, truth=truth)]
        return choices

    def _place(self, name: str) -> int | None:
        """Which of the choices alone makes a number; None where several do."""
        made = len(self.kinds)
        if name in self.distinct:
            return made + self.distinct.index(name)
        if name in self.spreads:
            return made + len(self.distinct) + self.spreads.index(name)
        kinds = list(self._kinds_of(self.grouping.counters.get(name)))
        return kinds[0] if len(kinds) == 1 and name in self.grouping.counters else None

    def _numbers(self, name: str | None) -> set[int]:
        """The numbers of the conditions that look at a column, at any column for None."""
        found = {1, 2}
        for goal in self.goals:
            if name is None or name in columns_of(goal):
                for node in goal.predicate.walk():
                    if isinstance(node, nodes.Literal) and node.kind == "integer" and isinstance(node.value, int):
                        found |= {node.value - 1, node.value, node.value + 1}
        return {number for number in found if 1 <= number <= MOST_EVENTS}

    def sizes(self, chosen: tuple[int, ...]) -> Sizes | None:
        """The group of these numbers; None where they contradict each other."""
        events = chosen[: len(self.kinds)]
        different = dict(zip(self.distinct, chosen[len(self.kinds) :], strict=False))
        spreads = dict(zip(self.spreads, chosen[len(self.kinds) + len(different) :], strict=True))
        lasts = {float(number * self.grouping.spreads[name]) for name, number in spreads.items()}
        if len(lasts) > 1:
            return None
        documents = self._documents(events, different, 2 if any(lasts) else 1)
        if documents is None:
            return None
        parts = zip(self.kinds, events, documents, strict=True)
        return Sizes(
            tuple(Part(flags, count, many) for flags, count, many in parts if count),
            different,
            lasts.pop() if lasts else 0.0,
            chosen,
        )

    def _documents(self, events: Sequence[int], different: Mapping[str, int], least: int) -> list[int] | None:
        """How many documents each kind takes, so that there are as many different values as chosen."""
        documents = [min(1, count) for count in events]
        for name, wanted in [*different.items(), ("", least)]:
            mine = list(self._kinds_of(self.grouping.counters.get(name)))
            if bool(wanted) is not any(events[kind] for kind in mine):
                return None
            for kind in mine:
                lacking = wanted - sum(documents[one] for one in mine)
                documents[kind] += max(0, min(lacking, events[kind] - documents[kind]))
            if sum(documents[one] for one in mine) < wanted:
                return None
        return documents

    def _kinds_of(self, counter: Counter | None) -> Iterator[int]:
        """The kinds of events that a counter counts."""
        for number, flags in enumerate(self.kinds):
            if counter is None or counter.condition is None or flags[counter.condition]:
                yield number


def measured(grouping: Grouping, sizes: Sizes) -> dict[str, Value]:
    """What the query counts in a group, by column."""
    found: dict[str, Value] = dict(sizes.different)
    for name, counter in grouping.counters.items():
        if not counter.distinct:
            found[name] = sum(
                part.events for part in sizes.parts if counter.condition is None or part.flags[counter.condition]
            )
    for name, unit in grouping.spreads.items():
        found[name] = int(sizes.lasts // unit)
    return found


class _Counted(Programs):
    """Programs of what the query makes of what it counts in a group; these columns have their values by name."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._scopes: dict[int, tuple[Scope, dict[object, tuple[object, Value]]]] = {}

    def kept(self, scope: Scope) -> dict[object, tuple[object, Value]]:
        """What is kept of a scope: here, where columns mean something else than there."""
        return self._scopes.setdefault(id(scope), (scope, {}))[1]

    def column(self, name: str, scope: Scope) -> Program:
        """The program of a column: counted, or made of what is counted. It raises Unknown for any other."""
        if name in self._names:
            return lambda event: event.values[name]
        if isinstance(scope.get(name), Derived):
            return super().column(name, scope)
        return unknown("a span of time that no DATE_DIFF measures" if name == TIMESTAMP else name)
