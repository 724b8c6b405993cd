"""Drift as SARIF 2.1.0, at the hunts' files."""

from entra_deployer.checks.report import CheckReport
from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.reports.drift_words import told
from entra_deployer.reports.issues_as_sarif import issues_as_sarif


def drift_as_sarif(report: DriftReport) -> str:
    """One run: a result for each difference, whose rule is its kind, and one for each issue."""
    issues = (*(_issue(difference) for difference in report.differences), *report.issues)
    titles = {_code(difference): difference.kind.words for difference in report.differences}
    return issues_as_sarif(CheckReport(report.environment, report.hunts, report.compared, issues, titles))


def _issue(difference: Difference) -> Issue:
    place = Location(difference.source) if difference.source else None
    level = Level.ERROR if difference.counts else Level.NOTE
    return Issue(_code(difference), level, told(difference), difference.name, place)


def _code(difference: Difference) -> str:
    return f"drift/{difference.kind.value}"
