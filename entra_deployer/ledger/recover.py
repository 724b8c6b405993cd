"""Finishing or undoing a push that was cut off: its journal says how each object was, and how it was to be.

A deletion is always rolled forward: what was deleted cannot come back as the same object.
"""

import enum
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from entra_deployer.core.issue import Issue, Level
from entra_deployer.ledger.journal import EitherJournal
from entra_deployer.ledger.ledger import Journal, PushEntry, PushState
from entra_deployer.ledger.lock import lease
from entra_deployer.objects.state import Kind, LiveObject, StateObject
from entra_deployer.plan.apply import Handlers, apply
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Action, Change, ChangeResult, FieldDiff, Outcome, Plan
from entra_deployer.plan.planner import rule_diffs, saved_object_diffs
from entra_deployer.plan.report import Report

type Clock = Callable[[], datetime]


class Direction(enum.StrEnum):
    """Where an interrupted push is brought: to its end, or back to where it began."""

    FINISH = "finish"
    UNDO = "undo"


def recover(root: Path, connection: Connection, direction: Direction, clock: Clock, *, lock: bool = True) -> Report:
    """Bring every interrupted push of the environment to one of its two ends, and tell what that took."""
    warnings: list[Issue] = []

    def warn(text: str) -> None:
        warnings.append(Issue("DEP320", Level.WARNING, text, connection.environment.name))

    journal = EitherJournal(connection.ledger(), root, connection.environment.name, warn)
    results: list[ChangeResult] = []
    if found := journal.interrupted():
        with lease(connection.ledger(), clock) if lock else nullcontext():
            for keeper, entry in found:
                results += _recover_one(keeper, entry, connection, direction)
    plan = Plan(connection.environment.name, tuple(result.change for result in results), issues=tuple(warnings))
    stack = f"Kibana {connection.version}, {connection.licence}"
    told = (*warnings, *(_told(entry, direction) for _, entry in found))
    return Report(
        connection.environment.name,
        stack,
        plan=plan,
        results=tuple(results),
        issues=told,
        summary="" if results else _nothing_left(len(found), direction),
    )


def _nothing_left(interrupted: int, direction: Direction) -> str:
    if not interrupted:
        return "Nothing to recover: no push was interrupted."
    where = "as it was to be" if direction is Direction.FINISH else "as it was before"
    return f"Nothing was left to do: everything already is {where}."


def _told(entry: PushEntry, direction: Direction) -> Issue:
    verb = "finished" if direction is Direction.FINISH else "undone"
    message = f"the push of {entry.at[:19]} by {entry.by} was interrupted and is {verb} now"
    return Issue("DEP321", Level.WARNING, message, entry.environment)


def _recover_one(
    journal: Journal, entry: PushEntry, connection: Connection, direction: Direction
) -> list[ChangeResult]:
    handlers = connection.handlers()
    whole = journal.with_changes(entry)
    changes = [_remaining(result.change, handlers, direction) for result in whole.results]
    plan = Plan(entry.environment, tuple(change for change in changes if change))
    results = apply(plan, handlers, connection.environment.limits)
    if all(result.outcome is Outcome.APPLIED for result in results):
        _close(journal, whole, direction)
    return results


def _close(journal: Journal, entry: PushEntry, direction: Direction) -> None:
    if direction is Direction.UNDO:
        journal.mark(entry, PushState.UNDONE)
        return
    done = tuple(ChangeResult(result.change, Outcome.APPLIED) for result in entry.results)
    journal.finish(replace(entry, state=PushState.RECOVERED, results=done))


def _remaining(change: Change, handlers: Handlers, direction: Direction) -> Change | None:
    """What is still to be done for one object, None where it already is where it shall be."""
    wanted = change.desired
    if direction is Direction.UNDO and change.action is not Action.DELETE:
        wanted = change.existing.object if change.existing else None
    standing = handlers[change.space, change.kind].by_key([change.key])
    live = standing[0] if standing else None
    if wanted is None:
        return _as(change, Action.DELETE, None, live) if live else None
    if live is None:
        return _as(change, Action.CREATE, wanted, None)
    return _as(change, Action.UPDATE, wanted, live) if _diffs(live.object, wanted) else None


def _as(change: Change, action: Action, desired: StateObject | None, live: LiveObject | None) -> Change:
    diffs = _diffs(live.object, desired) if desired and live else ()
    return replace(change, action=action, desired=desired, existing=live, diffs=diffs, kept=())


def _diffs(live: StateObject, wanted: StateObject) -> tuple[FieldDiff, ...]:
    return rule_diffs(live, wanted) if live.kind is Kind.RULE else saved_object_diffs(live, wanted)
