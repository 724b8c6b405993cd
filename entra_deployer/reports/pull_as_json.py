"""A pull as one JSON document (docs/life-of-a-rule.md tells its shape)."""

from entra_deployer.pull.report import PullReport
from entra_deployer.reports.json_document import json_document
from entra_deployer.reports.pull_as_text import diff_of


def pull_as_json(report: PullReport) -> str:
    """The document."""
    content = {
        "environment": report.environment,
        "written": report.written,
        "files": [
            {"path": edit.path, "is_new": not edit.before, "diff": "\n".join(diff_of(edit))} for edit in report.edits
        ],
        "brought": [
            {
                "object": one.object_kind.value,
                "name": one.name,
                "space": one.space,
                "field": one.field or None,
                "path": one.path,
                "by": one.by or None,
                "at": one.at or None,
            }
            for one in report.brought
        ],
    }
    return json_document(content, report.issues)
