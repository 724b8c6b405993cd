"""Drift as Markdown: a comment, or the summary of a job."""

from collections.abc import Iterator

from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.reports.drift_words import drift_summary, field_lines, origin, thing, who_and_when
from entra_deployer.reports.markdown import cell, fenced, folded, issue_item


def drift_as_markdown(report: DriftReport) -> str:
    """A heading with the counts, a table of the differences, and a folded diff for each that has one."""
    return "\n".join(_lines(report)).rstrip() + "\n"


def _lines(report: DriftReport) -> Iterator[str]:
    yield f"### {report.environment}: {drift_summary(report)}"
    yield ""
    yield f"{report.stack}; {origin(report)}."
    yield ""
    if report.differences:
        yield "| | what | by whom |"
        yield "|---|---|---|"
        yield from (_row(difference) for difference in report.differences)
        yield ""
    for difference in report.differences:
        yield from _details(difference)
    yield from map(issue_item, report.issues)


def _row(difference: Difference) -> str:
    kind = difference.kind.words if difference.counts else f"{difference.kind.words} (does not count)"
    what = f"{thing(difference)}: {difference.message}" if difference.message else thing(difference)
    return f"| {cell(kind)} | {cell(what)} | {cell(who_and_when(difference))} |"


def _details(difference: Difference) -> Iterator[str]:
    if difference.fields:
        lines = (line.removeprefix("  ") for line in field_lines(difference))
        yield from folded(f"{thing(difference)}: {difference.kind.words}", fenced(lines))
