"""Plans and pushes: each change with its fields, and what became of it."""

from collections.abc import Callable, Iterable, Iterator

from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome
from entra_deployer.plan.report import Report
from entra_deployer.reports.document import (
    Block,
    Case,
    Diff,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Span,
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.documents.live_rules import run_lines
from entra_deployer.reports.documents.report_json import report_to_json
from entra_deployer.reports.words import counted, diff_lines, in_space, kept_lines, kind_name, query_edits

SIGNS = {
    Action.CREATE: Span("+", Tone.GOOD),
    Action.UPDATE: Span("~", Tone.DOUBT),
    Action.DELETE: Span("-", Tone.BAD),
}
COLUMNS = ("", "kind", "name", "space")
_MARKS = {
    Outcome.APPLIED: Span("✓", Tone.GOOD),
    Outcome.FAILED: Span("✗", Tone.VERY_BAD),
    Outcome.SKIPPED: Span("·", Tone.DIM),
}
_WORDS = {Outcome.APPLIED: "done: ", Outcome.FAILED: "failed: ", Outcome.SKIPPED: "not done: ", Outcome.PLANNED: ""}
_DONE = {Action.CREATE: "created", Action.UPDATE: "updated", Action.DELETE: "deleted"}
_NOT_DONE = "change/not_done"
_KIND_WIDTH = 12
_INDENT = 4


def plan_document(name: str) -> Callable[[Report], Document]:
    """How the command of this name tells a plan or a push."""
    return lambda report: _document(name, report)


def _document(name: str, report: Report) -> Document:
    read = counted(report.hunts, "hunt") + " read" if report.hunts else ""
    runs = [Line(()), *run_lines(report.runs, report.environment)] if report.runs else []
    return Document(
        name=name,
        title=report.environment,
        stack=report.stack,
        about=read,
        blocks=(Gap(), *change_blocks(report.results, report.issues)),
        summary=plan_summary(report),
        is_good=not (report.errors or report.count(Outcome.FAILED)),
        closing=tuple(runs),
        content=report_to_json(report),
        issues=report.issues,
        findings=tuple(findings(report)),
        titles={_NOT_DONE: "a change that was not made"},
        cases=plan_cases(report),
    )


def change_blocks(results: Iterable[ChangeResult], issues: tuple[Issue, ...]) -> Iterator[Block]:
    """Each change with its fields, and the issues; an empty line behind them."""
    results = tuple(results)
    told = query_edits(diff for result in results for diff in result.change.diffs)
    if items := tuple(_item(result, told) for result in results):
        yield Section(items, COLUMNS)
    if issues:
        yield Issues(issues)
    if items or issues:
        yield Gap()


def findings(report: Report) -> Iterator[Issue]:
    """A change that failed, as an issue."""
    for result in report.results:
        if result.outcome is Outcome.FAILED:
            change = result.change
            message = f"{change.action.value} {kind_name(change.kind)} {change.name}: {result.error}"
            yield Issue(_NOT_DONE, Level.ERROR, message, change.name)


def plan_cases(report: Report) -> tuple[Case, ...]:
    """A case for the whole, which the errors are of, and one for each change."""
    whole = Case(report.environment, "plan", issue_faults(report.issues), plan_summary(report))
    return (whole, *map(_case, report.results))


def plan_summary(report: Report) -> str:
    """The last line of a plan or a push."""
    plan = report.plan
    if report.summary or plan is None:
        return report.summary or "Nothing was planned."
    if plan.blockers:
        return f"Blocked by {counted(len(plan.blockers), 'error')}: nothing was written."
    if not plan.changes:
        return f"No changes: {counted(plan.unchanged, 'object')} as desired."
    if report.count(Outcome.PLANNED):
        counts = ", ".join(f"{plan.count(action)} to {action.value}" for action in Action)
        return f"Plan: {counts}, {plan.unchanged} unchanged."
    done = ", ".join(f"{_applied(report, action)} {word}" for action, word in _DONE.items())
    failed = report.count(Outcome.FAILED) + report.count(Outcome.SKIPPED)
    return _pushed(done, failed, report.count(Outcome.APPLIED), plan.unchanged)


def _pushed(done: str, failed: int, applied: int, unchanged: int) -> str:
    if failed and not applied:
        return f"Nothing was pushed: {failed} not done, for the reasons above."
    if failed:
        return f"Partly pushed: {done}, {failed} not done. Push again to finish."
    return f"Pushed: {done}, {unchanged} unchanged."


def _applied(report: Report, action: Action) -> int:
    return sum(r.change.action is action and r.outcome is Outcome.APPLIED for r in report.results)


def _item(result: ChangeResult, told: frozenset[str]) -> Item:
    change = result.change
    mark = _MARKS.get(result.outcome)
    space = f"  [{change.space}]" if change.space != "default" else ""
    name = words((change.name, Tone.BAD if change.action is Action.DELETE else Tone.PLAIN), (space, Tone.DIM))
    kind = Span(f"{kind_name(change.kind):<{_KIND_WIDTH}}", Tone.DIM)
    return Item(
        name=change.name,
        line=Line(name, lead=(*((mark,) if mark else ()), SIGNS[change.action], kind)),
        cells=cells(
            f"{_WORDS[result.outcome]}{change.action.value}", kind_name(change.kind), change.name, change.space
        ),
        body=tuple(_details(change, told, _reason(result))),
    )


def _reason(result: ChangeResult) -> str:
    """Why a change was not made; that the whole plan is blocked is told once, by its issues."""
    not_made = result.outcome in (Outcome.FAILED, Outcome.SKIPPED)
    return result.error if not_made and result.error != "blocked" else ""


def _details(change: Change, told: frozenset[str], error: str) -> Iterator[Block]:
    lines = tuple(line for diff in change.diffs for line in diff_lines(diff, told))
    notes = tuple(line for kept in change.kept for line in kept_lines(kept))
    if lines or notes:
        yield Diff(lines, notes, _INDENT)
    if error:
        yield Line(words((error, Tone.BAD)), _INDENT)


def _case(result: ChangeResult) -> Case:
    change = result.change
    faults: tuple[Fault, ...] = ()
    if result.outcome is Outcome.FAILED:
        faults = (Fault(FaultKind.FAILURE, result.error or "not done"),)
    elif result.outcome is Outcome.SKIPPED:
        faults = (Fault(FaultKind.SKIPPED, "not done"),)
    output = "\n".join(line for diff in change.diffs for line in diff_lines(diff))
    name = f"{change.action.value} {kind_name(change.kind)} {change.name}{in_space(change.space)}"
    return Case(change.key, name, faults, output)
