"""The documents of a case: events that satisfy conditions, as many and as different as a group needs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from itertools import chain, islice, product
from typing import Protocol

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.constants import CASELESS, TIMESTAMP, literal, seconds
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.patterns import UnreadablePattern, regex
from entra_deployer.esql.patterns.extraction import Pattern, compose
from entra_deployer.esql.scope import Derived, Goal, Scope, Taken
from entra_deployer.verify.generate.constraints import (
    Assigned,
    Constraint,
    Constraints,
    Hour,
    Kind,
    TooMany,
    Unsolved,
    reason_of,
    wanted_patterns,
)
from entra_deployer.verify.generate.pick import Unpickable, pick
from entra_deployer.verify.generate.plan import Counter, Grouping, Plan, fields_of, fields_of_goal, is_choice
from entra_deployer.verify.generate.sizes import Flags, Sizes
from entra_deployer.verify.generate.solve import Solver, limited
from entra_deployer.verify.generate.texts import values_for

FRESH = 300.0
"""Seconds behind the end of the rule's range at which an event happens that may happen at any time."""

MARGIN = 3600.0
"""Seconds by which an event is too old that is to be too old, where the range has so much room."""


LONG = 7 * 86_400.0
"""Seconds that a range without a limit is looked through for an hour or a day."""

MOMENTS = 337
"""So many parts of a range are looked at for these."""

OLD = 0.9
"""The share of the time that the rule looks back which makes an event old, but not too old."""


@dataclass(frozen=True)
class TimeRange:
    """What a run of the rule looks at: events of at most `oldest` (None: any) and at least `newest` seconds of age.

    `moment` is when it runs, None for any moment.
    """

    oldest: float | None = None
    newest: float = 0.0
    moment: datetime | None = None

    def within(self, youngest: float, oldest: float | None) -> "TimeRange":
        """The part of the range between two ages. Raises Unsolved for none."""
        limits = [one for one in (self.oldest, oldest) if one is not None]
        found = replace(self, oldest=min(limits, default=None), newest=max(self.newest, youngest))
        if found.oldest is not None and found.oldest <= found.newest:
            raise Unsolved("no age is within the rule's time range and the query's own")
        return found

    def at(self, share: float) -> float:
        """The age at a share of the range: 0 is its newest, 1 its oldest; 0 where it has no oldest."""
        return self.newest + ((self.oldest or self.newest) - self.newest) * share

    def when(self, asked: Sequence[Hour]) -> float:
        """The age of an event at whose moment all that is asked of it is so, the usual one before others.

        Raises Unsolved for none.
        """
        room = (self.oldest or self.newest + LONG) - self.newest
        steps = (self.newest + room * step / MOMENTS for step in range(1, MOMENTS))
        for age in (self.usual, *steps):
            moment = self.moment and self.moment - timedelta(seconds=age)
            if moment and all(one.holds(moment) for one in asked):
                return age
        raise Unsolved("no event in the rule's time range is of such an hour or day")

    def holds(self, age: float) -> bool:
        """Whether a run looks at an event of this age."""
        return self.newest <= age and (self.oldest is None or age <= self.oldest)

    @property
    def usual(self) -> float:
        """The age of an event that may be of any in the range: not long ago, and not at its edge."""
        room = FRESH if self.oldest is None else min(FRESH, (self.oldest - self.newest) / 2)
        return self.newest + room


@dataclass(frozen=True)
class Document:
    """An event's fields, the values that they and the outputs of patterns have, its age in seconds, and its number.

    `flags` tell which of the conditions of counters it meets; `count` events are like it. `ages` are those that it may
    have.
    """

    fields: dict[str, Value]
    values: dict[str, Value]
    age: float
    flags: tuple[bool, ...] = ()
    count: int = 1
    ages: TimeRange = TimeRange()

    def times(self, count: int, age: float | None = None) -> "Document":
        """So many of it, of its own age or another. (Made often: `replace` takes five times as long.)"""
        return Document(self.fields, self.values, self.age if age is None else age, self.flags, count, self.ages)

    def aged(self, age: float) -> "Document":
        """The same, so old."""
        return Document(self.fields, self.values, age, self.flags, self.count, self.ages)

    def holding(self, fields: dict[str, Value], values: dict[str, Value]) -> "Document":
        """The same with other values."""
        return Document(fields, values, self.age, self.flags, self.count, self.ages)


