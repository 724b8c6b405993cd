"""Verdicts are kept with the exact content that they are about: a promotion asks for them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from entra_deployer.core.errors import InputError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import DoesNotFit, Json, decode
from entra_deployer.core.signing import Signature, sign
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.detection_test import FOLDER as TESTS
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import Journal
from entra_deployer.verify.verdict import Status, Verdict

NOT_KEPT = "DEP380"
_HUNT_FILES = ("rule.yaml", *(f"hunt{suffix}" for suffix in FORMATS))


@dataclass(frozen=True)
class VerdictRecord:
    """A verdict, and what exactly it is about, as the ledger keeps it.

    `content` is the digest of the hunt, its rule.yaml and its tests, `rule` that of the rule as it stood in Kibana.
    `mutation_score` is None where it was not asked for. `kibana` and `elasticsearch` are the versions that it was
    reached on; `at` is ISO 8601 in UTC. `signature` is over all the rest, None where nobody signed.
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
    signature: Signature | None = None


def record_to_json(record: VerdictRecord) -> dict[str, Json]:
    """All of a record."""
    found = {**asdict(record), "status": record.status.value}
    return {name: value for name, value in found.items() if name != "signature" or value}


def kept_verdicts(journal: Journal) -> list[VerdictRecord]:
    """The verdicts that a ledger keeps. Raises InputError for one that is none."""
    found: list[VerdictRecord] = []
    for value in journal.verdicts():
        try:
            found.append(decode(value, VerdictRecord))
        except DoesNotFit as error:
            hint = "somebody else wrote it, or it is broken: verify again"
            raise InputError(f"the ledger holds a verdict that is none: {error}", hint=hint) from error
    return found


def content_digest(folder: Path) -> str:
    """The digest of what a hunt's folder holds: the hunt, its rule.yaml and its tests, whatever their line ends."""
    files = [path for name in _HUNT_FILES if (path := folder / name).is_file()]
    files += sorted(path for path in (folder / TESTS).rglob("*") if path.is_file())
    whole = hashlib.sha256()
    for path in files:
        data = path.read_bytes().replace(b"\r\n", b"\n")
        whole.update(f"{path.relative_to(folder).as_posix()}\0{len(data)}\0".encode() + data)
    return f"sha256:{whole.hexdigest()}"


def folder_of(source: RuleSource) -> Path:
    """Where a hunt lies."""
    return Path(source.hunt.source).parent


def make_records(
    verdicts: Iterable[Verdict],
    payloads: Mapping[str, Mapping[str, Json]],
    contents: Mapping[str, str],
    connection: Connection,
) -> list[VerdictRecord]:
    """A record for each verdict whose rule stood there. `payloads` and `contents` (digests) are by rule_id."""
    at = connection.elastic.now().isoformat(timespec="milliseconds")
    by = connection.elastic.whoami()
    return [
        VerdictRecord(
            rule_id=verdict.rule_id,
            name=verdict.name,
            content=contents[verdict.rule_id],
            rule=rule_digest(payloads[verdict.rule_id]),
            status=verdict.status,
            mutation_score=verdict.mutation.score if verdict.mutation else None,
            at=at,
            by=by,
            kibana=str(connection.version),
            elasticsearch=str(connection.elastic.version()),
        )
        for verdict in verdicts
        if verdict.rule_id in payloads
    ]


def keep_records(connection: Connection, records: Sequence[VerdictRecord]) -> list[Issue]:
    """Write them into the environment's ledger, signed where it names a key; what is to be known of that."""
    journal, environment = connection.journal, connection.environment
    if not records:
        return []
    documents = [record_to_json(record) for record in records]
    if environment.signing_key:
        documents = [sign(document, environment.signing_key) for document in documents]
    journal.remember_verdicts(documents)
    issues: list[Issue] = []
    if environment.signing_key == "":
        hint = "a promotion that wants signed verdicts will not take them"
        message = "the signing_key is not set here: the verdicts are kept without a signature"
        issues.append(Issue(NOT_KEPT, Level.NOTE, message, environment.name, hint=hint))
    if tuple(journal.issues):
        message = "this key may not write the ledger: the verdicts are kept on this machine alone"
        hint = "a promotion from elsewhere will not know them"
        issues.append(Issue(NOT_KEPT, Level.NOTE, message, environment.name, hint=hint))
    return issues
