"""The mutation score of a rule's tests: which small changes of the rule would nobody notice?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, auto
from typing import Protocol

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.stack.search import Searcher
from entra_deployer.verify.judge import Record, judge, same_rows
from entra_deployer.verify.mutate.mutants import mutations
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.repeats import schedule
from entra_deployer.verify.verdict import Mutant, MutationResult


class Patient(Protocol):
    """A rule whose tests are seeded and pass."""

    @property
    def query(self) -> RuleQuery: ...  # noqa: D102
    @property
    def payload(self) -> Mapping[str, Json]: ...  # noqa: D102
    @property
    def tests(self) -> tuple[DetectionTest, ...]: ...  # noqa: D102
    @property
    def origin(self) -> Origin | None: ...  # noqa: D102

    def alias_of(self, number: int) -> str:
        """The index that shows the events of one test."""


@dataclass(frozen=True)
class Trial:
    """A patient of its own: a query with tests that were seeded under `alias`."""

    query: RuleQuery
    payload: Mapping[str, Json]
    tests: tuple[DetectionTest, ...]
    alias: str
    origin: Origin | None = None

    def alias_of(self, number: int) -> str:
        """The index that shows the events of one test."""
        return f"{self.alias}t{number}"


@dataclass(frozen=True)
class _Attempt:
    """A mutant with the query and the range that it would run with, both by the index of a test."""

    mutant: Mutant
    texts: tuple[str, ...]
    payload: Mapping[str, Json]


class Each(Protocol):
    """Asks a question of each of several, and tells the answers in their order."""

    def __call__[T, R](self, ask: Callable[[T], R], about: Iterable[T], /) -> list[R]: ...  # noqa: D102


def one_by_one[T, R](ask: Callable[[T], R], about: Iterable[T]) -> list[R]:
    """Each question after the one before."""
    return list(map(ask, about))


def mutate(patient: Patient, searcher: Searcher, now: datetime, each: Each = one_by_one) -> MutationResult:
    """Run every mutant over the events of every test until one test tells it from the rule."""
    runner = _Runner(patient, searcher, now)
    outcomes = each(runner.outcome, _attempts(patient))
    survivors = tuple(one for one in outcomes if isinstance(one, Mutant))
    return MutationResult(outcomes.count(_Fate.KILLED), survivors, outcomes.count(_Fate.INVALID))


def find_killers(
    patient: Patient, searcher: Searcher, now: datetime, survivors: Sequence[Mutant]
) -> tuple[Mutant, ...]:
    """The survivors, each with the name of a test of this patient that tells it, where there is one.

    One that finds the same here too stays one that possibly is equivalent; any other does not.
    """
    runner = _Runner(patient, searcher, now)
    asked = {_bare(mutant): mutant for mutant in survivors}
    found: dict[Mutant, Mutant] = {}
    for attempt in _attempts(patient):
        mutant = asked.get(attempt.mutant)
        if mutant is not None and mutant not in found:
            killer = next(runner.tellers(attempt), None)
            same = mutant.same and killer is None and runner.is_same(attempt)
            found[mutant] = replace(mutant, killer=killer.name if killer else "", same=same)
    return tuple(found.get(mutant, mutant) for mutant in survivors)


def _bare(mutant: Mutant) -> Mutant:
    return replace(mutant, killer="", same=False)


class _Fate(Enum):
    """What becomes of a mutant that does not survive; INVALID: Elasticsearch refuses it."""

    KILLED = auto()
    INVALID = auto()


@dataclass
class _Runner:
    """Runs mutants over the events of a patient's tests, and the rule itself where its rows are to be compared."""

    patient: Patient
    searcher: Searcher
    now: datetime
    _own: dict[int, Sequence[Record]] = field(default_factory=dict)

    def outcome(self, attempt: _Attempt) -> Mutant | _Fate:
        """The mutant where no test comes out otherwise for it, else what became of it."""
        try:
            if next(self.tellers(attempt), None) is not None:
                return _Fate.KILLED
            return replace(attempt.mutant, same=self.is_same(attempt))
        except Refused:
            return _Fate.INVALID

    def tellers(self, attempt: _Attempt) -> Iterator[DetectionTest]:
        """The tests that come out otherwise for the mutant."""
        for test, text in zip(self.patient.tests, attempt.texts, strict=True):
            rows = self._rows(text, attempt.payload)
            if any(outcome.caught != outcome.expected for outcome in judge(test, rows, rows, ())):
                yield test

    def is_same(self, attempt: _Attempt) -> bool:
        """Whether the mutant finds the very same rows as the rule on the events of each test."""
        return all(
            same_rows(self._rows(text, attempt.payload), self._own_rows(number))
            for number, text in enumerate(attempt.texts)
        )

    def _own_rows(self, number: int) -> Sequence[Record]:
        if number not in self._own:
            text = self.patient.query.at(self.patient.alias_of(number))
            self._own[number] = self._rows(text, self.patient.payload)
        return self._own[number]

    def _rows(self, text: str, payload: Mapping[str, Json]) -> Sequence[Record]:
        return self.searcher.query(text, filter=time_range(payload, self.now)).records()


def _attempts(patient: Patient) -> Iterator[_Attempt]:
    text = patient.query.tree.text
    indices = [patient.alias_of(number) for number in range(len(patient.tests))]
    if half := _halved(patient.payload):
        mutant = Mutant("window halved", str(patient.payload["from"]), half)
        same = tuple(patient.query.at(index) for index in indices)
        yield _Attempt(mutant, same, {**patient.payload, "from": half})
    for mutation in mutations(patient.query.tree):
        place = patient.origin.place(text, mutation.edit.start) if patient.origin else None
        mutant = Mutant(mutation.what, mutation.before(text), mutation.edit.text, place)
        texts = tuple(patient.query.at(index, mutation.edit) for index in indices)
        yield _Attempt(mutant, texts, patient.payload)


def _halved(payload: Mapping[str, Json]) -> str | None:
    """Half the rule's range; None where it is of a form that this does not read."""
    _, lookback = schedule(payload)
    return f"now-{int(lookback // 2)}s" if lookback >= 2 else None