@dataclass(frozen=True)
class Fields:
    """What is known of the fields: their Elasticsearch types, and which hold lists."""

    type_of: Callable[[str], str]
    is_list: Callable[[str], bool] = field(default=lambda _: False)


def fill(plan: Plan, fields: Fields, assignment: Assigned, mark: str, looked_at: TimeRange) -> Document:
    """The event. Raises Unsolved or Unpickable where no value satisfies all that is wanted of a field."""
    values = _taken(plan, assignment, mark)
    read = _reading_order(plan)
    for name in sorted(assignment.constraints.keys() - set(read)):
        if name != TIMESTAMP and not name.startswith("%"):
            values[name] = pick(name, fields.type_of(name), assignment.constraints[name], mark)
    for name in read:
        texts = _texts(plan, name, values, assignment, mark)
        kind = "keyword" if name.startswith("%") else fields.type_of(name)
        values[name] = pick(name, kind, assignment.constraints.get(name, ()), mark, texts)
        if values[name] is not None and values[name] not in texts:
            raise Unsolved(f"no text of {_called(name)} satisfies its conditions and its patterns")
    for name in [one for one in values if one.endswith(CASELESS)]:
        values.setdefault(name.removesuffix(CASELESS), values[name])  # Elasticsearch makes the one of the other
    own = {
        name: value
        for name, value in values.items()
        if value is not None and not name.startswith("%") and not name.endswith(CASELESS)
    }
    shaped = {
        name: [value] if fields.is_list(name) and not isinstance(value, list) else value for name, value in own.items()
    }
    age, ages = _ages(assignment, looked_at)
    return Document(shaped, values, age, ages=ages)


def _reading_order(plan: Plan) -> list[str]:
    """What patterns read, by name or key: first what is taken out of another one, which has to hold it."""
    waiting = list(dict.fromkeys(one.field for one in plan.extractions))
    order: list[str] = []
    while waiting:
        within = {key: one.field for key, one, _ in plan.taken}
        found = next(one for one in waiting if not any(within.get(key) == one for key in waiting))
        waiting.remove(found)
        order.append(found)
    return order


def _called(name: str) -> str:
    """A field, or a column that a pattern took, by the name that the query gives to it."""
    return name.rpartition("%")[2]


def _taken(plan: Plan, assignment: Assigned, mark: str) -> dict[str, Value]:
    """The values of the columns that patterns take, by key. Where one of them is to be null, all of its pattern are."""
    values: dict[str, Value] = {}
    missed: set[int] = set()
    for key, one, output in plan.taken:
        values[key] = pick(output, one.pattern.type_of(output), assignment.constraints.get(key, ()), mark)
        if values[key] is None:
            missed.add(id(one))
    for key, one, output in plan.taken:
        if id(one) in missed:
            if any(
                constraint.kind not in (Kind.NULL, Kind.FORM, Kind.WISHED)
                for constraint in assignment.constraints.get(key, ())
            ):
                raise Unsolved(f"{output} has a value where another column of its pattern has none")
            values[key] = None
    return values


