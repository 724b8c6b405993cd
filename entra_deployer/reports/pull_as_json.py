"""A pull as one JSON document (docs/life-of-a-rule.md tells its shape)."""

import json

from entra_deployer.model.pull import PullReport
from entra_deployer.model.serial import issue_to_json
from entra_deployer.reports.pull_as_text import diff_of

FORMAT_VERSION = 1


def pull_as_json(report: PullReport) -> str:
    """The document, indented, keys in a fixed order, one newline at its end."""
    document = {
        "format_version": FORMAT_VERSION,
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
        "issues": [issue_to_json(issue) for issue in report.issues],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
