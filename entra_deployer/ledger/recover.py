"""Finishing or undoing a push that was cut off: its journal says how each object was, and how it was to be."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.apply import apply
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import Lock, PushEntry, PushState
from entra_deployer.plan.plan import ChangeResult, Outcome, Plan, not_applied, planned
from entra_deployer.plan.remaining import Direction, remaining, standing_of
from entra_deployer.plan.report import Report

INTERRUPTED = "DEP321"
LEFT_ALONE = "DEP322"


def recover(
    connection: Connection, direction: Direction, *, lock: bool = True, agree: Callable[[Report], str] = lambda _: ""
) -> Report:
    """Bring every interrupted push of the environment to one of its two ends, and tell what that took.

    `agree` is shown what is left to do before the first write, and says why not, or "".
    """
    journal = connection.journal
    run = _Recovery(connection, direction, agree)
    if found := journal.interrupted():
        with connection.lock(wanted=lock) as held:
            for entry in journal.interrupted():
                run.bring(journal.with_changes(entry), held)
    plan = Plan(connection.environment.name, tuple(result.change for result in run.results))
    told = sorted({*run.issues, *journal.issues}, key=lambda issue: issue.order)
    return Report(
        connection.environment.name,
        connection.stack,
        plan=plan.with_issues(told),
        results=tuple(run.results),
        issues=tuple(told),
        summary="" if run.results else _nothing_left(len(found), direction),
    )


def _nothing_left(interrupted: int, direction: Direction) -> str:
    if not interrupted:
        return "Nothing to recover: no push was interrupted."
    where = "as it was to be" if direction is Direction.FINISH else "as it was before"
    return f"Nothing was left to do: everything already is {where}, but for what is named above."


def _told(entry: PushEntry, direction: Direction) -> Issue:
    verb = "finished" if direction is Direction.FINISH else "undone"
    message = f"the push of {entry.at[:19]} by {entry.by} was interrupted and is {verb} now"
    return Issue(INTERRUPTED, Level.WARNING, message, entry.environment)


@dataclass
class _Recovery:
    """One run; results and issues fill up, push by push."""

    connection: Connection
    direction: Direction
    agree: Callable[[Report], str]
    results: list[ChangeResult] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)

    def bring(self, entry: PushEntry, lock: Lock) -> None:
        """Bring one push, with its changes, to its end, and close its journal where all of that was done."""
        self.issues.append(_told(entry, self.direction))
        handlers = self.connection.handlers()
        changes = []
        for change in (result.change for result in entry.results):
            found = remaining(change, standing_of(change, handlers), self.direction)
            if found.change:
                changes.append(found.change)
            if found.left_alone:
                hint = "`deploy plan` tells more"
                self.issues.append(Issue(LEFT_ALONE, Level.WARNING, found.left_alone, change.name, hint=hint))
        plan = Plan(entry.environment, tuple(changes))
        if changes and not self.connection.environment.embedded:
            shown = Report(entry.environment, self.connection.stack, plan=plan, results=tuple(planned(plan)))
            if refusal := self.agree(shown):
                self.results += not_applied(plan, refusal)
                return
        results = apply(plan, handlers, self.connection.environment.limits, lock)
        self.results += results
        if all(result.outcome is Outcome.APPLIED for result in results):
            lock.confirm()
            _close(self.connection, entry, self.direction)


def _close(connection: Connection, entry: PushEntry, direction: Direction) -> None:
    if direction is Direction.UNDO:
        connection.journal.mark(entry, PushState.UNDONE)
        return
    done = tuple(ChangeResult(result.change, Outcome.APPLIED) for result in entry.results)
    connection.journal.finish(replace(entry, state=PushState.RECOVERED, results=done))
