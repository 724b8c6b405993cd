"""The pushes to an environment, and what each changed."""

from collections.abc import Iterator

from entra_deployer.core.json import Json
from entra_deployer.ledger.history import History, NumberedPush
from entra_deployer.plan.journal import PushState
from entra_deployer.plan.plan import ChangeResult, Outcome
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
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.documents.plan import SIGNS
from entra_deployer.reports.words import counted, diff_lines, in_space, kind_name, minute, short_commit

_STATES = {
    PushState.STARTED: "interrupted: deploy recover",
    PushState.RECOVERED: "interrupted, then finished",
    PushState.UNDONE: "interrupted, then undone",
    PushState.SUPERSEDED: "interrupted, then replaced by the next",
}
_COLUMNS = ("", "when", "by", "commit", "note", "changed")
_INDENT = 4


def history_document(history: History) -> Document:
    """Each push with what it changed; with the values where a rule was asked for."""
    return Document(
        name="history",
        title=history.environment,
        stack=", ".join(filter(None, (history.rule, history.stack))),
        blocks=(
            *(block for push in history.pushes for block in (Gap(), _section(push, is_whole=bool(history.rule)))),
            *((Gap(), Issues(history.issues)) if history.issues else ()),
            Gap(),
        ),
        summary=_summary(history),
        summary_tone=Tone.STRONG,
        content={
            "environment": history.environment,
            "rule": history.rule or None,
            "pushes": [_push_to_json(push) for push in history.pushes],
            "older": history.older,
        },
        issues=history.issues,
        cases=(
            Case(history.environment, "read", issue_faults(history.issues), _summary(history)),
            *map(_case, history.pushes),
        ),
    )


def _section(push: NumberedPush, *, is_whole: bool) -> Section:
    entry = push.entry
    number, commit, state = f"#{push.number}", short_commit(entry.commit), _STATES.get(entry.state, "")
    line = words(
        (f"{number}  ", Tone.STRONG),
        f"{minute(entry.at)} by {entry.by}",
        (f"  {commit}" if commit else "", Tone.DIM),
        (f"  {entry.note}" if entry.note else "", Tone.NEWS),
        (f"  {state}" if state else "", Tone.VERY_BAD),
    )
    notes = "; ".join(filter(None, (entry.note, state)))
    changed = counted(len(entry.results), "object")
    item = Item(
        name=f"{number}: {changed}",
        line=Line(line),
        cells=cells(number, minute(entry.at), entry.by, commit, notes, changed),
        body=tuple(block for result in entry.results for block in _result(result, is_whole=is_whole)),
    )
    return Section((item,), _COLUMNS)


def _result(result: ChangeResult, *, is_whole: bool) -> Iterator[Block]:
    change = result.change
    fields = f"  {', '.join(diff.path for diff in change.diffs)}" if change.diffs and not is_whole else ""
    error = f": {result.error}" if result.error else ""
    sign = SIGNS[change.action]
    yield Line(
        words(
            (f"{sign.text} ", sign.tone),
            (f"{kind_name(change.kind)} ", Tone.DIM),
            change.name,
            (in_space(change.space), Tone.DIM),
            (fields, Tone.DIM),
            (f"  {result.outcome.value}{error}" if result.outcome is not Outcome.APPLIED else "", Tone.BAD),
        ),
        _INDENT,
    )
    if is_whole and change.diffs:
        yield Diff(tuple(line for diff in change.diffs for line in diff_lines(diff)), indent=2 * _INDENT)


def _summary(history: History) -> str:
    if not history.pushes:
        return "No push is written down."
    older = f", {history.older} older not shown (--last)" if history.older else ""
    return f"{counted(len(history.pushes), 'push')}{older}."


def _case(push: NumberedPush) -> Case:
    entry = push.entry
    failed = [result for result in entry.results if result.outcome in (Outcome.FAILED, Outcome.SKIPPED)]
    faults = [Fault(FaultKind.FAILURE, _STATES[entry.state])] if entry.state is PushState.STARTED else []
    faults += [Fault(FaultKind.FAILURE, f"{one.change.name}: {one.error or one.outcome.value}") for one in failed]
    return Case(f"#{push.number}", f"{minute(entry.at)} by {entry.by}", tuple(faults), entry.note)


def _push_to_json(push: NumberedPush) -> Json:
    entry = push.entry
    return {
        "number": push.number,
        "at": entry.at,
        "by": entry.by,
        "commit": entry.commit or None,
        "note": entry.note or None,
        "state": entry.state.value,
        "changes": [_change_to_json(result) for result in entry.results],
    }


def _change_to_json(result: ChangeResult) -> Json:
    change = result.change
    return {
        "action": change.action.value,
        "object": str(change.kind),
        "space": change.space,
        "key": change.key,
        "name": change.name,
        "result": result.outcome.value,
        "error": result.error or None,
        "diffs": [{"path": diff.path, "before": diff.existing, "after": diff.desired} for diff in change.diffs],
    }
