"""What is still to be done of a push that was cut off, field by field. Pure but for what it is told of what stands.

Nothing is touched but fields that the push wrote or was about to write, and of those only the ones that still hold what
it wrote or what it found: an analyst's later edit stays.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from entra_deployer.objects import KINDS
from entra_deployer.objects.state import FieldDiff, LiveObject, StateObject
from entra_deployer.plan.apply import Handlers
from entra_deployer.plan.plan import Action, Change


class Direction(StrEnum):
    """Where an interrupted push is brought: to its end, or back to where it began."""

    FINISH = "finish"
    UNDO = "undo"


@dataclass(frozen=True)
class Remaining:
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