def _texts(plan: Plan, name: str, values: Mapping[str, Value], assignment: Assigned, mark: str) -> list[str]:
    """Texts of which every pattern on the field takes the values that were picked, or nothing where it is to miss."""
    matching: list[tuple[Pattern, dict[str, str]]] = []
    for number, one in enumerate(plan.extractions):
        if one.field == name:
            mine = {output: values[Taken(number, output).key] for output in one.pattern.outputs}
            if not mine or None not in mine.values():
                matching.append((one.pattern, {output: _written(value) for output, value in mine.items()}))
    pieces = [regex.try_example(pattern) or "" for pattern in wanted_patterns(assignment.constraints.get(name, ()))]
    texts = compose(matching, pieces) if matching else ["".join(pieces) or f"x{mark}"]
    return [text for text in texts if _is_read(plan, name, text, values)]


def _is_read(plan: Plan, name: str, text: str, values: Mapping[str, Value]) -> bool:
    """Whether each pattern on the field takes out of a text what was picked, or nothing where it is to miss."""
    for number, one in enumerate(plan.extractions):
        if one.field == name:
            mine = {output: values[Taken(number, output).key] for output in one.pattern.outputs}
            seen = text if one.made is None else _made_of(one.made, {**values, name: text})
            taken = one.pattern.take(seen) if isinstance(seen, str) else None
            if mine and None in mine.values():
                if taken:
                    return False
            elif taken != {output: _written(value) for output, value in mine.items()}:
                return False
    return True


def _made_of(made: Derived, values: Mapping[str, Value]) -> Value:
    """The value of an expression, None where it is not computed here."""
    try:
        return Evaluator(values).value(made.value, made.scope)
    except Unknown:
        return None


def _written(value: Value) -> str:
    """A value as it stands in a text."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _ages(assignment: Assigned, looked_at: TimeRange) -> tuple[float, TimeRange]:
    """The age of an event, in the rule's range and in what the query asks of it, and all that it may have."""
    constraints = assignment.constraints.get(TIMESTAMP, ())
    older = [float(one.value) for one in constraints if one.kind is Kind.OLDER]
    younger = [float(one.value) for one in constraints if one.kind is Kind.YOUNGER]
    part = looked_at.within(max(older, default=0.0), min(younger, default=None))
    if hours := [one.value for one in constraints if one.kind is Kind.CLOCK]:
        return part.when(hours), part
    if not older or part.newest == looked_at.newest:
        return part.usual, part
    return part.newest + min(MARGIN, ((part.oldest or float("inf")) - part.newest) / 2), part


def value_of(node: nodes.Expression, scope: Scope, document: Document) -> Value:
    """The value of an expression in a document; None for null, and for what is not computed here."""
    try:
        return Evaluator(document.values).value(node, scope)
    except Unknown:
        return None


MOST_CONDITIONS = 4
"""So many different conditions of counters are told apart."""

MOST_TEXTS_OF_A_RULE = 5_000
MOST_BASES = 3
"""For so many solutions of the other conditions texts are tried."""

MOST_TRIES_OF_A_RULE = 25_000
"""So often a value is looked for, for all events of a rule together: about two seconds."""

type Counted = dict[str, Counter]
"""Counters by their columns."""

type Flagged = tuple[Goal, bool]
"""A condition, and whether it is to be true."""


class Searched(Protocol):
    """A group that was found by search."""

    def documents(self, attempt: "Attempt", mark: str) -> list[Document]:
        """Its events."""

    def counted(self, documents: Sequence[Document]) -> dict[str, Value]:
        """The numbers that the query makes of the events, by column."""


@dataclass(frozen=True)
class Attempt:
    """What is to be true and what false of the events, how many there are, and how old (None for any age).

    Where it is not to fire it may also miss by having nothing that is counted. `plain`: conditions may be missed in any
    way.
    """

    events: tuple[Flagged, ...]
    sizes: "Sizes | Searched"
    age: float | None = None
    fires: bool = True
    plain: bool = False


