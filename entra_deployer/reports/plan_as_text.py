"""A plan, or a push, for a person at a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome
from entra_deployer.plan.report import Report
from entra_deployer.reports.canvas import draw, draw_page
from entra_deployer.reports.diff import diff_lines, kept_line, line_style
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.words import counted, kind_name, plan_summary

_SIGNS = {Action.CREATE: ("+", "green"), Action.UPDATE: ("~", "yellow"), Action.DELETE: ("-", "red")}
_OUTCOMES = {Outcome.APPLIED: ("✓", "green"), Outcome.FAILED: ("✗", "bold red"), Outcome.SKIPPED: ("·", "dim")}
_KIND_WIDTH = 12
_INDENT = 4


def plan_as_text(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """The whole report: where, each change with its fields, the issues, and the counts as the last line."""
    return draw(_lines(report), width=width, colour=colour)


def plan_as_html(report: Report) -> str:
    """The same as a page for a browser."""
    return draw_page(_lines(report))


def _lines(report: Report) -> Iterator[RenderableType]:
    head = Text(report.environment, "bold")
    head.append(f"  {report.stack}" if report.stack else "", "dim")
    yield head
    if report.hunts:
        yield Text(f"{counted(report.hunts, 'hunt')} read", "dim")
    yield Text()
    yield from change_lines(report)
    yield _closing(report)


def change_lines(report: Report) -> Iterator[RenderableType]:
    """Each change with its fields, and the issues; an empty line behind them."""
    for result in report.results:
        yield from _result_lines(result)
    for issue in report.issues:
        yield from issue_lines(issue)
    if report.results or report.issues:
        yield Text()


def _result_lines(result: ChangeResult) -> Iterator[RenderableType]:
    change = result.change
    sign, style = _SIGNS[change.action]
    done, done_style = _OUTCOMES.get(result.outcome, ("", ""))
    name = Text(change.name, style if change.action is Action.DELETE else "")
    if change.space != "default":
        name.append(f"  [{change.space}]", "dim")
    line = Table.grid(padding=(0, 1))
    line.add_row(
        *([Text(done, done_style)] if done else []),
        Text(sign, style),
        Text(f"{kind_name(change.kind):<{_KIND_WIDTH}}", "dim"),
        name,
    )
    yield line
    yield from (_indented(text) for text in _details(change))
    if result.error and result.outcome is Outcome.FAILED:
        yield _indented(Text(result.error, "red"))


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, _INDENT))


def _details(change: Change) -> Iterator[Text]:
    for diff in change.diffs:
        for line in diff_lines(diff):
            yield Text(line, line_style(line))
    for kept in change.kept:
        yield Text(kept_line(kept), "dim")


def _closing(report: Report) -> Text:
    style = "bold red" if report.errors or report.count(Outcome.FAILED) else "bold green"
    return Text(plan_summary(report), style)
