"""Further cases for what the first ones do not tell: a mutant of the query that finds the same on all of them.

For each such mutant events are looked for that the query finds and the mutant does not, or the other way round: by
solving both conditions at once, by a search for a group, then by changing one thing of a case that is there. Whatever
is tried is tried on all mutants that are still to be told. Everything is computed, no server is asked.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import NOW
from entra_deployer.esql.functions import Text, Unknown, Value
from entra_deployer.esql.scope import Goal, Scope
from entra_deployer.esql.simulation import Row, Simulation, Stage
from entra_deployer.verify.generate.apart import apart
from entra_deployer.verify.generate.changes import Alterations, Beside, Both, Change, Changes, said
from entra_deployer.verify.generate.documents import OLD, Attempt, Builder, Document
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.rows import Rows
from entra_deployer.verify.generate.sizes import Flags, Sizes, find_sizes
from entra_deployer.verify.generate.told_groups import ToldGroup, ToldGroups
from entra_deployer.verify.judge import is_alerts_own
from entra_deployer.verify.mutate.mutants import Mutation, mutations

MOST_WORK = 30_000
"""So often a command is computed for a row, for each way of looking and rule."""

MOST_TOLD = 60_000
"""So often that is done to know which mutants each case of a rule tells."""

MOST_OF_ONE = 6_000
"""So much of that is for one mutant, where cases are changed for it."""

LEAST_OF_ONE = 1_000
"""At least so much, where it lasts: so that the first of many do not use up all."""

THE_WINDOW = -1
"""Stands for the mutant whose range is half as long."""

MOST_BASES = 6
"""So many cases are changed for one mutant."""

MOST_STARTS = 4
"""From so many cases groups are searched."""

MOST_PAIRED = 2
"""Of so many cases two things are changed."""


@dataclass(frozen=True)
class Example:
    """A case with the events that it is made of, before they are written down; `alone` as in Case.

    `mark` stands in the texts that are its own.
    """

    attempt: Attempt
    documents: tuple[Document, ...]
    entity: Mapping[str, Value]
    fires: bool
    alone: bool = False
    mark: str = ""


@dataclass(frozen=True)
class Found:
    """A case that tells a mutant, and by what change of another case, where it was made so."""

    mutation: Mutation
    example: Example
    change: Changes | None = None


LARGE = 50
"""Of a group of so many different events one is looked at first: whether a mutant takes it otherwise."""

MOST_PLACED = 5_000
"""So often a value is looked for, for all events that take the place of one, of a rule."""


type Build = Callable[[Attempt, str, Changes | None], Example]
"""The events of an attempt with a mark and a change. Raises Unknown or Unpickable."""

type Named = Callable[[Attempt, Sequence[Document], str], tuple[Mapping[str, Value], bool]]
"""What tells the entity of a case, and whether it has to stand alone. Raises Unsolved for nothing."""

type _Look = Callable[[Mutation, Sequence[Example], str], Found | None]


@dataclass
class Sharpener:
    """Looks for cases that tell mutants from the query. `kinds` tells the events of a counted group."""

    tree: nodes.Tree
    builder: Builder
    build: Build
    named: Named
    kinds: Callable[[], Sequence[Flags]] = tuple
    work: int = MOST_WORK
    told_left: int = MOST_TOLD
    _mutations: list[Mutation] = field(default_factory=list)
    _waiting: dict[int, Mutation] = field(default_factory=dict)
    _seen: set[tuple[int, Changes]] = field(default_factory=set)

    def more(self, examples: Sequence[Example], first: int) -> Iterator[tuple[str, str, Example]]:
        """Name, mark and example of each further case; the marks are numbers from `first` on."""
        known = [one for one in examples if self._agrees(one)]
        if not any(one.fires for one in known):
            return
        self._mutations = list(mutations(self.tree))
        self._waiting = {id(one): one for one in self._mutations}
        for example in known:
            self._tell(example)
        if several := self._of_each_kind(known, str(first)):
            known.insert(1, several)
            first += 1
        groups: tuple[_Look, ...] = (self._sized, self._searched, self._scanned, self._searched)
        events: tuple[_Look, ...] = (self._as_it_is, self._solved, self._placed)
        looks = (*events, *groups, self._altered, self._joined_by_one, self._altered_twice)
        is_large = any(len(one.documents) >= LARGE for one in known if one.fires)
        for look in (self._taken_otherwise, *looks) if is_large else looks:  # to solve such a group anew takes long
            self.work = MOST_WORK
            for key, mutation in tuple(self._waiting.items()):
                if key in self._waiting and self.work > 0 and (found := look(mutation, known, str(first))):
                    yield self._name(found), str(first), found.example
                    known.append(found.example)
                    first += 1
                    self._tell(found.example)
        if older := self._older(known, str(first)):
            yield "as old as the rule looks", str(first), older

    # -- telling ----------------------------------------------------------------------------------------------------

    @cached_property
    def rows(self) -> Rows:
        """The rows of the examples' events."""
        return Rows(self.builder.looked_at.moment or NOW)

    @cached_property
    def _simulation(self) -> Simulation:
        return Simulation(self.builder.looked_at.moment or NOW)

    @cached_property
    def _alterations(self) -> Alterations:
        return Alterations(self.tree, self.builder.plan, self.builder.fields)

    @property
    def _first(self) -> int:
        return self._alterations.first

    def _stages(self, documents: Sequence[Document]) -> list[Stage]:
        """What the query makes of events, command by command. Raises Unknown."""
        looked_at = [one for one in documents if self.builder.looked_at.holds(one.age)]
        self.work -= len(looked_at) * len(self.tree.commands)
        return self._simulation.stages(self.tree.commands, self.rows.of(looked_at))

    def _agrees(self, example: Example) -> bool:
        """Whether the case is computed to do what it says."""
        try:
            return _judged(self._stages(example.documents)[-1], example.entity) == (example.fires, False)
        except Unknown:
            return False

    def _tell(self, example: Example) -> None:
        """Take out of the mutants that wait those that find something else on the case than the query does."""
        with suppress(Unknown):
            stages = self._stages(example.documents)
            for key, mutation in tuple(self._waiting.items()):
                if self._tells(mutation, stages, example):
                    del self._waiting[key]

    def told_by(self, example: Example) -> frozenset[int] | None:
        """The mutants that the example tells, by their numbers, and THE_WINDOW; None where that is not known."""
        if self.told_left <= 0:
            return None
        before = self.work
        found = self._told_by_it(example)
        self.told_left -= before - self.work
        return found

    def _told_by_it(self, example: Example) -> frozenset[int] | None:
        try:
            stages = self._stages(example.documents)
            if _judged(stages[-1], example.entity) != (example.fires, False):
                return None
        except Unknown:
            return None
        found = [number for number, one in enumerate(self._mutations) if self._tells(one, stages, example)]
        return frozenset([*found, THE_WINDOW] if example.fires and self._needs_all_of_the_range(example) else found)

    def _tells(self, mutation: Mutation, stages: Sequence[Stage], example: Example) -> bool:
        """Whether the mutant finds something else than the query, which came to these stages."""
        after = self._mutated(mutation, stages)
        with suppress(Unknown):
            return after is not None and _judged(after, example.entity) != (example.fires, False)
        return False

    def _mutated(self, mutation: Mutation, stages: Sequence[Stage]) -> Stage | None:
        """What the mutant leaves; None where it goes the same way as the query, and where that is not known."""
        before = stages[mutation.place]
        self.work -= len(before.rows)
        try:
            stage = self._simulation.after(mutation.command, before)
            if _is_same(stage, stages[mutation.place + 1]):
                return None
            for command in self.tree.commands[mutation.place + 1 :]:
                self.work -= len(stage.rows)
                stage = self._simulation.after(command, stage)
        except Unknown:
            return None
        return stage

    def _told(self, candidates: Sequence[Mutation], example: Example) -> tuple[Mutation, Example] | None:
        """The first mutant that the example tells, and the example, firing as it is computed to fire."""
        with suppress(Unknown):
            stages = self._stages(example.documents)
            caught, other = _judged(stages[-1], example.entity)
            settled = replace(example, fires=caught)
            if not other:
                found = next((one for one in candidates if self._tells(one, stages, settled)), None)
                return (found, settled) if found and not self._warns(settled) else None
        return None

    def _warns(self, example: Example) -> bool:
        """Whether Elasticsearch would warn of several values where one is asked for: no test may rest on that."""
        stages = self._simulation.stages(self.tree.commands, Rows().of(example.documents))
        return any(row.at(NOW).warned for stage in stages for row in stage.rows)

    def _shown(self, mutation: Mutation, example: Example) -> tuple[Mutation, Example] | None:
        """The example, told by what its row shows too: what lets other events in counts and lists others."""
        if self.builder.plan.grouping is None or mutation.place > self._first:
            return None
        with suppress(Unknown):
            stages = self._stages(example.documents)
            after = self._mutated(mutation, stages)
            rows = [self._row(one, example) for one in (stages[-1], after) if one]
            if len(rows) == 2 and rows[0] and rows[1]:
                own, other = (_values(row, stages[-1].scope, self._columns) for row in rows if row)
                unlike = {name: value for name, value in own.items() if not _shows(other.get(name), value)}
                told = {name: value for name, value in unlike.items() if name not in example.entity}
                for name, value in told.items():
                    if found := self._told([mutation], replace(example, entity={**example.entity, name: value})):
                        return found
        return None

    @cached_property
    def _columns(self) -> list[str]:
        """The columns of the result that an alert shows as they are."""
        return [name for name in self.builder.plan.columns if not is_alerts_own(name)]

    def _row(self, stage: Stage, example: Example) -> Row | None:
        return next((one for one in stage.rows if _is(one, stage.scope, example.entity)), None)

    def _example(
        self, candidates: Sequence[Mutation], attempt: Attempt, mark: str, change: Changes | None
    ) -> Found | None:
        """The case of an attempt where it tells a mutant."""
        with suppress(Unknown, Unpickable):
            made = self.build(attempt, mark, change)
            if told := self._told(candidates, made) or self._shown(candidates[0], made):
                return Found(*told, change)
        return None

    # -- looking ----------------------------------------------------------------------------------------------------

    def _of_each_kind(self, known: Sequence[Example], mark: str) -> Example | None:
        """A case that fires by an event of each kind: what is changed of one of them is not made good by another."""
        attempt = next(one.attempt for one in known if one.fires)
        with suppress(Unknown, Unpickable):
            if self.builder.plan.grouping and self._waiting and (found := self._grouped.of_each_kind(attempt)):
                example = self.build(found, mark, None)
                return example if self._agrees(example) else None
        return None

    def _as_it_is(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A case that is there, told by what its row shows too."""
        for base in [one for one in known if one.fires][:MOST_PAIRED]:
            if told := self._shown(mutation, base):
                return Found(mutation, self._renewed(told[1], mutation, mark) or told[1])
        return None

    def _renewed(
        self, example: Example, mutation: Mutation, mark: str, change: Changes | None = None
    ) -> Example | None:
        """The case, changed, under a mark of its own, where that makes another entity of it and it tells the mutant.

        What else than its keys the case is told by stays.
        """
        own = marked(example, mark)
        documents = tuple(change.of(own.documents, mark)) if change else own.documents
        with suppress(Unknown):
            before, _ = self.named(example.attempt, example.documents, example.mark)
            entity, alone = self.named(example.attempt, documents, mark)
            shown = {name: value for name, value in own.entity.items() if name not in before}
            renewed = replace(own, documents=documents, entity={**entity, **shown}, alone=alone)
            if renewed.entity != example.entity and (told := self._told([mutation], renewed)):
                return told[1]
        return None

    def _placed(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A group that fires, with an event that a condition takes and its mutant does not in the place of one."""
        bases = [one for one in known if one.fires][:MOST_PAIRED] if self.builder.plan.grouping else []
        for base in bases if mutation.place < self._first else ():
            groups = self._grouped.groups_of(base.attempt)
            for goals in (one.events for one in self._attempts(mutation, base)):
                for place, old in enumerate(base.documents[:MOST_STARTS]):
                    solver = self._placing.solver(base.mark)
                    if (new := groups.event_like(old, base.documents[0], goals, solver)) is None:
                        continue
                    new = replace(new, age=old.age)
                    instead = (*base.documents[:place], replace(new, count=old.count), *base.documents[place + 1 :])
                    for documents in (instead, (*base.documents, new)):
                        made = replace(base, documents=documents)
                        if told := self._told([mutation], made) or self._shown(mutation, made):
                            return Found(mutation, self._renewed(told[1], mutation, mark) or told[1])
        return None

    @cached_property
    def _placing(self) -> Builder:
        """Solves for events that take the place of others; what it has tried is not lacking elsewhere."""
        return replace(self.builder, tries=iter(range(MOST_PLACED)))

    def _solved(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """Events for which a condition is false and its mutant true, or the other way round."""
        base = next(one for one in known if one.fires)
        found = (self._example([mutation], one, mark, None) for one in self._attempts(mutation, base))
        return next(filter(None, found), None)

    def _attempts(self, mutation: Mutation, base: Example) -> Iterator[Attempt]:
        command, changed = self.tree.commands[mutation.place], mutation.command
        mine = [goal for goal in self.builder.plan.goals if _within(goal.predicate, command)]
        if not mine or not (isinstance(command, nodes.Where) and isinstance(changed, nodes.Where)):
            return
        scope = mine[0].scope
        rest = [one for one in base.attempt.events if not _within(one[0].predicate, command)]
        for holds, fails, fires in ((changed, command, False), (command, changed, True)):
            parts = sorted(apart(holds.predicate, fails.predicate), key=lambda part: not part[1])
            goals = tuple((Goal(node, scope), truth) for node, truth in parts)
            yield replace(base.attempt, events=(*rest, *goals), fires=fires, plain=True)

    def _sized(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A group of the numbers for which a condition on counts and its mutant differ."""
        command, changed = self.tree.commands[mutation.place], mutation.command
        grouping = self.builder.plan.grouping
        base = next(one.attempt for one in known if one.fires)
        if grouping is None or not isinstance(base.sizes, Sizes) or mutation.place <= self._first:
            return None
        mine = [goal for goal in grouping.after if _within(goal.predicate, command)]
        if not (mine and isinstance(command, nodes.Where) and isinstance(changed, nodes.Where)):
            return None
        rest = [(goal, True) for goal in grouping.after if goal not in mine and grouping.counts(goal)]
        for holds, fails, fires in ((changed, command, False), (command, changed, True)):
            parts = [(Goal(node, mine[0].scope), truth) for node, truth in apart(holds.predicate, fails.predicate)]
            goals = [*rest, *(part for part in parts if grouping.counts(part[0]))]
            with suppress(Unknown):
                sizes = find_sizes(goals, grouping, self.kinds(), base.sizes)
                made = replace(base, sizes=sizes, fires=fires) if sizes else None
                if made and (found := self._example([mutation], made, mark, None)):
                    return found
        return None

    def _searched(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A group for which a condition on groups and its mutant differ, or one on the way to it that tells another."""
        if mutation.place <= self._first:
            return None
        return self._described(self._grouped.towards(mutation, self._waiting.values(), _starts(known)), mark)

    def _scanned(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A group that differs in two numbers from one that fires, and tells a mutant of a condition on groups."""
        if mutation.place <= self._first:
            return None
        return self._described(self._grouped.next_told(self._waiting.values(), _starts(known)), mark)

    def _described(self, told: ToldGroup | None, mark: str) -> Found | None:
        return self._example(told.mutations, told.attempt, mark, None) if told else None

    @cached_property
    def _grouped(self) -> ToldGroups:
        return ToldGroups(self.tree, self.builder, self._first, self._stages, self._mutated)

    def _altered(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A case that is there with one thing changed."""
        make = self._alterations
        changes = ((base, one) for base in _bases(known, MOST_BASES) for one in make.single(mutation, base.documents))
        return self._first_that_tells(changes, mutation, mark)

    def _taken_otherwise(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """The same for conditions on events alone."""
        return self._altered(mutation, known, mark) if mutation.place < self._first else None

    def _altered_twice(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A case that is there with two things changed."""
        make = self._alterations
        changes = ((base, one) for base in _bases(known, MOST_PAIRED) for one in make.pairs(mutation, base.documents))
        return self._first_that_tells(changes, mutation, mark)

    def _joined_by_one(self, mutation: Mutation, known: Sequence[Example], mark: str) -> Found | None:
        """A group that fires with one more event, which only the query or only its mutant takes."""
        bases = [one for one in known if one.fires][:MOST_PAIRED]
        changes = ((base, one) for base in bases for one in self._alterations.beside(mutation, base.documents))
        return self._first_that_tells(changes, mutation, mark)

    def _older(self, known: Sequence[Example], mark: str) -> Example | None:
        """A case that fires with events in the older half of the range, where none of those that are there has any."""
        firing = [one for one in known if one.fires]
        if self.builder.looked_at.oldest is None or any(map(self._needs_all_of_the_range, firing)):
            return None
        age = self.builder.looked_at.at(OLD)
        for base in firing[:MOST_STARTS]:
            ages = [one.age for one in base.documents]
            parts: list[tuple[str | int, float]] = [("all", max(ages)), ("first", ages[0]), ("last", ages[-1])]
            for part, now in (*parts, *enumerate(ages[:MOST_STARTS])):
                change = Change(part=part, older=age - now)
                for one in (marked(base, mark), base):
                    example = replace(one, documents=tuple(change.of(one.documents, mark)))
                    if self._agrees(example) and self._needs_all_of_the_range(example):
                        return example
        return None

    def _needs_all_of_the_range(self, example: Example) -> bool:
        """Whether a rule that looks back half as long misses what this case has it find."""
        half = (self.builder.looked_at.oldest or float("inf")) / 2
        young = [one for one in example.documents if one.age <= half]
        with suppress(Unknown):
            return len(young) < len(example.documents) and not self._agrees(replace(example, documents=tuple(young)))
        return False

    def _first_that_tells(
        self, changes: Iterable[tuple[Example, Changes]], mutation: Mutation, mark: str
    ) -> Found | None:
        fair = max(LEAST_OF_ONE, MOST_WORK // len(self._waiting))
        least = max(0, self.work - min(MOST_OF_ONE, fair))
        for base, change in changes:
            if self.work <= least:
                return None
            key = (id(base), change)
            if key not in self._seen:
                self._seen.add(key)
                if found := self._told_by(base, change, mutation, mark):
                    return found
        return None

    def _told_by(self, base: Example, change: Changes, mutation: Mutation, mark: str) -> Found | None:
        """What a change of a case tells: a mutant that it was made for, or any that it may concern."""
        concerned = [mutation, *(one for one in self._concerned(change) if one is not mutation)]
        alike = isinstance(change, Change) and change.part == "all" and mutation.place < self._first
        tried = change.of(base.documents[:1], "x") if alike and len(base.documents) >= LARGE else None
        if tried is not None and not any(self._parts_one(one, concerned) for one in tried):
            return None
        changed = replace(base, documents=tuple(change.of(base.documents, "x")))
        if not changed.documents:
            return None
        told = self._told(concerned, changed) or self._shown(mutation, changed)
        if not told:
            return None
        renewed = self._renewed(replace(told[1], documents=base.documents), told[0], mark, change)
        if renewed:
            return Found(told[0], renewed, change)
        return self._example([told[0]], base.attempt, mark, change) or Found(*told, change)

    def _parts_one(self, document: Document, candidates: Sequence[Mutation]) -> bool:
        """Whether one event alone is taken otherwise by a mutant of the conditions on events than by the query."""
        with suppress(Unknown):
            stages = self._stages([document])
            return any(one.place < self._first and self._parts(one, stages) for one in candidates)
        return True

    def _parts(self, mutation: Mutation, stages: Sequence[Stage]) -> bool:
        self.work -= 1
        with suppress(Unknown):
            after = self._simulation.after(mutation.command, stages[mutation.place])
            return len(after.rows) != len(stages[mutation.place + 1].rows)
        return False

    def _concerned(self, change: Changes) -> list[Mutation]:
        """The mutants that wait which may be told by a change of what they are about."""
        match change:
            case Both(first=first, second=second):
                parts = [first, second]
            case Beside(change=one) | one:
                parts = [one]
        fields = {part.field or TIMESTAMP for part in parts}
        return [one for one in self._waiting.values() if one.place >= self._first or fields & self._fields(one)]

    def _fields(self, mutation: Mutation) -> set[str]:
        known = self._fields_known
        if id(mutation) not in known:
            known[id(mutation)] = set(self._alterations.fields_of(mutation))
        return known[id(mutation)]

    @cached_property
    def _fields_known(self) -> dict[int, set[str]]:
        return {}

    # -- words ------------------------------------------------------------------------------------------------------

    def _name(self, found: Found) -> str:
        shown = " ".join(found.mutation.node.span.of(self.tree.text).split())
        if found.change is None or found.mutation.what in ("dropped", "negated"):
            return f"{'still' if found.example.fires else 'not'}: {shown}"
        return f"{said(found.change)} ({found.mutation.what})"


def _bases(known: Sequence[Example], most: int) -> list[Example]:
    """The cases that are changed, those that fire first."""
    return [*(one for one in known if one.fires), *(one for one in known if not one.fires)][:most]


def _starts(known: Sequence[Example]) -> list[Attempt]:
    """The cases from which groups are searched: the first one that fires, and the last ones before it."""
    firing = [one.attempt for one in known if one.fires]
    return [*firing[:0:-1][: MOST_STARTS - 1], firing[0]]


def _within(node: nodes.Node, command: nodes.Node) -> bool:
    return command.span.start <= node.span.start and node.span.end <= command.span.end


def _is_same(stage: Stage, other: Stage) -> bool:
    """Whether nothing differs: the very same rows, with columns made alike."""
    return (
        stage.scope is other.scope
        and len(stage.rows) == len(other.rows)
        and all(one is another for one, another in zip(stage.rows, other.rows, strict=True))
    )


def _judged(stage: Stage, entity: Mapping[str, Value]) -> tuple[bool, bool]:
    """Whether the entity is found, and whether another one is."""
    mine = [_is(row, stage.scope, entity) for row in stage.rows]
    return any(mine), not all(mine)


def _is(row: Row, scope: Scope, entity: Mapping[str, Value]) -> bool:
    """Whether a row of the result is the entity's."""
    for name, wanted in entity.items():
        value = row.at(NOW).column(name, scope)
        if value != wanted and not (isinstance(value, list) and wanted in value):
            return False
    return True


def _values(row: Row, scope: Scope, names: Sequence[str]) -> dict[str, Value]:
    """What a row of the result shows: whole numbers, truths, texts, and that there is none."""
    found: dict[str, Value] = {}
    for name in names:
        with suppress(Unknown):
            found[name] = row.at(NOW).column(name, scope)
    return {name: value for name, value in found.items() if value is None or isinstance(value, int | str | list)}


def _shows(value: Value, wanted: Value) -> bool:
    """Whether a test that wants a value in a column takes another for it; a list is never wanted."""
    return isinstance(wanted, list) or value == wanted or (isinstance(value, list) and wanted in value)


def marked(example: Example, mark: str) -> Example:
    """The case with a mark of its own in the texts that have the one of another."""
    own = re.compile(rf"^(.*?-){re.escape(example.mark)}(-\d+)?$", re.DOTALL)

    def renewed(value: Value) -> Value:
        match value:
            case list():
                return [renewed(one) for one in value]
            case Text():
                return Text(renewed(str(value)))
            case str():
                return own.sub(lambda found: f"{found[1]}{mark}{found[2] or ''}", value)
        return value

    documents = tuple(
        replace(
            one,
            fields={name: renewed(value) for name, value in one.fields.items()},
            values={name: renewed(value) for name, value in one.values.items()},
        )
        for one in example.documents
    )
    entity = {name: renewed(value) for name, value in example.entity.items()}
    return replace(example, documents=documents, entity=entity, mark=mark)
