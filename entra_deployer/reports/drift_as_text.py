"""Drift for a person at a terminal: the differences by their kind, each with its fields."""

from collections.abc import Iterator
from itertools import groupby

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.plan.difference import Difference, DriftKind, DriftReport
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.diff import line_style
from entra_deployer.reports.drift_words import drift_summary, field_lines, origin, thing, who_and_when
from entra_deployer.reports.issue_lines import issue_lines

_STYLES = {DriftKind.CONFLICT: "bold red", DriftKind.DELETED_IN_KIBANA: "red", DriftKind.NOT_PUSHED: "cyan"}


def drift_as_text(report: DriftReport, *, width: int = 100, colour: bool = False) -> str:
    """The whole report, the counts as its last line."""
    return draw(_lines(report), width=width, colour=colour)


def _lines(report: DriftReport) -> Iterator[RenderableType]:
    head = Text(report.environment, "bold")
    head.append(f"  {report.stack}" if report.stack else "", "dim")
    yield head
    yield Text(origin(report), "dim")
    for kind, some in groupby(report.differences, key=lambda difference: difference.kind):
        yield Text()
        yield Text(kind.words, _STYLES.get(kind, "yellow"))
        for difference in some:
            yield from _difference(difference)
    if report.issues:
        yield Text()
    for issue in report.issues:
        yield from issue_lines(issue)
    yield Text()
    bad = report.failed or report.drifted
    yield Text(drift_summary(report), "bold red" if bad else "bold green")


def _difference(difference: Difference) -> Iterator[RenderableType]:
    line = Text(thing(difference), "" if difference.counts else "dim")
    if whom := who_and_when(difference):
        line.append(f"  {whom}", "dim")
    yield Padding(line, (0, 0, 0, 2))
    if difference.message:
        yield Padding(Text(difference.message, "dim"), (0, 0, 0, 6))
    for text in field_lines(difference):
        yield Padding(Text(text, line_style(text)), (0, 0, 0, 6))
