"""The mutation score of a rule's tests: which small changes of the rule would nobody notice?"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.stack.search import Searcher
from entra_deployer.verify.judge import judge
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
    attempts = list(_attempts(patient))
    told: list[bool | None] = each(lambda attempt: _is_told(attempt, patient, searcher, now), attempts)
    survivors = tuple(attempt.mutant for attempt, one in zip(attempts, told, strict=True) if one is False)
    return MutationResult(told.count(True), survivors, told.count(None))


def find_killers(
    patient: Patient, searcher: Searcher, now: datetime, survivors: Sequence[Mutant]
) -> tuple[Mutant, ...]:
    """The survivors, each with the name of a test of this patient that tells it, where there is one."""
    found: dict[Mutant, str] = {}
    for attempt in _attempts(patient):
        if attempt.mutant in survivors and attempt.mutant not in found:
            killer = next(_tellers(attempt, patient, searcher, now), None)
            found[attempt.mutant] = killer.name if killer else ""
    return tuple(replace(mutant, killer=found.get(mutant, "")) for mutant in survivors)


def _is_told(attempt: _Attempt, patient: Patient, searcher: Searcher, now: datetime) -> bool | None:
    """Does any test come out otherwise for the mutant; None where Elasticsearch refuses it."""
    try:
        return next(_tellers(attempt, patient, searcher, now), None) is not None
    except Refused:
        return None


def _tellers(attempt: _Attempt, patient: Patient, searcher: Searcher, now: datetime) -> Iterator[DetectionTest]:
    """The tests that come out otherwise for the mutant."""
    for test, text in zip(patient.tests, attempt.texts, strict=True):
        rows = searcher.query(text, filter=time_range(attempt.payload, now)).records()
        if any(outcome.caught != outcome.expected for outcome in judge(test, rows, rows, ())):
            yield test


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