@dataclass(frozen=True)
class Builder:
    """Makes the documents of a query's cases."""

    plan: Plan
    fields: Fields
    looked_at: TimeRange = TimeRange()
    tries: Iterator[int] = field(default_factory=lambda: iter(range(MOST_TRIES_OF_A_RULE)))
    texts: Iterator[int] = field(default_factory=lambda: iter(range(MOST_TEXTS_OF_A_RULE)))

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
            return next(self._solutions(self.solver("x"), goals), None) is not None
        except Unknown:
            return False

    def make(self, attempt: Attempt, mark: str) -> list[Document]:
        """As many documents as each part of the group takes: the first of a part stands for the rest of its events.

        The last one is as much older as the group lasts. Raises Unsolved or Unpickable.
        """
        made: list[Document] = []
        ages: list[Document] = []
        sizes = attempt.sizes
        if not isinstance(sizes, Sizes):
            return sizes.documents(attempt, mark)
        total = sum(part.documents for part in sizes.parts)
        for part in sizes.parts:
            for position in range(part.documents):
                number = len(made)
                document = self._document(attempt, part.flags, made, f"{mark}-{number}" if number else mark)
                older = _step(self.plan.grouping, sizes) * number + (sizes.lasts if number == total - 1 else 0)
                count = 1 if position else part.events - part.documents + 1
                made.append(replace(document, age=older, flags=part.flags, count=count))
                ages.append(document)
        return self.aged(attempt, made, ages)

    def first(
        self,
        events: Sequence[Flagged],
        wanted: Sequence[Derived],
        solver: Solver,
        keys: Sequence[Derived],
        like: Document | None,
    ) -> tuple[Assigned, Document]:
        """The first event for which all is as flagged, with a value for all that is wanted and the keys of `like`.

        Raises Unsolved or Unpickable.
        """
        for found in self._solutions(solver, events):
            assigned: Assigned | None = self._present(solver, found, wanted)
            for key in keys:
                if assigned is not None and like is not None:
                    assigned = _alike(solver, assigned, key, like)
            if assigned is not None:
                return assigned, self._fill(assigned, solver.mark)
        raise Unsolved("no value satisfies all conditions")

    def aged(self, attempt: Attempt, made: Sequence[Document], usual: Sequence[Document]) -> list[Document]:
        """The documents, whose ages count from the newest one, as old as they are meant to be.

        Raises Unsolved where a group that fires would reach beyond the time that it may have.
        """
        lasts = max(document.age for document in made)
        aged = []
        for document, like in zip(made, usual, strict=True):
            base = like.age if attempt.age is None else attempt.age
            oldest, newest = like.ages.oldest, like.ages.newest
            if oldest is not None and attempt.fires:
                if newest + lasts >= oldest:
                    raise Unsolved("its events would last longer than the rule looks back")
                if base + lasts >= oldest:
                    base = newest + (oldest - newest - lasts) * OLD
                if attempt.age is not None and not newest < attempt.age < oldest:
                    raise Unsolved("the query's own conditions on time forbid it")
            aged.append(document.aged(base + document.age))
        return aged

    def _document(self, attempt: Attempt, flags: Flags, made: Sequence[Document], mark: str) -> Document:
        """The first solution in which the keys are those of the documents before, and the counted values new ones."""
        solver = self.solver(mark, plain=attempt.plain)
        grouping = self.plan.grouping
        conditions = grouping.conditions if grouping else ()
        assignments = self._solutions(solver, [*attempt.events, *zip(conditions, flags, strict=True)])
        if not attempt.fires:
            assignments = chain(assignments, self._solutions(solver, attempt.events))
        for found in assignments:
            if grouping is None:
                shown = [Derived(nodes.Column(nodes.Span(0, 0), name), self.plan.scope) for name in self.plan.shown]
                return self._fill(self._present(solver, found, shown), mark)
            counted = _counted(grouping, flags)
            assignment = self._grouped(grouping, solver, found, counted, made)
            if isinstance(attempt.sizes, Sizes):
                assignment = assignment and _different(solver, assignment, counted, attempt.sizes, made)
            if assignment is None:
                continue
            document = self._fill(assignment, mark)
            if not attempt.fires or _are_there(document, counted):
                return document
        raise Unsolved("no value satisfies all conditions")

    def _grouped(
        self,
        grouping: Grouping,
        solver: Solver,
        assignment: Assigned,
        counted: Counted,
        made: Sequence[Document],
    ) -> Assigned | None:
        """The assignment with a value for all that is counted, and with the keys of the documents before."""
        keys = [Derived(key.value, grouping.scope) for key in grouping.keys]
        found: Assigned | None = self._present(
            solver, assignment, [*keys, *(one.of for one in counted.values() if one.of)]
        )
        for key in keys if made else ():
            found = found and _alike(solver, found, key, made[0])
        return found

    def _present(self, solver: Solver, assignment: Assigned, wanted: Sequence[Derived]) -> Assigned:
        """The assignment with a value for each of the expressions, where that is possible."""
        for one in wanted:
            try:
                if is_choice(one) and value_of(one.value, one.scope, self._fill(assignment, solver.mark)) is not None:
                    continue
                assignment = next(
                    solver.require(one.value, Constraint(Kind.WISHED), assignment.seen_from(one.scope)),
                    assignment,
                )
            except (Unknown, Unpickable):
                continue
        return assignment

    def _solutions(self, solver: Solver, goals: Sequence[Flagged]) -> Iterator[Assigned]:
        """The assignments for which each goal is as flagged; by texts that are tried where no other way is known."""
        some = False
        error: Unsolved | None = None
        try:
            for assigned in solver.solve(goals, self._nothing()):
                some = True
                yield assigned
        except TooMany:
            raise
        except Unknown as raised:
            if some:
                raise
            error = Unsolved(reason_of(raised))
        if some:
            return
        for hard in self._hard(goals):
            easy = [one for one in goals if one not in hard]
            with suppress(Unknown):
                for assigned in islice(solver.solve(easy, self._nothing()), MOST_BASES):
                    if (found := values_for(hard, assigned, solver.mark, self.texts, self._type_of)) is not None:
                        yield found
                        return
        if error:
            raise error

    def _hard(self, goals: Sequence[Flagged]) -> Iterator[list[Flagged]]:
        """The goals that values are tried for: those without another solution, then all about the same fields."""
        hard = [one for one in goals if not self.solvable([one])]
        if hard:
            yield hard
        else:  # together they have none: the first that contradicts those before it
            hard = next(([one] for n, one in enumerate(goals) if not self.solvable(goals[: n + 1])), [])
        fields = {name for goal, _ in hard for name in fields_of_goal(goal)}
        alike = [one for one in goals if set(fields_of_goal(one[0])) <= fields]
        if len(fields) == 1 and alike != hard:
            yield alike
        several = [(one, set(fields_of_goal(one[0]))) for one in goals]
        crossing = [one for one, names in several if len(names) > 1 and (not fields or names & fields)]
        if crossing and crossing != hard:
            yield crossing

    def solvable(self, goals: Sequence[Flagged]) -> bool:
        """Whether the goals have a solution for themselves, without a text being tried."""
        try:
            return next(self.solver("x").solve(goals, self._nothing()), None) is not None
        except Unknown:
            return False

    def why_not(self, goal: Flagged) -> str:
        """Why a goal has no solution even for itself; "" where it has one."""
        try:
            if next(self.solver("x").solve([goal], self._nothing()), None) is not None:
                return ""
        except Unknown as error:
            return reason_of(error)
        for node in goal[0].predicate.walk():
            if isinstance(node, nodes.Like) and node.operator == "rlike":
                for pattern in node.patterns:
                    with suppress(Unknown):
                        if fault := _unreadable(literal(pattern)):
                            return fault
        return "no value is known for which it is so"

    # -- what a solver needs ----------------------------------------------------------------------------------------

    def _fill(self, assignment: Assigned, mark: str) -> Document:
        return fill(self.plan, self.fields, assignment, mark, self.looked_at)

    def solver(self, mark: str, *, plain: bool = False) -> Solver:
        """Solves for one event; `mark` makes it a case's own."""
        ages = partial(_ages, looked_at=self.looked_at) if self.looked_at.moment else None
        return Solver(self._type_of, mark, limited(self.tries), plain, ages)

    def _type_of(self, name: str) -> str:
        return self._casts.get(name) or self.fields.type_of(name)

    @cached_property
    def _casts(self) -> dict[str, str]:
        return {key: one.pattern.type_of(output) for key, one, output in self.plan.taken}

    def _nothing(self) -> Assigned:
        """The assignment in which nothing is wanted but that the outputs of patterns look like what these take."""
        forms = {key: one.pattern.form_of(output) for key, one, output in self.plan.taken}
        wanted = {key: Constraints((Constraint(Kind.FORM, form),)) for key, form in forms.items() if form}
        return Assigned(wanted, Scope())


