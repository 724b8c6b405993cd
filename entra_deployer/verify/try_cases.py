"""Made cases are believed when a real Elasticsearch has seen them do what they say."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.esql.rule_query import RuleQuery
from entra_deployer.objects.rule_fields import max_signals
from entra_deployer.verify.generate.cases import Case, Unsolvable
from entra_deployer.verify.generate.tests import single_test
from entra_deployer.verify.judge import judge
from entra_deployer.verify.problems import About, of_result
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.seeding import Batch, Run, Server, seeded

MOST_AT_ONCE = 100
"""So many cases are seeded together."""


@dataclass(frozen=True)
class CaseTrial:
    """Tries cases of one rule, each by itself: its query over the events of the case, in the rule's time range."""

    server: Server
    run: Run
    query: RuleQuery
    payload: Mapping[str, Json]
    index: str

    def sort(self, cases: Sequence[Case]) -> tuple[list[Case], list[Unsolvable]]:
        """The cases that do what their names say, and why the others do not."""
        kept: list[Case] = []
        dropped: list[Unsolvable] = []
        for start in range(0, len(cases), MOST_AT_ONCE):
            part = cases[start : start + MOST_AT_ONCE]
            for case, wrong in zip(part, self._faults(part), strict=True):
                if wrong:
                    dropped.append(Unsolvable(case.name, wrong))
                else:
                    kept.append(case)
        return kept, dropped

    def _faults(self, cases: Sequence[Case]) -> list[str]:
        """What is wrong with each case, "" for nothing. Cases whose events are not taken are tried one by one."""
        tests = tuple(single_test(case, self.index) for case in cases)
        batch = Batch(self.run.name("r"), tests, self.query)
        with seeded(self.server, [batch], self.run) as failures:
            if not failures:
                return [self._fault(case, batch, number) for number, case in enumerate(cases)]
        if len(cases) > 1:
            return [fault for case in cases for fault in self._faults([case])]
        why = next(iter(failures.values())).removeprefix(": ")
        return [f"Elasticsearch does not take its events: {why}"]

    def _fault(self, case: Case, batch: Batch, number: int) -> str:
        try:
            text = self.query.at(batch.alias_of(number))
            result = self.server.query(text, filter=time_range(self.payload, self.run.now))
        except Refused as error:
            return f"Elasticsearch refuses the query: {error.message}"
        rows = result.records()
        about = About("", self.query, max_signals(self.payload))
        for problem in of_result(result, about, batch.alias_of(number)):
            return f"tried on Elasticsearch, {problem.message}"
        outcomes = judge(batch.tests[number], rows, rows, ())
        if all(outcome.caught is outcome.expected for outcome in outcomes):
            return ""
        if not case.fires:
            return "tried on Elasticsearch, the rule finds it"
        return "tried on Elasticsearch, the rule finds it by another name" if rows else _NOT_FOUND


_NOT_FOUND = "tried on Elasticsearch, the rule does not find it"
