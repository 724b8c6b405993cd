"""Drift as annotations of a GitHub Actions run, at the hunts' files."""

from collections.abc import Iterator

from entra_deployer.model.drift import Difference, DriftReport
from entra_deployer.model.issue import Level
from entra_deployer.reports.drift_words import drift_summary, field_lines, thing, who_and_when
from entra_deployer.reports.github import annotation

_LEVELS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def drift_as_github(report: DriftReport) -> str:
    """One annotation for each difference and each issue; the summary as the last line of the log."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: DriftReport) -> Iterator[str]:
    for difference in report.differences:
        body = (_head(difference), difference.message, *field_lines(difference))
        yield annotation(
            "error" if difference.counts else "notice",
            "\n".join(line for line in body if line),
            title=f"{report.environment}: {difference.kind.words}",
            file=difference.source,
        )
    for issue in report.issues:
        place = issue.location
        yield annotation(
            _LEVELS[issue.level],
            f"{issue.message}\n{issue.hint}" if issue.hint else issue.message,
            title=issue.code,
            file=place.path if place else "",
            line=place.line if place else 0,
        )
    yield f"{report.environment}: {drift_summary(report)}"


def _head(difference: Difference) -> str:
    whom = who_and_when(difference)
    return f"{thing(difference)} ({whom})" if whom else thing(difference)