def _unreadable(pattern: Value) -> str:
    """What is not read of a pattern of RLIKE; "" where all of it is."""
    try:
        regex.from_lucene(str(pattern))
    except UnreadablePattern as error:
        return str(error)
    return ""


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
    solver: Solver, assignment: Assigned | None, counted: Counted, sizes: Sizes, made: Sequence[Document]
) -> Assigned | None:
    """With a new value for each counter that takes one, and with the first document's for each that does not."""
    for name, different in sizes.different.items():
        if assignment and name in counted and (of := counted[name].of):
            condition = counted[name].condition
            before = [one for one in made if condition is None or one.flags[condition]]
            if len(before) < different:
                assignment = _unlike(solver, assignment, of, before)
            elif before:
                assignment = _alike(solver, assignment, of, before[0])
    return assignment


def _alike(solver: Solver, assignment: Assigned, of: Derived, document: Document) -> Assigned | None:
    """The assignment with the value that the document has."""
    value = value_of(of.value, of.scope, document)
    if value is None:
        return assignment
    within = assignment.seen_from(of.scope)
    try:
        return next(solver.require(of.value, Constraint(Kind.EQUAL, value), within), None)
    except Unknown:
        return _copied(solver, within, of, document)


def _unlike(solver: Solver, assignment: Assigned, of: Derived, made: Sequence[Document]) -> Assigned | None:
    """The assignment with another value than each of the documents has."""
    values = [value for one in made if (value := value_of(of.value, of.scope, one)) is not None]
    if not values:
        return assignment
    return next(solver.require(of.value, Constraint(Kind.NONE_OF, tuple(values)), assignment.seen_from(of.scope)), None)


