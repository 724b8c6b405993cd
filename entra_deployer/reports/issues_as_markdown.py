"""Issues as Markdown, for a comment on a pull request."""

from collections.abc import Iterator

from entra_deployer.checks.report import CheckReport, MatrixRow
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports.markdown import cell
from entra_deployer.reports.words import counted


def issues_as_markdown(report: CheckReport) -> str:
    """A table of the issues, then one of the versions, where asked for."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: CheckReport) -> Iterator[str]:
    counts = ", ".join(counted(report.count(level), level.value) for level in Level)
    yield f"### {counted(report.rules, 'rule')} checked for {report.target}: {counts}"
    if report.issues:
        yield ""
        yield "| | code | place | issue |"
        yield "|---|---|---|---|"
        yield from (_row(issue) for issue in report.issues)
    if report.matrix:
        yield ""
        yield from _matrix(report.matrix)


def _row(issue: Issue) -> str:
    place = issue.location or issue.subject
    return f"| {issue.level.value} | {issue.code} | `{place}` | {_cell(issue.message, issue.hint)} |"


def _matrix(rows: tuple[MatrixRow, ...]) -> Iterator[str]:
    yield "| hunt | " + " | ".join(one.version for one in rows[0].cells) + " |"
    yield "|---" * (len(rows[0].cells) + 1) + "|"
    for row in rows:
        cells = (_cell(one.support.value, *one.reasons) for one in row.cells)
        yield f"| {row.folder} | " + " | ".join(cells) + " |"


def _cell(*lines: str | None) -> str:
    return "<br>".join(cell(line) for line in lines if line)
