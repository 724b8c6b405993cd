"""The cases of a query: events that it must find, in each way and at each edge, and its near misses."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from string import ascii_lowercase

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses
from entra_deployer.esql.constants import TIMESTAMP, age, is_constant, literal
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Text, Unknown, Value
from entra_deployer.esql.scope import Goal
from entra_deployer.hunts.folder import Event
from entra_deployer.verify.generate.changes import Changes
from entra_deployer.verify.generate.constraints import Unsolved, reason_of
from entra_deployer.verify.generate.documents import (
    MARGIN,
    MOST_TRIES_OF_A_RULE,
    OLD,
    Attempt,
    Builder,
    Document,
    Fields,
    Flagged,
    Searched,
    TimeRange,
    value_of,
)
from entra_deployer.verify.generate.group_search import GroupSearch, find_group
from entra_deployer.verify.generate.groups import FoundGroup, Groups, SplitGroup
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.plan import Plan, columns_of
from entra_deployer.verify.generate.recipes import Recipe
from entra_deployer.verify.generate.sharpen import Example, Sharpener
from entra_deployer.verify.generate.sizes import ONE_EVENT, Flags, Sizes, find_sizes, measured
from entra_deployer.verify.judge import is_alerts_own

MOST_MEMBERS = 256
"""So many members of an IN are tried one by one."""

MOST_TOGETHER = 60
"""So many cases stand in one test for certain, where nothing else parts them."""

MOST_COLUMNS = 2
"""So many columns tell the entity of a rule that does not aggregate."""

_SAME_TIME = 0.0
_ALL = "all conditions hold"
_NO_VALUE = "no value satisfies all conditions"


@dataclass(frozen=True)
class Case:
    """Events of one entity. `fires`: the rule must find it; else it misses by `reason` alone.

    `alone`: nothing in its events keeps them apart from those of other cases. `tells` are the mutants of the query that
    are told by it, by numbers of the rule's own; None where that is not known.
    """

    name: str
    fires: bool
    events: tuple[Event, ...]
    entity: Mapping[str, Value]
    reason: str
    alone: bool = False
    tells: frozenset[int] | None = None


@dataclass(frozen=True)
class Unsolvable:
    """A case that could not be made, and why; `at` is the place in the query of the condition that is in the way."""

    name: str
    why: str
    at: int | None = None


@dataclass(frozen=True)
class Maker:
    """Makes the cases of one query from its plan, for a rule that looks at `looked_at`."""

    plan: Plan
    tree: nodes.Tree
    fields: Fields
    looked_at: TimeRange = TimeRange()  # noqa: RUF009 - frozen

    def make(self) -> list[Case | Unsolvable]:
        """All cases, the firing ones first: of groups that are counted, else of groups that are searched for.

        Last come those that tell mutants of the query from it which no other case tells.
        """
        found = self._first_cases()
        sharpener = Sharpener(self.tree, self._second_builder, self._changed, self._told_by, lambda: self._kinds)
        examples = [self._examples[id(one)] for one in found if id(one) in self._examples]
        names = {one.name for one in found if isinstance(one, Case)}
        for wanted, mark, example in sharpener.more(examples, len(found) + 1):
            name = wanted if wanted not in names else f"{wanted} (case {mark})"
            names.add(name)
            case = self._written(name, mark, example)
            self._examples[id(case)] = example
            found.append(case)
        told = sharpener if _may_be_apart(found) else None
        made = [self._telling(one, told) if told and isinstance(one, Case) else one for one in found]
        return [one for one in made if isinstance(one, Case) or one.name not in names]

    def _telling(self, case: Case, sharpener: Sharpener) -> Case:
        example = self._examples.get(id(case))
        return replace(case, tells=sharpener.told_by(example)) if example else case

    def _first_cases(self) -> list[Case | Unsolvable]:
        found: list[Case | Unsolvable] = []
        if not self.plan.complex:
            found = list(self._made(self._attempts()))
        if self.plan.grouping and not any(isinstance(one, Case) and one.fires for one in found):
            searched = list(self._made(self._searched()))
            if self.plan.complex or any(isinstance(one, Case) and one.fires for one in searched):
                return searched
        return found

    @cached_property
    def _examples(self) -> dict[int, Example]:
        """What the cases are made of, by the ids of the cases."""
        return {}

    def _changed(self, attempt: Attempt, mark: str, change: Changes | None) -> Example:
        documents = self._second_builder.make(attempt, mark)
        if change:
            documents = change.of(documents, mark)
        if not documents:
            raise Unsolved("no event is left")
        entity, alone = self._told_by(attempt, documents, mark)
        return Example(attempt, tuple(documents), entity, attempt.fires, alone, mark)

    def _told_by(self, attempt: Attempt, documents: Sequence[Document], mark: str) -> tuple[Mapping[str, Value], bool]:
        """What tells the case's entity, and whether it has to stand alone. Raises Unsolved for nothing."""
        entity, alone = self._entity(documents[0], mark), False
        if not entity and self.plan.grouping is not None:
            entity = self._of_values(documents[0], mark)
            alone = not entity
            entity = entity or self._measured(attempt, documents)
        if not entity:
            raise Unsolved("no column of the result tells its entity")
        return entity, alone

    def _of_values(self, document: Document, mark: str) -> dict[str, Value]:
        """A text of the case's own in a column that lists values of the group, where a key that is lost parts it.

        The column lists such a key where there is one.
        """
        grouping = self.plan.grouping
        if grouping is None:
            return {}
        own = f"-{mark}"
        keys = [value_of(key.value, grouping.scope, document) for key in grouping.keys]
        parting = [value for value in keys if isinstance(value, str) and value.endswith(own)]
        listed = {
            name: value_of(made.value, made.scope, document)
            for name, made in grouping.listed.items()
            if name in self.plan.columns
        }
        found = [(name, value) for name, value in listed.items() if isinstance(value, str) and value.endswith(own)]
        found.sort(key=lambda item: item[1] not in parting)
        return dict(found[:1]) if parting else {}

    def _written(self, name: str, mark: str, example: Example) -> Case:
        events = tuple(_events(f"case {mark}: {name}", example.documents))
        entity = {column: _plain(value) for column, value in example.entity.items()}
        return Case(name, example.fires, events, entity, name, example.alone)

    def _made(self, attempts: Iterator[tuple[str, bool, Attempt | None]]) -> Iterator[Case | Unsolvable]:
        try:
            for number, (name, fires, attempt) in enumerate(attempts, 1):
                try:
                    yield self._case(name, attempt and replace(attempt, fires=fires), str(number), fires=fires)
                except Unpickable:
                    yield self._unsolvable(name, attempt, _NO_VALUE)
                except Unknown as error:
                    yield self._unsolvable(name, attempt, reason_of(error))
        except (Unknown, Unpickable) as error:
            yield self._unsolvable(_ALL, Attempt(_all_true(self.plan.goals), ONE_EVENT), reason_of(error) or _NO_VALUE)

    def _unsolvable(self, name: str, attempt: Attempt | None, why: str) -> Unsolvable:
        """Why a case could not be made, by the condition that is in the way where one is known."""
        if attempt is not None or name == _ALL:
            events = attempt.events if attempt else _all_true(self.plan.goals)
            for number, (goal, truth) in enumerate(events):
                if not self._builder.solvable(events[: number + 1]):
                    alone = self._builder.why_not((goal, truth))
                    reason = alone or "together with the conditions before it no value was found"
                    return Unsolvable(name, f"`{self._say(goal)}`: {reason}", goal.predicate.span.start)
        groups = [one for one in self._after if self._counts(one)] or self._after
        if name == _ALL and (groups or self.plan.goals):
            goal, reason = next(self._empty(groups), ([*groups, *reversed(self.plan.goals)][0], why))
            return Unsolvable(name, f"`{self._say(goal)}`: {reason}", goal.predicate.span.start)
        return Unsolvable(name, why)

    def _empty(self, groups: Sequence[Goal]) -> Iterator[tuple[Goal, str]]:
        """Of the conditions on groups those about what no event can be, and why not."""
        grouping = self.plan.grouping
        for goal in groups if grouping else ():
            for name in columns_of(goal):
                counter = grouping.counters.get(name) if grouping else None
                if grouping and counter and counter.condition is not None:
                    when = grouping.conditions[counter.condition]
                    if why := self._builder.why_not((when, True)):
                        yield goal, f"`{self._say(when)}`: {why}"

    def _searched(self) -> Iterator[tuple[str, bool, Attempt | None]]:
        """As `_attempts`, of groups that are searched for."""
        found = self._found_group()
        if found is None:
            yield _ALL, True, None
            return
        search, recipe = found
        groups = search.groups
        events, firing = tuple(groups.events), FoundGroup(groups, recipe)
        yield _ALL, True, Attempt(events, firing)
        for position, (goal, _) in enumerate(events):
            for name, way in self._ways(goal):
                yield name, True, Attempt(_with(events, position, way), firing)
        misses = [(self._shown(goal), search.near_miss(recipe, goal.span)) for goal in groups.goals]
        for name, missed in misses:
            edge = search.search(missed) if missed else None
            if edge and edge != recipe:
                yield f"just: {name}", True, Attempt(events, FoundGroup(groups, edge))
        if self.looked_at.oldest and firing.fires_at(age := self.looked_at.at(OLD)):
            yield "as old as the rule looks", True, Attempt(events, firing, age)
        yield from self._near_misses(events, firing)
        for name, missed in misses:
            yield f"not: {name}", False, Attempt(events, FoundGroup(groups, missed)) if missed else None
        yield from self._split(events, firing)
        yield from self._outside(events, firing)

    def _split(self, events: tuple[Flagged, ...], firing: Sizes | Searched) -> Iterator[tuple[str, bool, Attempt]]:
        """Groups that would fire if one of their keys were not asked for."""
        if self.plan.grouping is None:
            return
        groups = Groups(self.tree, self._builder, events)
        for key in self.plan.grouping.keys:
            split = SplitGroup(groups, firing, key)
            if key.name in self.plan.kept_keys and split.is_quiet():
                yield f"half of it under another {key.name}", False, Attempt(events, split)

    def _found_group(self) -> tuple[GroupSearch, Recipe] | None:
        """The search and the smallest group that it found, by conditions on values of groups too where that works."""
        values = [goal for goal in self._after if not self.plan.complex and not self._counts(goal)]
        for goals in ([*self.plan.goals, *values], self.plan.goals):
            events = _all_true(goals)
            ways = [_with(events, position, way) for position, goal in enumerate(goals) for _, way in self._ways(goal)]
            builder = replace(self._builder, tries=iter(range(MOST_TRIES_OF_A_RULE // 2)))
            if found := find_group(Groups(self.tree, builder, events, ways)):
                return found
        return None

    def _near_misses(
        self, events: tuple[Flagged, ...], firing: Sizes | Searched
    ) -> Iterator[tuple[str, bool, Attempt]]:
        """Events that miss one of their conditions."""
        for position, (goal, _) in enumerate(events):
            for name, miss in self._misses(goal):
                yield name, False, Attempt(_with(events, position, miss), firing)

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
        return self.plan.grouping is not None and self.plan.grouping.counts(goal)

    def _attempts(self) -> Iterator[tuple[str, bool, Attempt | None]]:
        """Name, whether it fires, and what is attempted; None where no group could be of the size that it takes."""
        events = _all_true(self._event_goals)
        firing = self._sizes(_all_true(self._group_goals))
        if firing is None:
            yield _ALL, True, None
            return
        yield _ALL, True, Attempt(events, firing)
        for position, goal in enumerate(self._event_goals):
            for name, way in self._ways(goal):
                yield name, True, Attempt(_with(events, position, way), firing)
        yield from self._edges(events, firing)
        yield from self._near_misses(events, firing)
        for goal, sizes in self._missed(firing):
            yield f"not: {self._say(goal)}", False, Attempt(events, sizes) if sizes else None
        yield from self._split(events, firing)
        yield from self._outside(events, firing)

    def _outside(self, events: tuple[Flagged, ...], firing: Sizes | Searched) -> Iterator[tuple[str, bool, Attempt]]:
        """Events just outside the time range of the rule."""
        if self.looked_at.oldest:
            just = self.looked_at.oldest + min(MARGIN, max(60.0, self.looked_at.oldest / 10))
            yield "older than the rule looks", False, Attempt(events, firing, just)
        if self.looked_at.newest:
            yield "younger than the rule looks", False, Attempt(events, firing, self.looked_at.newest / 2)

    def _edges(self, events: tuple[Flagged, ...], firing: Sizes) -> Iterator[tuple[str, bool, Attempt]]:
        """Groups that only just satisfy a condition, and events that are only just young enough."""
        for goal, missed in self._missed(firing):
            edge = self._sizes(_all_true(self._group_goals), missed) if missed else None
            if edge and edge != firing:
                yield f"just: {self._say(goal)}", True, Attempt(events, edge)
        windows = [window for goal in self._event_goals if (window := _window(goal))]
        if oldest := min(filter(None, [self.looked_at.oldest, *windows]), default=None):
            age = replace(self.looked_at, oldest=oldest).at(OLD)
            yield "as old as the rule looks", True, Attempt(events, firing, age)

    def _missed(self, firing: Sizes) -> Iterator[tuple[Goal, Sizes | None]]:
        """For each condition on groups the group nearest to the firing one that misses it alone; None without one."""
        goals = _all_true(self._group_goals)
        for position, goal in enumerate(self._group_goals):
            yield goal, self._sizes(_with(goals, position, [(goal, False)]), firing)

    def _sizes(self, goals: Sequence[Flagged], near: Sizes | None = None) -> Sizes | None:
        return find_sizes(goals, self.plan.grouping, self._kinds, near) if self.plan.grouping else ONE_EVENT

    @cached_property
    def _builder(self) -> Builder:
        return Builder(self.plan, self.fields, self.looked_at)

    @cached_property
    def _second_builder(self) -> Builder:
        """As often as for the first cases values may be tried for those that come after them."""
        return Builder(self.plan, self.fields, self.looked_at)

    @cached_property
    def _kinds(self) -> list[Flags]:
        return self._builder.kinds(_all_true(self._event_goals))

    def _ways(self, goal: Goal) -> Iterator[tuple[str, list[Flagged]]]:
        """Other ways to satisfy a condition than the first."""
        yield from list(self._choices(goal, truth=True))[1:]

    def _misses(self, goal: Goal) -> Iterator[tuple[str, list[Flagged]]]:
        """The ways to miss a condition; the first has the name of the condition itself."""
        for number, (name, flagged) in enumerate(self._choices(goal, truth=False)):
            yield (name if number else f"not: {self._say(goal)}"), flagged

    def _choices(self, goal: Goal, *, truth: bool) -> Iterator[tuple[str, list[Flagged]]]:
        """The ways in which a condition becomes true, or false: one leaf is varied at a time."""
        node = strip_parentheses(goal.predicate)
        if isinstance(node, nodes.Unary) and node.operator == "not":
            yield from self._choices(replace(goal, predicate=node.operand), truth=not truth)
        elif isinstance(node, nodes.Binary) and node.operator in ("and", "or"):
            sides = [replace(goal, predicate=side) for side in operands(node, node.operator)]
            alone = (node.operator == "or") is truth
            for position, side in enumerate(sides):
                rest = [(other, truth is not alone) for other in sides if other is not side]
                for number, (name, flagged) in enumerate(self._choices(side, truth=truth)):
                    if alone or number or not position:
                        yield name, [*flagged, *rest]
        elif isinstance(node, nodes.In) and truth is not node.negated:
            yield from self._members(goal, node)
        else:
            yield (self._say(goal) if truth else f"not: {self._say(goal)}"), [(goal, truth)]

    def _members(self, goal: Goal, node: nodes.In) -> Iterator[tuple[str, list[Flagged]]]:
        """Each member of a list is met."""
        for item in node.items[:MOST_MEMBERS]:
            one = nodes.Binary(node.span, "==", node.value, item)
            shown = literal(item) if is_constant(item) else item.span.of(self.tree.text)
            name = f"{node.value.span.of(self.tree.text)} == {shown}"
            yield name, [(replace(goal, predicate=one), True)]

    def _say(self, goal: Goal) -> str:
        return self._shown(goal.predicate)

    def _shown(self, node: nodes.Expression) -> str:
        return " ".join(node.span.of(self.tree.text).split())

    # -- one case ---------------------------------------------------------------------------------------------------

    def _case(self, name: str, attempt: Attempt | None, mark: str, *, fires: bool) -> Case:
        if attempt is None:
            raise Unsolved(
                "no group was found for which it holds with all others"
                if fires
                else "the other conditions on groups imply it"
            )
        self._refuse_metadata(attempt)
        documents = self._documents(attempt, mark)
        entity, alone = self._told_by(attempt, documents, mark)
        example = Example(attempt, tuple(documents), entity, fires, alone, mark)
        case = self._written(name, mark, example)
        self._examples[id(case)] = example
        return case

    def _measured(self, attempt: Attempt, documents: Sequence[Document]) -> dict[str, Value]:
        """What the query counts in a group, as far as the result shows it: a group without keys is told by that."""
        grouping, sizes = self.plan.grouping, attempt.sizes
        if grouping is None:
            return {}
        found = measured(grouping, sizes) if isinstance(sizes, Sizes) else sizes.counted(documents)
        return {name: value for name, value in found.items() if name in self.plan.columns}

    def _documents(self, attempt: Attempt, mark: str) -> list[Document]:
        """The documents. Where the keys lose the mark, as a REPLACE of digits makes them, it is one of letters."""
        documents = self._builder.make(attempt, mark)
        entity = self._entity(documents[0], mark)
        if self.plan.grouping and entity and not any(mark in str(value) for value in entity.values()):
            documents = self._builder.make(attempt, _letters(int(mark)))
        for evaluator in (Evaluator(document.values) for document in documents):
            for goal, truth in attempt.events:
                if evaluator.contradicts(goal, truth=truth):
                    raise Unsolved(f"no value was found for {self._say(goal)}")
        return documents

    def _refuse_metadata(self, attempt: Attempt) -> None:
        """A condition on metadata (_score) is Elasticsearch's own affair: whether it is false cannot be arranged."""
        for goal, truth in attempt.events:
            if not truth and any(column.startswith("_") for column in columns_of(goal)):
                raise Unsolved("a condition on metadata")

    def _entity(self, document: Document, mark: str) -> dict[str, Value]:
        """The columns by which the result tells the case's entity: its keys, or what is the case's own."""
        if grouping := self.plan.grouping:
            keys = {
                name: value_of(key.value, grouping.scope, document)
                for key in grouping.keys
                if (name := self.plan.kept_keys.get(key.name))
            }
            return {name: value for name, value in keys.items() if value is not None and not is_alerts_own(name)}
        wild = [name for name in document.fields if any(fnmatchcase(name, one) for one in self.plan.wild)]
        names = dict.fromkeys((*self.plan.shown, *wild)) if self.plan.shown or wild else tuple(document.fields)
        columns = {name: nodes.Column(nodes.Span(0, 0), name) for name in names}
        values = {name: value_of(column, self.plan.scope, document) for name, column in columns.items()}
        known = {name: value for name, value in values.items() if value is not None and not is_alerts_own(name)}
        own = {name: value for name, value in known.items() if mark in str(value)}
        free = {name: value for name, value in own.items() if name not in self._conditioned}
        return dict(list((free or own or known).items())[:MOST_COLUMNS])

    @cached_property
    def _conditioned(self) -> set[str]:
        """The columns of conditions: some near miss lacks them, or has another value there."""
        return {column for goal in self.plan.goals for column in columns_of(goal)}


def _may_be_apart(found: Sequence[Case | Unsolvable]) -> bool:
    """Whether the cases may take more than one test: what each of them tells decides which of these there are."""
    cases = [one for one in found if isinstance(one, Case)]
    alone = any(one.alone for one in cases)
    return alone or len({repr(one.entity) for one in cases}) < len(cases) or len(cases) > MOST_TOGETHER


def _letters(number: int) -> str:
    """A number in letters: a to z, then ba, bb and so on."""
    front, last = divmod(number, len(ascii_lowercase))
    return (_letters(front) if front else "") + ascii_lowercase[last]


def _events(name: str, documents: Sequence[Document]) -> Iterator[Event]:
    """The documents as events."""
    for number, document in enumerate(documents, 1):
        part = name if number == 1 else f"{name}, value {number}"
        fields = {field: _plain(value) for field, value in document.fields.items()}
        yield Event(part, fields, document.age, document.count, _SAME_TIME)


def _plain(value: Value) -> Value:
    """A value as a file holds it: the simulation marks those of text fields."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return str(value) if isinstance(value, Text) else value


def _all_true(goals: Sequence[Goal]) -> tuple[Flagged, ...]:
    return tuple((goal, True) for goal in goals)


def _with(items: tuple[Flagged, ...], position: int, instead: Sequence[Flagged]) -> tuple[Flagged, ...]:
    return (*items[:position], *instead, *items[position + 1 :])


def _window(goal: Goal) -> float | None:
    """The seconds of a condition like @timestamp > NOW() - 7 days; None for any other."""
    node = strip_parentheses(goal.predicate)
    if (
        isinstance(node, nodes.Binary)
        and node.operator in (">", ">=")
        and strip_parentheses(node.left) == _timestamp(node.left)
    ):
        return age(node.right)
    return None


def _timestamp(node: nodes.Expression) -> nodes.Column:
    return nodes.Column(strip_parentheses(node).span, TIMESTAMP)
