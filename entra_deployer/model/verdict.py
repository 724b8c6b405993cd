"""What a run of a rule over seeded events showed."""

from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.model.issue import Issue


class Status(StrEnum):
    """passed: caught what it must and nothing else; failed: not so; error: no verdict was possible."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True)
class EntityOutcome:
    """One entity of a test: what was expected of it and what was seen.

    `events` names the seeded events that belong to it, with their number where there are several ("a wrong password
    x3"); an entity that nobody expected has none.
    """

    name: str
    entity: str
    expected: bool
    caught: bool
    reason: str = ""
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """The proof, or its failure, for one rule on one Elasticsearch.

    `missed` names the entities that the rule had to catch and did not, `false_alarms` those that it caught and must
    not. `error` says why there is no verdict. `problems` are what makes a rule fail although it caught the right
    entities: values that became null, a cut-off result, columns that the alert lost. `alerts` counts what Kibana's
    preview made, `events` what was seeded; `tests` are the files of the tests.
    """

    rule_id: str
    name: str
    status: Status
    missed: tuple[str, ...] = ()
    false_alarms: tuple[str, ...] = ()
    outcomes: tuple[EntityOutcome, ...] = ()
    events: int = 0
    alerts: int = 0
    error: str = ""
    problems: tuple[Issue, ...] = ()
    tests: tuple[str, ...] = ()
