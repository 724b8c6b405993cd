"""What a run of a rule over seeded events showed."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """passed: caught what it must and nothing else; failed: not so; error: no verdict was possible."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True)
class EntityOutcome:
    """One expected entity of a test: what was expected, what was seen, how many events were seeded for it."""

    name: str
    entity: str
    expected: bool
    caught: bool
    reason: str = ""


@dataclass(frozen=True)
class Verdict:
    """The proof, or its failure, for one rule on one Elasticsearch.

    `missed` names the entities that the rule had to catch and did not, `false_alarms` those that it caught and must
    not. `error` says why there is no verdict.
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
