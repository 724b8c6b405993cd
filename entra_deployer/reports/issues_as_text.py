"""Issues for a person at a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from entra_deployer.checks.report import CheckReport, MatrixRow, Support
from entra_deployer.core.issue import Level
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.issue_lines import fold_issues, folded_lines
from entra_deployer.reports.words import counted

_CELLS = {Support.YES: "green", Support.NO: "red", Support.UNKNOWN: "yellow"}


def issues_as_text(report: CheckReport, *, width: int, colour: bool, notes: bool = True) -> str:
    """Every issue with its place and its next step, then the counts. Without `notes` these are counted only.

    What several places of a file have alike is said once, with all places.
    """
    return draw(_lines(report, notes=notes), width=width, colour=colour)


def _lines(report: CheckReport, *, notes: bool) -> Iterator[RenderableType]:
    shown = [issue for issue in report.issues if notes or issue.level is not Level.NOTE]
    for folded in fold_issues(shown):
        yield from folded_lines(folded)
    if shown:
        yield Text()
    if report.matrix:
        yield _matrix(report.matrix)
        yield from _reasons(report.matrix)
        yield Text()
    yield _summary(report, hidden=len(report.issues) - len(shown))


def _summary(report: CheckReport, *, hidden: int) -> Text:
    counts = ", ".join(counted(report.count(level), level.value) for level in Level)
    checked = (
        f"Checked {counted(report.rules, 'rule')} of {counted(report.hunts, 'hunt')} for {report.target}: {counts}"
    )
    return Text(f"{checked} (--notes shows these)." if hidden else f"{checked}.")


def _matrix(rows: tuple[MatrixRow, ...]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("hunt", overflow="fold")
    for cell in rows[0].cells:
        table.add_column(cell.version, no_wrap=True)
    for row in rows:
        table.add_row(row.folder, *(Text(cell.support.value, _CELLS[cell.support]) for cell in row.cells))
    return table


def _reasons(rows: tuple[MatrixRow, ...]) -> Iterator[Text]:
    for row in rows:
        for cell in row.cells:
            for reason in cell.reasons:
                word = "not known" if cell.support is Support.UNKNOWN else "no"
                yield Text(f"  {row.folder}, {cell.version}: {word}: {reason}", "dim")
