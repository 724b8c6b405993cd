"""The documents of a case: events that satisfy conditions, as many and as different as a group needs."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, product

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare
from entra_deployer.verify.generate.assignment import World
from entra_deployer.verify.generate.constants import TooMany, Unsolved, seconds
from entra_deployer.verify.generate.constraints import Kind, Want
from entra_deployer.verify.generate.evaluate import Evaluator
from entra_deployer.verify.generate.fill import Document, Fields, fill, value_of
from entra_deployer.verify.generate.functions import Unknown
from entra_deployer.verify.generate.pick import Unpickable
from entra_deployer.verify.generate.plan import Counter, Grouping, Plan, fields_of, is_choice
from entra_deployer.verify.generate.scope import Derived, Goal, Scope
from entra_deployer.verify.generate.sizes import Flags, Sizes
from entra_deployer.verify.generate.solve import Solver, limited

MOST_CONDITIONS = 4
"""So many different conditions of counters are told apart."""

MOST_TRIES_OF_A_RULE = 25_000
"""So often a value is looked for, for all events of a rule together: about two seconds."""

type Counted = dict[str, Counter]
"""Counters by their columns."""

type Flagged = tuple[Goal, bool]
"""A condition, and whether it is to be true."""


@dataclass(frozen=True)
class Attempt:
    """What is to be true and what false of the events, how many there are, and how old (None for any age).

    Where it is not to fire it may also miss by having nothing that is counted.
    """

    events: tuple[Flagged, ...]
    sizes: Sizes
    age: float | None = None
    fires: bool = True


@dataclass(frozen=True)
class Builder:
    """Makes the documents of a query's cases."""

    plan: Plan
    fields: Fields
    tries: Iterator[int] = field(default_factory=lambda: iter(range(MOST_TRIES_OF_A_RULE)))

    def kinds(self, events: Sequence[Flagged]) -> list[Flags]:
        """Which events there can be, by the conditions of counters that they meet: none, and each with few others."""
        conditions = self.plan.grouping.conditions if self.plan.grouping else ()
        if len(conditions) > MOST_CONDITIONS:
            raise TooMany("too many counters with conditions")
        flags = sorted(product((False, True), repeat=len(conditions)), key=sum)
        found: list[Flags] = []
        met: set[int] = set()
        for one in flags:
            news = {number for number, truth in enumerate(one) if truth} - met
            if (news or not any(one)) and self._exists([*events, *zip(conditions, one, strict=True)]):
                found.append(one)
                met |= news
        return found

    def _exists(self, goals: Sequence[Flagged]) -> bool:
        try:
            return next(self._solver("x").solve(goals, self._nothing()), None) is not None
        except TooMany:
            return False

    def make(self, attempt: Attempt, mark: str) -> list[Document]:
        """As many documents as each part of the group takes: the first of a part stands for the rest of its events.

        The last one is as much older as the group lasts. Raises Unsolved or Unpickable.
        """
        made: list[Document] = []
        sizes = attempt.sizes
        total = sum(part.documents for part in sizes.parts)
        for part in sizes.parts:
            for position in range(part.documents):
                number = len(made)
                document = self._document(attempt, part.flags, made, f"{mark}-{number}" if number else mark)
                older = _step(self.plan.grouping, sizes) * number + (sizes.lasts if number == total - 1 else 0)
                age = document.age if attempt.age is None else attempt.age
                count = 1 if position else part.events - part.documents + 1
                made.append(replace(document, age=age + older, flags=part.flags, count=count))
        return made

    def _document(self, attempt: Attempt, flags: Flags, made: Sequence[Document], mark: str) -> Document:
        """The first solution in which the keys are those of the documents before, and the counted values new ones."""
        solver = self._solver(mark)
        grouping = self.plan.grouping
        conditions = grouping.conditions if grouping else ()
        worlds = solver.solve([*attempt.events, *zip(conditions, flags, strict=True)], self._nothing())
        if not attempt.fires:
            worlds = chain(worlds, solver.solve(attempt.events, self._nothing()))
        for found in worlds:
            if grouping is None:
                shown = [Derived(nodes.Column(nodes.Span(0, 0), name), self.plan.scope) for name in self.plan.shown]
                return self._fill(self._present(solver, found, shown), mark)
            counted = _counted(grouping, flags)
            world = self._grouped(grouping, solver, found, counted, made)
            world = world and _different(solver, world, counted, attempt.sizes, made)
            if world is None:
                continue
            document = self._fill(world, mark)
            if not attempt.fires or _are_there(document, counted):
                return document
        raise Unsolved("no value satisfies all conditions")

    def _grouped(
        self, grouping: Grouping, solver: Solver, world: World, counted: Counted, made: Sequence[Document]
    ) -> World | None:
        """The world with a value for all that is counted, and with the keys of the documents before."""
        keys = [Derived(key.value, grouping.scope) for key in grouping.keys]
        found: World | None = self._present(solver, world, [*keys, *(one.of for one in counted.values() if one.of)])
        for key in keys if made else ():
            found = found and _alike(solver, found, key, made[0])
        return found

    def _present(self, solver: Solver, world: World, wanted: Sequence[Derived]) -> World:
        """The world with a value for each of the expressions, where that is possible."""
        for one in wanted:
            try:
                if is_choice(one) and value_of(one.value, one.scope, self._fill(world, solver.mark)) is not None:
                    continue
                world = next(solver.want(one.value, Want(Kind.WISHED), replace(world, scope=one.scope)), world)
            except (Unsolved, Unpickable):
                continue
        return world

    # -- what a solver needs ----------------------------------------------------------------------------------------

    def _fill(self, world: World, mark: str) -> Document:
        return fill(self.plan, self.fields, world, mark)

    def _solver(self, mark: str) -> Solver:
        return Solver(self._type_of, mark, limited(self.tries))

    def _type_of(self, name: str) -> str:
        return self._casts.get(name) or self.fields.type_of(name)

    @cached_property
    def _casts(self) -> dict[str, str]:
        return {key: one.pattern.type_of(output) for key, one, output in self.plan.taken}

    def _nothing(self) -> World:
        """The world in which nothing is wanted but that the outputs of patterns look like what these take."""
        forms = {key: one.pattern.form_of(output) for key, one, output in self.plan.taken}
        return World({key: (Want(Kind.FORM, form),) for key, form in forms.items() if form})


