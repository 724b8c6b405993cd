"""The attestation of a promotion: one document that says what was promoted and what speaks for it, signed.

It is written before the push as an intention, and after it as what was done, with the rules that were written.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from entra_deployer.core.errors import SecretError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.objects.state import RULE
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Plan
from entra_deployer.plan.report import Report
from entra_deployer.plan.serial import plan_to_json
from entra_deployer.verify.records import VerdictRecord, record_to_json

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


ATTESTATION_FORMAT = 1
INTENDED = "intended"
DONE = "done"
ABANDONED = "abandoned"


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


def intend(promotion: Promotion, source: Connection, target: Connection, *, at: str, commit: str) -> Json:
    """The document of what is going to be promoted (docs/life-of-a-rule.md tells its shape), not signed yet."""
    plan = promotion.report.plan or Plan(promotion.target, ())
    rules = {c.key: rule_digest(c.desired.payload) for c in plan.changes if c.kind == RULE and c.desired}
    return {
        "format_version": ATTESTATION_FORMAT,
        "at": at,
        "by": target.elastic.whoami(),
        "commit": commit,
        "source": _stack(source),
        "target": _stack(target),
        "gates": asdict(target.environment.gates),
        "rules": [_rule(one, rules[one.rule_id]) for one in promotion.evidence],
        "state": INTENDED,
        "plan": f"sha256:{hashlib.sha256(canonical(plan_to_json(plan)).encode()).hexdigest()}",
    }


def complete(intention: Mapping[str, Json], target: Connection, promoted: Mapping[str, str]) -> Json:
    """What was done of an intention, signed where the target names a key.

    `promoted` are the digests of the rules that stand in the target now, by rule_id: those are listed. Where nothing
    was done it is abandoned.
    """
    rules = [rule for rule in intention["rules"] if promoted.get(rule["rule_id"]) == rule["rule"]]
    document = {**intention, "state": DONE if rules else ABANDONED, "rules": rules}
    key = target.environment.signing_key
    return sign(document, key) if key else document


def _stack(connection: Connection) -> Json:
    return {
        "environment": connection.environment.name,
        "kibana": str(connection.version),
        "elasticsearch": str(connection.elastic.version()),
        "licence": connection.licence,
    }


def _rule(evidence: Evidence, rule: str) -> Json:
    return {
        "rule_id": evidence.rule_id,
        "name": evidence.name,
        "folder": evidence.folder,
        "content": evidence.content,
        "rule": rule,
        "verdicts": [record_to_json(record) for record in evidence.verdicts],
        "in_source_since": evidence.since,
        "approved_by": list(evidence.approved_by),
    }


# -- signatures, with an Ed25519 key: the only user of the cryptography library --------------------------------------

ALGORITHM = "ed25519"


def sign(document: Mapping[str, Json], pem: str) -> Json:
    """The document with its `signature`: over the document's canonical JSON (sorted keys, no spaces, UTF-8).

    Raises SecretError where `pem` is not an unencrypted Ed25519 private key; what it holds is not told.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - heavy, and only promote signs

    key = _private_key(pem)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    value = b64encode(key.sign(canonical(document).encode())).decode()
    return {**document, "signature": {"algorithm": ALGORITHM, "public_key": public.decode(), "value": value}}


def _private_key(pem: str) -> "Ed25519PrivateKey":
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - see above
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above

    hint = "make one by: openssl genpkey -algorithm ed25519"
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SecretError("the signing key is not a private key in PEM without a password", hint=hint) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SecretError("the signing key is not an Ed25519 key", hint=hint)
    return key
