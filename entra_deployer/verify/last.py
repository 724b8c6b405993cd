"""The last verdict on each rule, whole, as this machine reached it: which entities, which mutants survived and where.

The ledger keeps who passed and how well; what it takes to look into a verdict stays here, in `.deploy/verdicts`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.core.cache import Cache, digest
from entra_deployer.core.errors import InputError
from entra_deployer.core.json import decode_json, encode_json
from entra_deployer.verify.records import VerdictRecord
from entra_deployer.verify.verdict import Verdict

FOLDER = ".deploy/verdicts"


@dataclass(frozen=True)
class LastVerdict:
    """A verdict with what it is about (`content`, the digest of the hunt's folder), where it was reached and when.

    `at` is ISO 8601 in UTC.
    """

    environment: str
    content: str
    at: str
    verdict: Verdict


def remember_last(root: Path, environment: str, verdicts: Iterable[Verdict], records: Sequence[VerdictRecord]) -> None:
    """Keep the verdicts that have a record, each in place of the one before. Where nothing can be written none is."""
    kept, about = Cache(root / FOLDER), {record.rule_id: record for record in records}
    for verdict in verdicts:
        if record := about.get(verdict.rule_id):
            kept.put(_key(verdict.rule_id), encode_json(LastVerdict(environment, record.content, record.at, verdict)))


def last_verdicts(root: Path, rule_ids: Iterable[str]) -> dict[str, LastVerdict]:
    """The last verdicts on some rules, by rule_id; one that an older version wrote in another form is none."""
    kept, found = Cache(root / FOLDER), {}
    for rule_id in rule_ids:
        if (known := kept.get(_key(rule_id))) is None:
            continue
        try:
            found[rule_id] = decode_json(known, LastVerdict)
        except InputError:
            continue
    return found


def _key(rule_id: str) -> str:
    return digest([rule_id.encode("utf-8", "surrogatepass")])
