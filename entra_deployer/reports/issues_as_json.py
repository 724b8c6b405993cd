"""Issues as one JSON document."""

from entra_deployer.checks.report import CheckReport
from entra_deployer.reports.json_document import json_document


def issues_as_json(report: CheckReport) -> str:
    """The document."""
    content = {
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
    }
    return json_document(content, report.issues)
