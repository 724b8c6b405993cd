"""Groups that tell mutants of the conditions on groups: each group that is tried is tried on all of them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.evaluation import NOW
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.simulation import Simulation, Stage
from entra_deployer.verify.generate.apart import apart, joined
from entra_deployer.verify.generate.constraints import Unsolved
from entra_deployer.verify.generate.documents import Attempt, Builder, Document
from entra_deployer.verify.generate.group_search import GroupSearch
from entra_deployer.verify.generate.groups import FoundGroup, Groups
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.recipes import Recipe
from entra_deployer.verify.mutate.mutants import Mutation

MOST_ROWS = 9_000
"""So many made events are computed in searches for groups, for one rule."""

MOST_ROWS_OF_ONE = 1_500
"""So many of them in one search."""

MOST_SCANNED = 6_000
"""So many of them where two numbers of a group are changed."""

type _Stages = Callable[[Sequence[Document]], list[Stage]]
type _Mutated = Callable[[Mutation, Sequence[Stage]], Stage | None]


@dataclass(frozen=True)
class ToldGroup:
    """A group with the mutants that it tells."""

    attempt: Attempt
    mutations: Sequence[Mutation]


@dataclass
class ToldGroups:
    """Looks for groups. `first` is the place of the first STATS; the functions compute the query and its mutants."""

    tree: nodes.Tree
    builder: Builder
    first: int
    stages: _Stages
    mutated: _Mutated
    rows_left: int = MOST_ROWS
    scans_left: int = MOST_SCANNED
    _groups: dict[int, tuple[Attempt, Groups]] = field(default_factory=dict)
    _tried: dict[tuple[int, Recipe], list[Stage] | None] = field(default_factory=dict)
    _scans: Iterator[tuple[Attempt, Recipe]] | None = None

    def towards(self, mutation: Mutation, waiting: Iterable[Mutation], starts: Sequence[Attempt]) -> ToldGroup | None:
        """A group on the way from one that fires to one for which a condition and its mutant differ."""
        command, changed = self.tree.commands[mutation.place], mutation.command
        if not (isinstance(command, nodes.Where) and isinstance(changed, nodes.Where)):
            return None
        later = [one for one in waiting if one.place > self.first]
        for attempt in starts:
            for holds, fails in ((changed, command), (command, changed)):
                predicate = joined(apart(holds.predicate, fails.predicate), command.span)
                commands = list(self.tree.commands)
                commands[mutation.place] = replace(command, predicate=predicate)
                if found := self._searched(attempt, replace(self.tree, commands=tuple(commands)), later):
                    return found
        return None

    def _searched(self, attempt: Attempt, aim: nodes.Tree, later: Sequence[Mutation]) -> ToldGroup | None:
        groups, behind = self.groups_of(attempt), self.first + 1
        told: list[Mutation] = []
        fires = False

        def measure(recipe: Recipe, _: nodes.Span | None) -> float:
            nonlocal fires
            stages = self._computed(groups, recipe)
            if stages is None:
                return float("inf")
            fires = bool(stages[-1].rows)
            told[:] = self._told(later, stages)
            return 0.0 if told else self._simulation.run_from(stages[behind], aim.commands[behind:]).distance

        search = GroupSearch(replace(groups, tree=aim), measure=measure)
        before = self.rows_left
        self.rows_left = min(before, MOST_ROWS_OF_ONE)
        used = self.rows_left
        found = None
        with suppress(Unknown, Unpickable):
            recipe = next(filter(None, (search.search(one) for one in _begun(_start(attempt, groups)))), None)
            if recipe and told:
                found = ToldGroup(replace(attempt, sizes=FoundGroup(groups, recipe), fires=fires), tuple(told))
        self.rows_left = before - used + self.rows_left
        return found

    def of_each_kind(self, attempt: Attempt) -> Attempt | None:
        """A group that fires by events of several kinds, each of which it takes; None where none is found.

        Where one event may be of all kinds, no change of it would show which of its fields are for which kind.
        """
        stats = self.tree.commands[self.first].span.start
        asked = tuple(one for one in attempt.events if one[0].predicate.span.start < stats)
        if len(asked) < len(attempt.events):  # what a group is asked for is no affair of each of its events
            attempt = replace(attempt, events=asked)
        groups = self.groups_of(attempt)
        start = _start(attempt, groups)
        counts = tuple(int(0 < kind <= groups.own_kinds) for kind in range(len(groups.kinds)))
        if groups.own_kinds < 2 or not self._fires(groups, replace(start, counts=counts)):
            return None
        for kind in range(groups.own_kinds, 0, -1):  # the first are each of one kind alone
            fewer = (*counts[:kind], 0, *counts[kind + 1 :])
            if any(fewer) and self._fires(groups, replace(start, counts=fewer)):
                counts = fewer
        found = FoundGroup(groups, replace(start, counts=counts))
        return replace(attempt, sizes=found, fires=True) if sum(counts) > 1 and found != attempt.sizes else None

    def _fires(self, groups: Groups, recipe: Recipe) -> bool:
        with suppress(Unknown, Unpickable):
            return groups.outcome(groups.documents(recipe, "x")).distance == 0
        return False

    def next_told(self, waiting: Iterable[Mutation], starts: Sequence[Attempt]) -> ToldGroup | None:
        """The next group that tells a mutant, of those that differ in two numbers from one that fires."""
        later = [one for one in waiting if one.place > self.first]
        self._scans = self._scans or self._pairs(starts)
        for attempt, recipe in self._scans:
            groups = self.groups_of(attempt)
            with suppress(Unknown):
                stages = self._computed(groups, recipe)
                if stages and (told := self._told(later, stages)):
                    made = replace(attempt, sizes=FoundGroup(groups, recipe), fires=bool(stages[-1].rows))
                    return ToldGroup(made, told)
        return None

    def _pairs(self, starts: Sequence[Attempt]) -> Iterator[tuple[Attempt, Recipe]]:
        self.rows_left = self.scans_left
        for attempt in starts:
            groups = self.groups_of(attempt)
            search = GroupSearch(groups)
            for one, other in combinations(search.choices, 2):
                for recipe in search.others(_start(attempt, groups), one):
                    for changed in search.others(recipe, other):
                        if self.rows_left <= 0:
                            return
                        yield attempt, changed

    # -- computing --------------------------------------------------------------------------------------------------

    @cached_property
    def _simulation(self) -> Simulation:
        return Simulation(self.builder.looked_at.moment or NOW)

    def _computed(self, groups: Groups, recipe: Recipe) -> list[Stage] | None:
        """What the query makes of a group; None of one that cannot be. Raises Unsolved where all tries are used up."""
        key = (id(groups), recipe)
        if key not in self._tried:
            self._tried[key] = None
            with suppress(Unsolved, Unpickable):
                documents = groups.documents(recipe, "x")
                self.rows_left -= len(documents)
                self._tried[key] = self.stages(documents) if self.rows_left >= 0 else None
        if self.rows_left < 0:
            raise Unsolved("the search for a group took too long")
        return self._tried[key]

    def _told(self, later: Sequence[Mutation], stages: Sequence[Stage]) -> list[Mutation]:
        """The mutants that find a row where the query finds none, or the other way round."""
        found = []
        for one in later:
            after = self.mutated(one, stages)
            with suppress(Unknown):
                if after is not None and bool(after.rows) is not bool(stages[-1].rows):
                    found.append(one)
        return found

    def groups_of(self, attempt: Attempt) -> Groups:
        """The groups of events as an attempt asks for them."""
        key = id(attempt.events)
        if key not in self._groups:
            known = attempt.sizes.groups if isinstance(attempt.sizes, FoundGroup) else None
            self._groups[key] = attempt, Groups(self.tree, self.builder, attempt.events, known.ways if known else ())
        return self._groups[key][1]


def _start(attempt: Attempt, groups: Groups) -> Recipe:
    return attempt.sizes.recipe if isinstance(attempt.sizes, FoundGroup) else groups.start()


def _begun(start: Recipe) -> Iterator[Recipe]:
    """Where a search begins: where it was told to, and from plain events where that has none."""
    yield start
    if not start.counts[0]:
        yield replace(start, counts=(max(start.counts), *(0 for _ in start.counts[1:])))
