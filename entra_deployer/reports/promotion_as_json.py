"""A promotion as one JSON document (docs/life-of-a-rule.md tells its shape)."""

import json
from dataclasses import asdict

from entra_deployer.model.attestation import Evidence, Promotion, record_to_json
from entra_deployer.model.serial import issue_to_json
from entra_deployer.model.values import Json
from entra_deployer.reports.as_json import report_to_json

FORMAT_VERSION = 1


def promotion_as_json(promotion: Promotion) -> str:
    """The document, indented, keys in a fixed order, one newline at its end."""
    report = report_to_json(promotion.report)
    document = {
        "format_version": FORMAT_VERSION,
        "source": promotion.source,
        "target": promotion.target,
        "refused": promotion.refused,
        "plan": report["plan"],
        "evidence": [_evidence(one) for one in promotion.evidence],
        "attestation": promotion.attestation,
        "issues": [*(issue_to_json(issue) for issue in promotion.issues), *report["issues"]],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _evidence(evidence: Evidence) -> Json:
    return {
        **asdict(evidence),
        "verdicts": [record_to_json(record) for record in evidence.verdicts],
        "approved_by": list(evidence.approved_by),
    }
