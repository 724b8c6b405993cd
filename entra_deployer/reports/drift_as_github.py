"""Drift as annotations of a GitHub Actions run, at the hunts' files."""

from collections.abc import Iterator

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Level
from entra_deployer.plan.difference import DriftReport
from entra_deployer.reports.drift_words import drift_summary, told
from entra_deployer.reports.github import annotation


def drift_as_github(report: DriftReport) -> str:
    """One annotation for each difference and each issue; the summary as the last line of the log."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: DriftReport) -> Iterator[str]:
    for difference in report.differences:
        yield annotation(
            Level.ERROR if difference.counts else Level.NOTE,
            told(difference),
            title=f"{report.environment}: {difference.kind.words}",
            place=Location(difference.source) if difference.source else None,
        )
    for issue in report.issues:
        text = f"{issue.message}\n{issue.hint}" if issue.hint else issue.message
        yield annotation(issue.level, text, title=issue.code, place=issue.location)
    yield f"{report.environment}: {drift_summary(report)}"
