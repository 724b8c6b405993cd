"""What is still to be done of a push that was cut off, field by field, and what the next one makes of it.

Nothing is touched but fields that the push wrote or was about to write, and of those only the ones that still hold what
it wrote or what it found: an analyst's later edit stays.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from enum import StrEnum

from msgspec import Struct

from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects import KINDS
from entra_deployer.objects.state import FieldDiff, Key, LiveObject, StateObject
from entra_deployer.plan.apply import Handlers
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import Journal, PushEntry, PushState
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan


class Direction(StrEnum):
    """Where an interrupted push is brought: to its end, or back to where it began."""

    FINISH = "finish"
    UNDO = "undo"


class Remaining(Struct, frozen=True):
    """What is left of one change: the change that does it, None where nothing is; and what is left alone, and why."""

    change: Change | None = None
    left_alone: str = ""


def still_to_do(change: Change, handlers: Handlers) -> bool:
    """Whether a change of a push that was cut off has not happened yet, or what it wrote was edited since."""
    found = remaining(change, standing_of(change, handlers), Direction.FINISH)
    return found.change is not None or bool(found.left_alone)


def standing_of(change: Change, handlers: Handlers) -> LiveObject | None:
    """The object of a change as it stands now: by the server's id where it is known, else the only one of its key."""
    handler = handlers[change.space, change.kind]
    if change.existing:
        return handler.read(change.existing.object_id)
    found = handler.by_key([change.key])
    return handler.read(found[0].object_id) if len(found) == 1 else (found[0] if found else None)


def remaining(change: Change, live: LiveObject | None, direction: Direction) -> Remaining:
    """What brings one object to either end."""
    ways = {Action.CREATE: _of_creation, Action.UPDATE: _of_update, Action.DELETE: _of_deletion}
    return ways[change.action](change, live, direction)


def _of_creation(change: Change, live: LiveObject | None, direction: Direction) -> Remaining:
    if change.desired is None:
        return Remaining()
    if direction is Direction.FINISH:
        return Remaining(None if live else replace(change, existing=None))
    if live is None:
        return Remaining()
    if edited := _edited(change.desired, live.object):
        return Remaining(left_alone=f"it was made by that push, and {_who(live)} changed {edited} since: it stays")
    gone = replace(change, action=Action.DELETE, desired=None, existing=live, diffs=(), kept=())
    return Remaining(gone)


def _of_deletion(change: Change, live: LiveObject | None, direction: Direction) -> Remaining:
    if direction is Direction.UNDO:
        return Remaining(left_alone="" if live else "it is deleted already: `deploy rollback` makes it anew")
    if live is None or change.existing is None:
        return Remaining()
    if edited := _edited(change.existing.object, live.object):
        return Remaining(left_alone=f"it was to be deleted, and {_who(live)} changed {edited} since: it stays")
    return Remaining(replace(change, existing=live))


def _of_update(change: Change, live: LiveObject | None, direction: Direction) -> Remaining:
    if change.desired is None or change.existing is None:
        return Remaining()
    if live is None:
        return Remaining(left_alone="it was deleted in Kibana since")
    kind = KINDS[change.kind]
    now = kind.fields(live.object.payload)
    diffs: list[FieldDiff] = []
    others: list[str] = []
    for diff in change.diffs:
        value = now.get(diff.path)
        wanted, left = (diff.desired, diff.existing) if direction is Direction.FINISH else (diff.existing, diff.desired)
        if kind.same(diff.path, value, wanted):
            continue
        if kind.same(diff.path, value, left):
            diffs.append(FieldDiff(diff.path, value, wanted))
        else:
            others.append(diff.path)
    alone = f"{_who(live)} changed {', '.join(others)} since: left as it is" if others else ""
    if not diffs:
        return Remaining(left_alone=alone)
    goal = change.desired if direction is Direction.FINISH else change.existing.object
    return Remaining(replace(change, desired=goal, existing=live, diffs=tuple(diffs), kept=()), alone)


def _edited(was: StateObject, live: StateObject) -> str:
    """The fields in which an object is no longer as it was, "" where it is."""
    return ", ".join(diff.path for diff in KINDS[live.kind].difference(live, was))


def _who(live: LiveObject) -> str:
    return live.updated_by or "somebody"


# -- what the next push makes of it ----------------------------------------------------------------------------------


def close_finished(
    connection: Connection, interrupted: Sequence[PushEntry]
) -> tuple[list[Issue], dict[tuple[str, Key], StateObject]]:
    """Close the journals of pushes that died after their last write.

    Of those that died before it: a warning, and what they were to make, by space and key.
    """
    journal, handlers = connection.journal, None
    issues: list[Issue] = []
    begun: dict[tuple[str, Key], StateObject] = {}
    for entry in interrupted:
        handlers = handlers or connection.handlers()
        whole = journal.with_changes(entry)
        if any(still_to_do(result.change, handlers) for result in whole.results):
            issues.append(_interrupted(entry))
            begun |= _made_by(whole)
            continue
        done = tuple(ChangeResult(result.change, Outcome.APPLIED) for result in whole.results)
        try:
            journal.finish(replace(whole, state=PushState.RECOVERED, results=done))
        except Refused:
            issues.append(_interrupted(entry))  # a key that plans alone may only read
    return issues, begun


def supersede(journal: Journal, interrupted: Iterable[PushEntry], plan: Plan, handlers: Handlers) -> None:
    """Say of pushes that were cut off that a newer one took their place.

    What they made and that one leaves is known from now on to have been pushed.
    """
    touched = {(change.space, change.at) for change in plan.changes}
    for older in interrupted:
        for (space, at), made in _made_by(journal.with_changes(older)).items():
            if (space, at) not in touched and handlers[space, made.kind].by_key([made.key]):
                journal.remember_objects(space, [made])
        journal.mark(older, PushState.SUPERSEDED)


def _made_by(entry: PushEntry) -> dict[tuple[str, Key], StateObject]:
    """What a push was to make that was not there, by space and key, as it was to leave it."""
    made = (result.change for result in entry.results if result.change.action is Action.CREATE)
    return {(change.space, change.at): change.base for change in made if change.base}


def _interrupted(entry: PushEntry) -> Issue:
    message = f"the push of {entry.at[:19]} by {entry.by} was interrupted"
    hint = "`deploy recover` finishes or undoes it; a push replaces it"
    return Issue("DEP321", Level.WARNING, message, entry.environment, hint=hint)
