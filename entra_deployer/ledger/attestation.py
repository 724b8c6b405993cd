"""What a promotion rests on: verdicts for exact contents, and the document that says so."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.plan.report import Report
from entra_deployer.verify.verdict import Status

ATTESTATION_FORMAT = 1


@dataclass(frozen=True)
class VerdictRecord:
    """A verdict, and what exactly it is about, as the ledger keeps it.

    `content` is the digest of the hunt, its rule.yaml and its tests, `rule` that of the rule as it stood in Kibana.
    `mutation_score` is None where it was not asked for. `kibana` and `elasticsearch` are the versions that it was
    reached on; `at` is ISO 8601 in UTC.
    """

    rule_id: str
    name: str
    content: str
    rule: str
    status: Status
    mutation_score: float | None
    at: str
    by: str
    kibana: str
    elasticsearch: str


def record_to_json(record: VerdictRecord) -> Json:
    """All of a record."""
    return {**asdict(record), "status": record.status.value}


def record_from_json(value: Mapping[str, Json]) -> VerdictRecord:
    """The record that `record_to_json` wrote."""
    return VerdictRecord(**{**value, "status": Status(value["status"])})


@dataclass(frozen=True)
class Evidence:
    """What speaks for one rule: its content, its verdicts, since when it stands in the source, who approved it.

    `verdicts` holds the one of the source's stack and, where the target's is of another version, one of that.
    """

    rule_id: str
    name: str
    folder: str
    content: str
    verdicts: tuple[VerdictRecord, ...] = ()
    since: str = ""
    approved_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Promotion:
    """The outcome of a promotion: what speaks for it, what against it (issues of level error), the plan or push.

    `attestation` is the document, None where the promotion was refused or there was nothing to promote.
    """

    source: str
    target: str
    report: Report
    evidence: tuple[Evidence, ...] = ()
    issues: tuple[Issue, ...] = ()
    attestation: Json = None

    @property
    def errors(self) -> tuple[Issue, ...]:
        """What stands against it."""
        return tuple(issue for issue in (*self.issues, *self.report.issues) if issue.level is Level.ERROR)

    @property
    def refused(self) -> bool:
        """Whether something stands against it."""
        return bool(self.errors)
