"""Verdicts for a person at a terminal: for each rule what was seeded, what it caught, what it left alone."""

from collections.abc import Iterable, Iterator, Sequence

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from entra_deployer.plan.report import Report
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.issue_lines import issue_lines
from entra_deployer.reports.words import counted
from entra_deployer.verify.verdict import EntityOutcome, MutationResult, Status, Verdict

_STATUS = {
    Status.PASSED: ("✓", "bold green"),
    Status.FAILED: ("✗", "bold red"),
    Status.ERROR: ("!", "bold yellow"),
}
_NARROW = 72
_LONGEST = 70
_TITLE_WIDTH = 10
_INDENT = (0, 0, 0, 2)


def verdicts_as_text(report: Report, *, width: int = 100, colour: bool = False) -> str:
    """The whole report, the counts as its last line."""
    return draw(_lines(report, width), width=width, colour=colour)


def _lines(report: Report, width: int) -> Iterator[RenderableType]:
    head = Text(report.environment, "bold")
    head.append(f"  {report.stack}" if report.stack else "", "dim")
    yield head
    for verdict in report.verdicts:
        yield Text()
        brief = len(report.verdicts) > 1 and verdict.status is Status.PASSED
        yield from _verdict(verdict, narrow=width < _NARROW, brief=brief)
    told = {problem for verdict in report.verdicts for problem in verdict.problems}
    rest = [issue for issue in report.issues if issue not in told]
    if rest:
        yield Text()
    for issue in rest:
        yield from issue_lines(issue)
    yield Text()
    yield _closing(report)


def _verdict(verdict: Verdict, *, narrow: bool, brief: bool) -> Iterator[RenderableType]:
    """A rule. Among others a rule that passed is `brief`: its entities in a row."""
    sign, style = _STATUS[verdict.status]
    line = Text()
    line.append(f"{sign} ", style)
    line.append(verdict.name, "bold")
    line.append(f"  {verdict.status.value}" if verdict.status is not Status.ERROR else "  no verdict", style)
    yield line
    if verdict.status is Status.ERROR:
        yield Padding(Text(verdict.error, "yellow"), _INDENT)
        return
    yield Padding(Text(_tried(verdict), "dim"), _INDENT)
    for title, style, outcomes in _groups(verdict.outcomes):
        if outcomes and brief:
            yield Padding(_names(title, style, outcomes), _INDENT)
        elif outcomes:
            yield Padding(Text(title, style), _INDENT)
            yield Padding(_entities(outcomes, style, narrow=narrow), (0, 0, 0, 4))
    for problem in verdict.problems:
        yield from (Padding(text, _INDENT) for text in issue_lines(problem))
    if verdict.mutation:
        yield from (Padding(line, _INDENT) for line in _mutation(verdict.mutation))
    yield Padding(Text(_next(verdict), "dim"), _INDENT)


def _mutation(result: MutationResult) -> Iterator[RenderableType]:
    """The score, and each change that no test notices."""
    valid = result.killed + len(result.survivors)
    style = "yellow" if result.survivors else "green"
    yield Text(f"mutation score {result.score:.0%}: the tests notice {result.killed} of {valid} changes", style)
    for mutant in result.survivors:
        line = Text("survived ", "yellow")
        line.append(f"{mutant.location}: " if mutant.location else "", "dim")
        line.append(f"{mutant.what}: `{_short(mutant.before)}`")
        line.append(f" as `{_short(mutant.after)}`" if mutant.after else "")
        yield Padding(line, _INDENT)
        hint = "no made case notices it either: look whether it means the same"
        if mutant.killer:
            hint = f"deploy synth has a case that notices it: {_short(mutant.killer)}"
        yield Padding(Text(hint, "dim"), (0, 0, 0, 4))


def _short(text: str) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 3]}..."


def _tried(verdict: Verdict) -> str:
    caught = sum(outcome.expected for outcome in verdict.outcomes)
    quiet = sum(not outcome.expected and bool(outcome.events) for outcome in verdict.outcomes)
    wanted = f"{counted(caught, 'entity')} to catch, {quiet} to leave alone"
    return f"{counted(verdict.events, 'event')} seeded: {wanted}; {counted(verdict.alerts, 'alert')}"


def _groups(outcomes: Sequence[EntityOutcome]) -> Iterable[tuple[str, str, list[EntityOutcome]]]:
    """Title, style and entities: what went wrong first."""
    yield "missed", "red", [one for one in outcomes if one.expected and not one.caught]
    yield "false alarms", "red", [one for one in outcomes if one.caught and not one.expected]
    yield "caught", "green", [one for one in outcomes if one.expected and one.caught]
    yield "left alone", "green", [one for one in outcomes if not one.expected and not one.caught]


def _names(title: str, style: str, outcomes: Sequence[EntityOutcome]) -> Table:
    """The entities in a row behind what became of them; those left alone with the reason."""
    row = Text()
    for outcome in outcomes:
        row.append(", " if row else "")
        row.append(outcome.name)
        row.append(f" ({outcome.reason})" if outcome.reason and not outcome.expected else "", "dim")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=_TITLE_WIDTH)
    table.add_column(overflow="fold", ratio=1)
    table.add_row(Text(title, style), row)
    return table


def _entities(outcomes: Sequence[EntityOutcome], style: str, *, narrow: bool) -> Table:
    """Two columns, the entity and why; on a narrow terminal one below the other."""
    mark = "✗" if style == "red" else "✓"
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    if not narrow:
        table.add_column(overflow="fold", ratio=1)
    for outcome in outcomes:
        why = Text(_why(outcome), "dim")
        if narrow:
            table.add_row(Text(mark, style), Text(outcome.name))
            table.add_row("", why)
        else:
            table.add_row(Text(mark, style), Text(outcome.name), why)
    return table


def _why(outcome: EntityOutcome) -> str:
    """The reason; of a wrong outcome also the events, since that is where to look."""
    events = ", ".join(outcome.events)
    wrong = outcome.caught != outcome.expected
    return "; ".join(filter(None, (outcome.reason, events if wrong or not outcome.reason else "")))


def _next(verdict: Verdict) -> str:
    files = ", ".join(verdict.tests)
    if verdict.status is Status.PASSED:
        return f"tested by {files}"
    return f"look into {files}, and at the query: deploy compile --explain"


def _closing(report: Report) -> Text:
    by_status = {status: sum(verdict.status is status for verdict in report.verdicts) for status in Status}
    words = {Status.PASSED: "passed", Status.FAILED: "failed", Status.ERROR: "without a verdict"}
    parts = [f"{by_status[status]} {words[status]}" for status in Status if by_status[status]]
    text = (
        f"{counted(len(report.verdicts), 'rule')} verified: {', '.join(parts)}." if parts else "No rule was verified."
    )
    good = by_status[Status.PASSED] == len(report.verdicts) > 0 and not report.errors
    return Text(text, "bold green" if good else "bold red")
