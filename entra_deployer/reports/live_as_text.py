"""What the conditions of the rules lose on live data, for a person at a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from entra_deployer.core.issue import Level
from entra_deployer.plan.report import Report
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.words import counted


def live_as_text(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """Each condition that loses events, and how many rules were looked at."""
    return draw(_lines(report), width=width, colour=colour)


def _lines(report: Report) -> Iterator[RenderableType]:
    head = Text(report.environment, "bold")
    head.append(f"  {report.stack}" if report.stack else "", "dim")
    yield head
    yield Text()
    for issue in report.issues:
        yield from issue_lines(issue)
    if report.issues:
        yield Text()
    silent = sum(issue.level is not Level.NOTE for issue in report.issues)
    yield Text(f"{counted(report.hunts, 'hunt')} looked at on live data: {counted(silent, 'warning')}.", "bold")
