"""The attestation of a promotion: one document that says what was promoted and what speaks for it."""

import hashlib
from dataclasses import asdict

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.ledger.attestation import ATTESTATION_FORMAT, Evidence, Promotion, record_to_json
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.objects.state import Kind
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Plan
from entra_deployer.plan.serial import plan_to_json
from entra_deployer.promotion.signing import sign


def attest(promotion: Promotion, source: Connection, target: Connection, *, at: str, commit: str) -> Json:
    """The document, signed where the target names a key (docs/life-of-a-rule.md tells its shape)."""
    plan = promotion.report.plan or Plan(promotion.target, ())
    rules = {c.key: rule_digest(c.desired.payload) for c in plan.changes if c.kind is Kind.RULE and c.desired}
    document: dict[str, Json] = {
        "format_version": ATTESTATION_FORMAT,
        "at": at,
        "by": target.elastic.whoami(),
        "commit": commit,
        "source": _stack(source),
        "target": _stack(target),
        "gates": asdict(target.environment.gates),
        "rules": [_rule(one, rules[one.rule_id]) for one in promotion.evidence],
        "plan": f"sha256:{hashlib.sha256(canonical(plan_to_json(plan)).encode()).hexdigest()}",
    }
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