def _copied(solver: Solver, assignment: Assigned | None, of: Derived, document: Document) -> Assigned | None:
    """The assignment in which every field that makes the value is as in the document."""
    for name in fields_of(of):
        value = document.values.get(name)
        if assignment and value is not None:
            assignment = next(
                solver.require(
                    nodes.Column(nodes.Span(0, 0), name),
                    Constraint(Kind.EQUAL, value),
                    assignment.seen_from(Scope()),
                ),
                None,
            )
    return assignment


def _step(grouping: Grouping | None, sizes: Sizes) -> float:
    """The seconds between the documents of a group that counts different spans of time; 0 where none does."""
    for name, different in sizes.different.items() if grouping else ():
        of = grouping.counters[name].of if grouping else None
        if different > 1 and of is not None and (span := _time_span(of.value, of.scope)):
            return span
    return 0.0


def _time_span(node: nodes.Expression, scope: Scope) -> float:
    """The width of DATE_TRUNC(1 hour, @timestamp), in seconds; 0 for anything else."""
    node = strip_parentheses(node)
    if isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        return _time_span(made.value, made.scope)
    if isinstance(node, nodes.Call) and node.name == "date_trunc" and isinstance(node.arguments[0], nodes.Duration):
        return float(seconds(node.arguments[0]))
    return 0.0
