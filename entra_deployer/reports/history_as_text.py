"""The pushes to an environment for a person at a terminal."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.ledger.entry import History, NumberedPush
from entra_deployer.ledger.ledger import PushState
from entra_deployer.plan.plan import Action, ChangeResult, Outcome
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.diff import diff_lines, line_style
from entra_deployer.reports.drift_words import minute
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.words import counted, kind_name

_SIGNS = {Action.CREATE: ("+", "green"), Action.UPDATE: ("~", "yellow"), Action.DELETE: ("-", "red")}
_STATES = {
    PushState.STARTED: "interrupted: deploy recover",
    PushState.RECOVERED: "interrupted, then finished",
    PushState.UNDONE: "interrupted, then undone",
    PushState.SUPERSEDED: "interrupted, then replaced by the next",
}


def history_as_text(history: History, *, width: int = 100, colour: bool = False) -> str:
    """Each push with what it changed; with the values where a rule was asked for."""
    return draw(_lines(history), width=width, colour=colour)


def _lines(history: History) -> Iterator[RenderableType]:
    head = Text(history.environment, "bold")
    head.append(f"  {history.rule}" if history.rule else "", "dim")
    yield head
    for push in history.pushes:
        yield Text()
        yield _push(push)
        for result in push.entry.results:
            yield from _result(result, whole=bool(history.rule))
    if history.issues:
        yield Text()
    for issue in history.issues:
        yield from issue_lines(issue)
    yield Text()
    yield Text(_closing(history), "bold")


def _push(push: NumberedPush) -> Text:
    entry = push.entry
    line = Text(f"#{push.number}  ", "bold")
    line.append(f"{minute(entry.at)} by {entry.by}")
    if entry.commit:
        line.append(f"  {entry.commit[:12].rstrip('+')}{'+' if entry.commit.endswith('+') else ''}", "dim")
    line.append(f"  {entry.note}" if entry.note else "", "cyan")
    line.append(f"  {_STATES[entry.state]}" if entry.state in _STATES else "", "bold red")
    return line


def _result(result: ChangeResult, *, whole: bool) -> Iterator[RenderableType]:
    change = result.change
    sign, style = _SIGNS[change.action]
    line = Text(f"{sign} ", style)
    line.append(f"{kind_name(change.kind)} ", "dim")
    line.append(change.name)
    line.append(f" [{change.space}]" if change.space != "default" else "", "dim")
    if change.diffs and not whole:
        line.append(f"  {', '.join(diff.path for diff in change.diffs)}", "dim")
    if result.outcome is not Outcome.APPLIED:
        line.append(f"  {result.outcome.value}{f': {result.error}' if result.error else ''}", "red")
    yield Padding(line, (0, 0, 0, 4))
    for diff in change.diffs if whole else ():
        for text in diff_lines(diff):
            yield Padding(Text(text, line_style(text)), (0, 0, 0, 8))


def _closing(history: History) -> str:
    if not history.pushes:
        return "No push is written down."
    older = f", {history.older} older not shown (--last)" if history.older else ""
    return f"{counted(len(history.pushes), 'push').replace('pushs', 'pushes')}{older}."
