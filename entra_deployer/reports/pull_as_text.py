"""A pull for a person at a terminal: what was brought, file by file, and what was left."""

import difflib
from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.pull.report import Brought, FileEdit, PullReport
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.drift_words import minute
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.words import counted, kind_name

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


def pull_as_text(report: PullReport, *, width: int = 100, colour: bool = False) -> str:
    """The whole report, the counts as its last line."""
    return draw(_lines(report), width=width, colour=colour)


def pull_summary(report: PullReport) -> str:
    """The last line."""
    left = "" if not report.failed else ", and not all could be: see the errors"
    if not report.edits:
        return "Nothing was brought: see the errors." if report.failed else "Nothing to pull: no change of Kibana's."
    what = f"{counted(len(report.brought), 'change')} into {counted(len(report.edits), 'file')}"
    return f"{'Pulled' if report.written else 'A pull would bring'} {what}{left}."


def diff_of(edit: FileEdit) -> list[str]:
    """The edit as a unified diff without its two lines of names."""
    lines = difflib.unified_diff(edit.before.splitlines(), edit.after.splitlines(), lineterm="", n=1)
    return list(lines)[2:]


def _lines(report: PullReport) -> Iterator[RenderableType]:
    head = Text(report.environment, "bold")
    head.append(f"  {report.stack}" if report.stack else "", "dim")
    yield head
    for edit in report.edits:
        yield Text()
        yield Text(f"{edit.path}{'' if edit.before else '  (new)'}", "yellow")
        for brought in report.brought:
            if brought.path == edit.path:
                yield Padding(Text(_origin(brought), "dim"), (0, 0, 0, 2))
        for line in diff_of(edit):
            yield Padding(Text(line, _STYLES.get(line[:1], "")), (0, 0, 0, 4))
    if report.issues:
        yield Text()
    for issue in report.issues:
        yield from issue_lines(issue)
    yield Text()
    yield Text(pull_summary(report), "bold red" if report.failed else "bold green")


def _origin(brought: Brought) -> str:
    what = f"{brought.field} of the " if brought.field else ""
    where = f" [{brought.space}]" if brought.space != "default" else ""
    whom = ", ".join(part for part in (f"by {brought.by}" if brought.by else "", minute(brought.at)) if part)
    return f"{what}{kind_name(brought.object_kind)} {brought.name}{where}" + (f"  {whom}" if whom else "")
