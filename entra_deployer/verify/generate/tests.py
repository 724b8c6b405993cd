"""From cases to tests: cases that a test could mix up go into tests of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from entra_deployer.core.json import shown
from entra_deployer.esql.functions import Value
from entra_deployer.hunts.folder import DetectionTest, Expectation
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.lookups import Join, clash, moved
from entra_deployer.verify.problems import DEFAULT_LIMIT, NEAR

MAX_SIGNALS = 100
"""What Kibana takes for max_signals where a rule says nothing."""


@dataclass(frozen=True)
class UnsolvedCase:
    """A case that could not be made: what it would have shown, and why it could not."""

    case: str
    why: str


@dataclass(frozen=True)
class Made:
    """What tests are made of: the rule's cases, the data stream of their events, the first file and the query's key."""

    cases: tuple[Case, ...]
    name: str
    index: str
    source: str
    query: str | None
    payload: Mapping[str, Value]
    joins: tuple[Join, ...] = ()
    run_at: str = ""

    def tests(self) -> tuple[DetectionTest, ...]:
        """The tests; none where no case fires: they would prove nothing."""
        if not any(case.fires for case in self.cases):
            return ()
        return tuple(self.test(group, number) for number, group in enumerate(self.groups(), 1))

    def test(self, cases: Sequence[Case], number: int = 1) -> DetectionTest:
        """The test of these cases, as the file of this number holds it."""
        events, lookups = moved([event for case in cases for event in case.events], self.joins)
        return DetectionTest(
            name=self.name if number == 1 else f"{self.name} ({number})",
            source=self.source if number == 1 else f"{self.source.removesuffix('.yaml')}-{number}.yaml",
            index=self.index,
            events=events,
            catches=tuple(_expectation(case) for case in cases if case.fires),
            ignores=tuple(_expectation(case) for case in cases if not case.fires),
            query=self.query,
            lookups=lookups,
            run_at=self.run_at,
        )

    def single(self, case: Case) -> DetectionTest:
        """A test of one case alone, called as the case is."""
        return replace(single_test(case, self.index, self.joins), run_at=self.run_at)

    def groups(self) -> list[list[Case]]:
        """The cases of each test, in as few tests as possible.

        What does not fit into the first is there only where it tells a mutant that no other case tells.
        No test has more that fire than verify takes: it fails a rule whose result is near to being cut off.
        """
        signals = int(self.payload.get("max_signals", MAX_SIGNALS))
        most = max(1, int(min(signals, DEFAULT_LIMIT) * NEAR))
        first = list(self.cases[:1])
        spare = [case for case in self.cases[1:] if not self._placed([first], case, most)]
        groups = [first] if first else []
        for case in _needed(first, spare):
            if not self._placed(groups[1:], case, most):
                groups.append([case])
        return groups

    def _placed(self, groups: Sequence[list[Case]], case: Case, most: int) -> bool:
        """Put the case into the first group that has room for it; False where none has."""
        group = next((one for one in groups if self._has_room(one, case, most)), None)
        if group is not None:
            group.append(case)
        return group is not None

    def _has_room(self, group: Sequence[Case], case: Case, most: int) -> bool:
        """Whether a case can stand beside those of a group."""
        full = case.fires and sum(one.fires for one in group) >= most
        return not full and not any(
            _mixes(case, other) or clash(case.events, other.events, self.joins) for other in group
        )


@dataclass(frozen=True)
class Synthesis:
    """What was made of one rule: tests, with the file of each under the project, and what could not be solved.

    `seconds` are those of CPU that its cases took.
    """

    rule_id: str
    name: str
    tests: tuple[DetectionTest, ...]
    unsolved: tuple[UnsolvedCase, ...] = ()
    made: Made | None = None
    seconds: float = 0.0

    @property
    def fires(self) -> int:
        """How many entities the rule must catch."""
        return sum(len(test.catches) for test in self.tests)

    @property
    def quiet(self) -> int:
        """How many near misses it must leave alone."""
        return sum(len(test.ignores) for test in self.tests)


def _needed(kept: Sequence[Case], spare: Sequence[Case]) -> list[Case]:
    """Of the cases that would take further tests those that tell more than the others do, or of which it is not known.

    The one that tells most is taken first, and so on while there is more to tell.
    """
    told = frozenset[int]().union(*(case.tells or () for case in kept))
    needed = {id(case) for case in spare if case.tells is None}
    known = [(case, case.tells) for case in spare if case.tells is not None]
    while known:
        best, tells = max(known, key=lambda item: len(item[1] - told))
        if not tells - told:
            break
        told |= tells
        needed.add(id(best))
    return [case for case in spare if id(case) in needed]


def single_test(case: Case, index: str, joins: Sequence[Join] = ()) -> DetectionTest:
    """A test of one case alone, called as the case is."""
    expected = (_expectation(case),)
    catches, ignores = (expected, ()) if case.fires else ((), expected)
    events, lookups = moved(case.events, joins)
    return DetectionTest(case.name, "", index, events, catches, ignores, lookups=lookups)


def _mixes(one: Case, other: Case) -> bool:
    """Could a test mix the two up."""
    return one.alone or other.alone or _alike(one.entity, other.entity)


def _alike(one: Mapping[str, Value], other: Mapping[str, Value]) -> bool:
    """Could an entity be taken for the other: they differ in none of the columns that both have."""
    return all(one[column] == other[column] for column in one.keys() & other.keys())


def _expectation(case: Case) -> Expectation:
    return Expectation(" / ".join(map(shown, case.entity.values())), dict(case.entity), case.reason)
