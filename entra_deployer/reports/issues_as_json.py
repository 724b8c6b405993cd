"""Issues as one JSON document."""

import json

from entra_deployer.model.check_report import CheckReport
from entra_deployer.model.serial import issue_to_json

FORMAT_VERSION = 1


def issues_as_json(report: CheckReport) -> str:
    """The document, indented, keys in a fixed order, one newline at its end."""
    document = {
        "format_version": FORMAT_VERSION,
        "target": report.target,
        "hunts": report.hunts,
        "rules": report.rules,
        "matrix": [
            {
                "hunt": row.folder,
                "name": row.name,
                "versions": [
                    {"version": cell.version, "support": cell.support.value, "reasons": list(cell.reasons)}
                    for cell in row.cells
                ],
            }
            for row in report.matrix
        ],
        "issues": [issue_to_json(issue) for issue in report.issues],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
