"""Issues as SARIF 2.1.0, which code hosts show beside the line of a pull request."""

import json
from urllib.parse import quote

from entra_deployer import __version__
from entra_deployer.checks.report import CheckReport
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Untyped as Json

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def issues_as_sarif(report: CheckReport) -> str:
    """One run with a result for each issue; Level has SARIF's own words."""
    codes = sorted({issue.code for issue in report.issues})
    driver = {
        "name": "entra-deployer",
        "version": __version__,
        "rules": [_rule(code, report.titles.get(code, "")) for code in codes],
    }
    results = [_result(issue, codes.index(issue.code)) for issue in report.issues]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rule(code: str, title: str) -> Json:
    return {"id": code, "shortDescription": {"text": title}} if title else {"id": code}


def _result(issue: Issue, index: int) -> Json:
    text = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
    result: dict[str, Json] = {
        "ruleId": issue.code,
        "ruleIndex": index,
        "level": issue.level.value,
        "message": {"text": text},
    }
    if issue.location:
        place: dict[str, Json] = {"artifactLocation": {"uri": quote(issue.location.path)}}
        if issue.location.line:
            place["region"] = {"startLine": issue.location.line, "startColumn": issue.location.column or 1}
        result["locations"] = [{"physicalLocation": place}]
    return result