def _counted(grouping: Grouping, flags: Flags) -> Counted:
    """The counters that count such an event."""
    return {
        name: counter
        for name, counter in grouping.counters.items()
        if counter.of and (counter.condition is None or flags[counter.condition])
    }


def _are_there(document: Document, counted: Counted) -> bool:
    """Whether all that is counted has a value, as far as that can be computed."""
    evaluator = Evaluator(document.values)
    for counter in counted.values():
        with suppress(Unknown):
            if counter.of and evaluator.value(counter.of.value, counter.of.scope) is None:
                return False
    return True


def _different(
    solver: Solver, world: World | None, counted: Counted, sizes: Sizes, made: Sequence[Document]
) -> World | None:
    """The world with a new value for each counter that wants one, and with the first one's for each that does not."""
    for name, different in sizes.different.items():
        if world and name in counted and (of := counted[name].of):
            condition = counted[name].condition
            before = [one for one in made if condition is None or one.flags[condition]]
            if len(before) < different:
                world = _unlike(solver, world, of, before)
            elif before:
                world = _alike(solver, world, of, before[0])
    return world


def _alike(solver: Solver, world: World, of: Derived, document: Document) -> World | None:
    """The world with the value that the document has."""
    value = value_of(of.value, of.scope, document)
    if value is None:
        return world
    within = replace(world, scope=of.scope)
    try:
        return next(solver.want(of.value, Want(Kind.EQUAL, value), within), None)
    except Unsolved:
        return _copied(solver, within, of, document)


def _unlike(solver: Solver, world: World, of: Derived, made: Sequence[Document]) -> World | None:
    """The world with another value than each of the documents has."""
    values = [value for one in made if (value := value_of(of.value, of.scope, one)) is not None]
    if not values:
        return world
    return next(solver.want(of.value, Want(Kind.NONE_OF, tuple(values)), replace(world, scope=of.scope)), None)


def _copied(solver: Solver, world: World | None, of: Derived, document: Document) -> World | None:
    """The world in which every field that makes the value is as in the document."""
    for name in fields_of(of):
        value = document.values.get(name)
        if world and value is not None:
            world = next(
                solver.want(
                    nodes.Column(nodes.Span(0, 0), name), Want(Kind.EQUAL, value), replace(world, scope=Scope())
                ),
                None,
            )
    return world


def _step(grouping: Grouping | None, sizes: Sizes) -> float:
    """The seconds between the documents of a group that counts different spans of time; 0 where none does."""
    for name, different in sizes.different.items() if grouping else ():
        of = grouping.counters[name].of if grouping else None
        if different > 1 and of is not None and (span := _time_span(of.value, of.scope)):
            return span
    return 0.0


def _time_span(node: nodes.Expression, scope: Scope) -> float:
    """The width of DATE_TRUNC(1 hour, @timestamp), in seconds; 0 for anything else."""
    node = bare(node)
    if isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        return _time_span(made.value, made.scope)
    if isinstance(node, nodes.Call) and node.name == "date_trunc" and isinstance(node.arguments[0], nodes.Duration):
        return float(seconds(node.arguments[0]))
    return 0.0
