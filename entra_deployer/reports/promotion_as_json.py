"""A promotion as one JSON document (docs/life-of-a-rule.md tells its shape)."""

from dataclasses import asdict

from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import Evidence, Promotion, record_to_json
from entra_deployer.reports.as_json import report_to_json
from entra_deployer.reports.json_document import json_document


def promotion_as_json(promotion: Promotion) -> str:
    """The document."""
    content = {
        "source": promotion.source,
        "target": promotion.target,
        "refused": promotion.refused,
        "plan": report_to_json(promotion.report)["plan"],
        "evidence": [_evidence(one) for one in promotion.evidence],
        "attestation": promotion.attestation,
    }
    return json_document(content, (*promotion.issues, *promotion.report.issues))


def _evidence(evidence: Evidence) -> Json:
    return {
        **asdict(evidence),
        "verdicts": [record_to_json(record) for record in evidence.verdicts],
        "approved_by": list(evidence.approved_by),
    }
