"""How long a verification of many rules takes: 50 rules with 10 tests each, none of them alike."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from entra_deployer.core.json import Json
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import Repository
from entra_deployer.verify.run import RuleUnderTest, verify
from entra_deployer.verify.verdict import Status, Verdict
from entra_deployer.verify.verify_rules import make_bench

ROOT = Path(__file__).parents[2]
SEED = "entra_unusual_client_app_auth_request_on_behalf_of_user"
USER = "azure.signinlogs.properties.user_principal_name"
RULES, TESTS = 50, 10


@dataclass(frozen=True)
class Timing:
    """Seconds, and what was verified in them."""

    seconds: float
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> int:
        return sum(verdict.status is Status.PASSED for verdict in self.verdicts)

    @property
    def events(self) -> int:
        return sum(verdict.events for verdict in self.verdicts)


def time_verify(connection: Connection, rules: int = RULES, tests: int = TESTS) -> Timing:
    """Verify so many rules with so many tests each, previews included."""
    subjects = list(_rules(connection, rules, tests))
    bench = make_bench(connection, "default")
    began = time.perf_counter()
    verdicts = verify(subjects, bench)
    return Timing(time.perf_counter() - began, verdicts)


def _rules(connection: Connection, rules: int, tests: int) -> Iterator[RuleUnderTest]:
    """The first hunt's rule, over and over, with the first hunt's test for users of each rule's and test's own."""
    compilation = Repository(ROOT).compile(connection.target("default"), Selection((SEED,)))
    compiled, source = compilation.rules[0], compilation.sources[0]
    for number in range(rules):
        made = tuple(_renamed(source.tests[0], f"r{number}t{test}") for test in range(tests))
        payload = {**compiled.rule.payload, "rule_id": f"bench-{number}", "name": f"Bench {number}"}
        yield RuleUnderTest(f"bench-{number}", f"Bench {number}", payload, made, compiled.key_columns)


def _renamed(test: DetectionTest, prefix: str) -> DetectionTest:
    def events(event: Event) -> Event:
        return replace(event, document=_prefixed(event.document, prefix))

    def expectation(item: Expectation) -> Expectation:
        return replace(item, entity=_prefixed(dict(item.entity), prefix))

    return replace(
        test,
        name=prefix,
        events=tuple(map(events, test.events)),
        catches=tuple(map(expectation, test.catches)),
        ignores=tuple(map(expectation, test.ignores)),
    )


def _prefixed(fields: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    return {**fields, USER: f"{prefix}.{fields[USER]}"}
