"""Made cases are believed when a real Elasticsearch has seen them do what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.esql.embedded import lacked
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.objects.rule_fields import max_signals
from entra_deployer.stack.search import QueryResult
from entra_deployer.verify.generate.cases import Case, Unsolvable
from entra_deployer.verify.generate.tests import Made
from entra_deployer.verify.judge import judge, without_event
from entra_deployer.verify.obstacles import lacking_column, told_of_index
from entra_deployer.verify.problems import About, of_result
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.seeding import Batch, Run, Server, moment_of, seeded

MOST_AT_ONCE = 100
"""So many tests are seeded together."""

type _Groups = dict[tuple[int, ...], list[Case]]
"""The cases of tests, by the ids of these objects."""


@dataclass(frozen=True)
class CaseTrial:
    """Tries cases of one rule: its query over the events of each test that they make, in the rule's time range.

    The cases of a test that goes wrong are tried each by itself.
    """

    server: Server
    run: Run
    query: RuleQuery

    def sort(self, made: Made) -> tuple[Made, list[Unsolvable]]:
        """`made` with those cases only that do what their names say, and why the others do not."""
        dropped: list[Unsolvable] = []
        right: _Groups = {}
        while wrong := self._wrong(made, right):
            cases = [case for group, _ in wrong if len(group) > 1 for case in group]
            faults = zip(cases, self._faults(made, [[case] for case in cases]), strict=True)
            found = [*faults, *((group[0], fault) for group, fault in wrong if len(group) == 1)]
            bad = {id(case): Unsolvable(case.name, fault) for case, fault in found if fault}
            dropped += bad.values()
            # Cases that are right by themselves and wrong together are kept apart.
            apart = {id(case) for group, _ in wrong if not any(id(one) in bad for one in group) for case in group}
            kept = [case for case in made.cases if id(case) not in bad]
            made = replace(made, cases=tuple(replace(one, alone=True) if id(one) in apart else one for one in kept))
        return made, dropped

    def _wrong(self, made: Made, right: _Groups) -> list[tuple[list[Case], str]]:
        """The cases of each test that goes wrong, with its fault. Those of the others go to `right`: once is enough."""
        groups = [group for group in made.groups() if tuple(map(id, group)) not in right]
        found = list(zip(groups, self._faults(made, groups), strict=True))
        right |= {tuple(map(id, group)): group for group, fault in found if not fault}
        return [(group, fault) for group, fault in found if fault]

    def _faults(self, made: Made, groups: Sequence[Sequence[Case]]) -> list[str]:
        """What is wrong with the test of each group of cases, "" for nothing."""
        faults: list[str] = []
        for start in range(0, len(groups), MOST_AT_ONCE):
            part = groups[start : start + MOST_AT_ONCE]
            tests = [made.test(group) if len(group) > 1 else made.single(group[0]) for group in part]
            faults += self._seeded(tests, made.payload)
        return faults

    def _seeded(self, tests: Sequence[DetectionTest], payload: Mapping[str, Json]) -> list[str]:
        """As `_faults`. Tests whose events are not taken are tried one by one."""
        batch = Batch(self.run.name("r"), tuple(tests), self.query)
        with seeded(self.server, [batch], self.run) as failures:
            if not failures:
                return [self._fault(batch, number, payload) for number in range(len(tests))]
        if len(tests) > 1:
            return [fault for test in tests for fault in self._seeded([test], payload)]
        why = next(iter(failures.values())).removeprefix(": ")
        return [f"Elasticsearch does not take its events: {why}"]

    def _fault(self, batch: Batch, number: int, payload: Mapping[str, Json]) -> str:
        test = batch.tests[number]
        if strange := next(iter(without_event(test)), None):
            return f"none of its events is one of {strange.name!r}"
        try:
            text = self.query.at(batch.alias_of(number))
            result = self.server.query(text, filter=time_range(payload, moment_of(test, self.run.now)))
        except Refused as error:
            lacking = lacked(error.message) if self.run.embedded else ""
            if lacking:
                return f"the embedded Elasticsearch cannot run {lacking}"
            return f"Elasticsearch refuses the query: {error.message}"
        about = About("", self.query, max_signals(payload))
        for problem in of_result(result, about, batch.alias_of(number)):
            return f"tried on Elasticsearch, {problem.message}"
        return self._misjudged(test, result)

    def _misjudged(self, test: DetectionTest, result: QueryResult) -> str:
        """Why a result is not what a test expects, "" where it is."""
        if lacking := lacking_column([test], [result]):
            return lacking.removeprefix(f"{test.source}: ")
        rows = result.records()
        if all(outcome.caught is outcome.expected for outcome in judge(test, rows, rows, ())):
            return ""
        if not test.catches:
            return "tried on Elasticsearch, the rule finds it"
        if rows:
            return "tried on Elasticsearch, the rule finds it by another name"
        return ": ".join(filter(None, ("tried on Elasticsearch, the rule does not find it", told_of_index(self.query))))
