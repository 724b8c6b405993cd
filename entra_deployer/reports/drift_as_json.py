"""Drift as one JSON document (docs/life-of-a-rule.md tells its shape)."""

from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.ledger import PushEntry
from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.reports.json_document import json_document


def drift_as_json(report: DriftReport) -> str:
    """The document."""
    content = {
        "environment": report.environment,
        "drifted": report.drifted,
        "three_way": report.three_way,
        "compared": report.compared,
        "last_push": _push(report.last_push),
        "differences": [_difference(difference) for difference in report.differences],
    }
    return json_document(content, report.issues)


def _push(entry: PushEntry | None) -> Json:
    return {"at": entry.at, "by": entry.by, "commit": entry.commit} if entry else None


def _difference(difference: Difference) -> Json:
    return {
        "kind": difference.kind.value,
        "counts": difference.counts,
        "object": difference.object_kind.value,
        "space": difference.space,
        "key": difference.key,
        "name": difference.name,
        "source": difference.source or None,
        "by": difference.by or None,
        "at": difference.at or None,
        "message": difference.message or None,
        "fields": [
            {"path": drift.path, "base": drift.base, "desired": drift.desired, "live": drift.live}
            for drift in difference.fields
        ],
    }
