"""The cases of a query: events that it must find, one case for each way to satisfy it, and its near misses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from entra_deployer.model.source import Event
from entra_deployer.model.values import Json
from entra_deployer.syntax import nodes
from entra_deployer.syntax.expressions import bare
from entra_deployer.synth.constants import Unsolved, literal
from entra_deployer.synth.documents import MARGIN, Attempt, Document, Fields, make_documents, value_of
from entra_deployer.synth.pick import Unpickable
from entra_deployer.synth.plan import Plan, columns_of
from entra_deployer.synth.scope import Goal
from entra_deployer.synth.sizes import Sizes, find_sizes

MOST_MEMBERS = 8
"""A list of IN is tried member by member up to this length."""

MOST_COLUMNS = 2
"""So many columns tell the entity of a rule that does not aggregate."""

_SAME_TIME = 0.0


@dataclass(frozen=True)
class Case:
    """Events of one entity. `fires`: the rule must find it; else it misses by `reason` alone."""

    name: str
    fires: bool
    events: tuple[Event, ...]
    entity: Mapping[str, Json]
    reason: str


@dataclass(frozen=True)
class Unsolvable:
    """A case that could not be made, and why."""

    name: str
    why: str


type Flagged = tuple[Goal, bool]
"""A condition, and whether it is to be true."""


@dataclass(frozen=True)
class Maker:
    """Makes the cases of one query from its plan and its text; `lookback` seconds back are looked at, None for all."""

    plan: Plan
    text: str
    fields: Fields
    lookback: float | None = None

    def make(self) -> Iterator[Case | Unsolvable]:
        """All cases, the firing ones first."""
        for number, (name, fires, attempt) in enumerate(self._attempts(), 1):
            try:
                yield self._case(name, attempt, str(number), fires=fires)
            except (Unsolved, Unpickable) as error:
                yield Unsolvable(name, str(error) or "no value satisfies all conditions")

    # -- which cases there are --------------------------------------------------------------------------------------

    @cached_property
    def _event_goals(self) -> list[Goal]:
        """Conditions on events, and those on groups that are about a value of the events."""
        return [*self.plan.goals, *(goal for goal in self._after if not self._counts(goal))]

    @cached_property
    def _group_goals(self) -> list[Goal]:
        return [goal for goal in self._after if self._counts(goal)]

    @property
    def _after(self) -> list[Goal]:
        return self.plan.grouping.after if self.plan.grouping else []

    def _counts(self, goal: Goal) -> bool:
        counters = self.plan.grouping.counters if self.plan.grouping else {}
        return any(column in counters for column in columns_of(goal))

    def _attempts(self) -> Iterator[tuple[str, bool, Attempt]]:
        events, groups = _all_true(self._event_goals), _all_true(self._group_goals)
        yield "all conditions hold", True, Attempt(events, groups)
        for position, goal in enumerate(self._event_goals):
            for name, way in self._ways(goal):
                yield name, True, Attempt(_with(events, position, way), groups)
        for position, goal in enumerate(self._event_goals):
            yield f"not: {self._say(goal)}", False, Attempt(_with(events, position, [(goal, False)]), groups)
        for position, goal in enumerate(self._group_goals):
            yield f"not: {self._say(goal)}", False, Attempt(events, _with(groups, position, [(goal, False)]))
        if self.lookback:
            yield "older than the rule looks", False, Attempt(events, groups, self.lookback + MARGIN)

    def _ways(self, goal: Goal) -> Iterator[tuple[str, list[Flagged]]]:
        """Other ways to satisfy a condition: each further side of an OR alone, each further member of an IN."""
        node = bare(goal.predicate)
        sides = [replace(goal, predicate=side) for side in _disjuncts(node)]
        for side in sides[1:]:
            yield self._say(side), [(side, True), *((other, False) for other in sides if other is not side)]
        if isinstance(node, nodes.In) and not node.negated and len(node.items) <= MOST_MEMBERS:
            for item in node.items[1:]:
                one = nodes.Binary(node.span, "==", node.value, item)
                name = f"{node.value.span.of(self.text)} == {literal(item)}"
                yield name, [(replace(goal, predicate=one), True)]

    def _say(self, goal: Goal) -> str:
        return " ".join(goal.predicate.span.of(self.text).split())

    # -- one case ---------------------------------------------------------------------------------------------------

    def _case(self, name: str, attempt: Attempt, mark: str, *, fires: bool) -> Case:
        self._refuse_metadata(attempt)
        sizes = self._sizes(attempt)
        documents = list(make_documents(self.plan, self.fields, attempt, sizes, mark))
        entity = self._entity(documents[0], mark)
        if not entity:
            raise Unsolved("no column of the result tells its entity")
        return Case(name, fires, tuple(_events(mark, documents, sizes)), entity, name)

    def _refuse_metadata(self, attempt: Attempt) -> None:
        """A condition on metadata (_score) is Elasticsearch's own affair: whether it is false cannot be arranged."""
        for goal, truth in attempt.events:
            if not truth and any(column.startswith("_") for column in columns_of(goal)):
                raise Unsolved("a condition on metadata")

    def _sizes(self, attempt: Attempt) -> Sizes:
        if self.plan.grouping is None:
            return Sizes(1, {})
        counters = self.plan.grouping.counters
        firing = find_sizes(_all_true(self._group_goals), counters)
        sizes = find_sizes(attempt.groups, counters, near=firing)
        if sizes is None:
            raise Unsolved("the other conditions on groups imply it" if firing else "no group satisfies them")
        return sizes

    def _entity(self, document: Document, mark: str) -> dict[str, Json]:
        """The columns by which the result tells the case's entity: its keys, or what is the case's own."""
        if grouping := self.plan.grouping:
            keys = {key.name: value_of(key.value, grouping.scope, document) for key in grouping.keys}
            return {name: value for name, value in keys.items() if value is not None}
        names = self.plan.shown or tuple(document.fields)
        columns = {name: nodes.Column(nodes.Span(0, 0), name) for name in names}
        values = {name: value_of(column, self.plan.scope, document) for name, column in columns.items()}
        known = {name: value for name, value in values.items() if value is not None}
        own = {name: value for name, value in known.items() if mark in str(value)}
        return dict(list((own or known).items())[:MOST_COLUMNS])


def _events(mark: str, documents: Sequence[Document], sizes: Sizes) -> Iterator[Event]:
    """The documents as events: the first one as often as it takes to make up the group."""
    first = documents[0]
    yield Event(f"case {mark}", first.fields, first.age, sizes.events - len(documents) + 1, _SAME_TIME)
    for number, document in enumerate(documents[1:], 2):
        yield Event(f"case {mark}, value {number}", document.fields, document.age, 1, _SAME_TIME)


def _all_true(goals: Sequence[Goal]) -> tuple[Flagged, ...]:
    return tuple((goal, True) for goal in goals)


def _with(items: tuple[Flagged, ...], position: int, instead: Sequence[Flagged]) -> tuple[Flagged, ...]:
    return (*items[:position], *instead, *items[position + 1 :])


def _disjuncts(node: nodes.Expression) -> Iterator[nodes.Expression]:
    node = bare(node)
    if isinstance(node, nodes.Binary) and node.operator == "or":
        yield from _disjuncts(node.left)
        yield from _disjuncts(node.right)
    else:
        yield node
