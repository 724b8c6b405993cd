"""Applying a plan: every write, what became of it, and a reading back that decides, because answers do not tell all."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import batched, groupby
from typing import Protocol

from entra_deployer.core.errors import Refused, Unreachable
from entra_deployer.objects.state import Kind, LiveObject, StateObject
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan
from entra_deployer.plan.planner import rule_diffs, saved_object_diffs
from entra_deployer.stack.environment import Limits


class Handler(Protocol):
    """What pushing asks of one kind of object in one space."""

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The objects that stand under these keys."""
        ...

    def create(self, objects: Sequence[StateObject]) -> dict[str, str]:
        """Make new objects; what failed, by key."""
        ...

    def replace(self, one: StateObject, fields: Collection[str]) -> None:
        """Replace one object; `fields` are those in which it differs from what stands."""
        ...

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Remove objects."""
        ...


type Handlers = Mapping[tuple[str, Kind], Handler]
"""The handlers of an environment, by space and kind."""

type Progress = Callable[[ChangeResult], None]
"""Told each outcome as soon as it is known."""


def moved(plan: Plan, handlers: Handlers) -> list[Change]:
    """The changes whose object is no longer as it was when the plan was made."""
    found: list[Change] = []
    for group, changes in _groups(plan.changes):
        standing = {live.object.key: live for live in handlers[group[0], group[1]].by_key(c.key for c in changes)}
        for change in changes:
            live = standing.get(change.key)
            if (live.revision if live else None) != (change.existing.revision if change.existing else None):
                found.append(change)
    return found


def apply(plan: Plan, handlers: Handlers, limits: Limits, progress: Progress = lambda _: None) -> list[ChangeResult]:
    """Apply every change, in the plan's order; one result for each, in that order.

    A refused object does not stop the others; a server that no longer answers stops all that is left.
    """
    results: list[ChangeResult] = []
    silent = ""
    for group, changes in _groups(plan.changes):
        if silent:
            some = [ChangeResult(change, Outcome.SKIPPED, silent) for change in changes]
        else:
            some, silent = _apply_group(handlers[group[0], group[1]], group[2], changes, limits)
        for result in some:
            progress(result)
        results += some
    return results


def _groups(changes: Sequence[Change]) -> list[tuple[tuple[str, Kind, Action], list[Change]]]:
    """Consecutive changes of one space, kind and action: what one handler can take at a time."""
    by_work = sorted(changes, key=lambda c: (c.action is Action.DELETE, c.space, c.kind.rank, c.action.value, c.key))
    return [(key, list(some)) for key, some in groupby(by_work, key=lambda c: (c.space, c.kind, c.action))]


def _apply_group(
    handler: Handler, action: Action, changes: Sequence[Change], limits: Limits
) -> tuple[list[ChangeResult], str]:
    """The results, and why the server went silent ("" where it did not)."""
    errors: dict[str, str] = {}
    try:
        kind = changes[0].kind
        if action is Action.DELETE and kind is Kind.RULE:
            errors |= _guarded(partial(_delete, handler, changes), changes)
        elif action is Action.DELETE:
            errors |= _in_parallel(partial(_delete, handler), changes, limits.parallel)
        elif action is Action.UPDATE and kind is Kind.RULE:
            errors |= _in_parallel(partial(_replace, handler), changes, limits.parallel)
        else:
            for some in batched(changes, limits.batch):
                errors |= _guarded(partial(handler.create, [c.desired for c in some if c.desired]), some)
        return _read_back(handler, changes, errors), ""
    except Unreachable as error:
        silent = str(error)
        return [ChangeResult(change, Outcome.FAILED, errors.get(change.key, silent)) for change in changes], silent


def _delete(handler: Handler, changes: Sequence[Change]) -> dict[str, str]:
    handler.delete([change.existing for change in changes if change.existing])
    return {}


def _replace(handler: Handler, changes: Sequence[Change]) -> dict[str, str]:
    for change in changes:
        if change.desired:
            handler.replace(change.desired, [diff.path for diff in change.diffs])
    return {}


def _guarded(work: Callable[[], dict[str, str]], changes: Sequence[Change]) -> dict[str, str]:
    """Do it; a no, or an answer that never came, is an error of each of the changes, which reading back may clear."""
    try:
        return work()
    except (Refused, Unreachable) as error:
        return {change.key: str(error) for change in changes}


def _in_parallel(
    work: Callable[[Sequence[Change]], dict[str, str]], changes: Sequence[Change], parallel: int
) -> dict[str, str]:
    """Each change by itself, `parallel` at a time: every write waits about a second for the server's next refresh."""

    def one(change: Change) -> dict[str, str]:
        return _guarded(partial(work, [change]), [change])

    with ThreadPoolExecutor(parallel, thread_name_prefix="push") as pool:
        try:
            found = list(pool.map(one, changes))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return {key: error for errors in found for key, error in errors.items()}


def _read_back(handler: Handler, changes: Sequence[Change], errors: Mapping[str, str]) -> list[ChangeResult]:
    """What stands now decides; a server's complaint counts only where the object is not as desired."""
    standing: dict[str, list[LiveObject]] = {}
    for live in handler.by_key([change.key for change in changes]):
        standing.setdefault(live.object.key, []).append(live)
    return [_judge(change, standing.get(change.key, []), errors.get(change.key, "")) for change in changes]


def _judge(change: Change, copies: Sequence[LiveObject], error: str) -> ChangeResult:
    if change.desired is None:
        problem = error or "it still stands" if copies else ""
    elif not copies:
        problem = error or "it is not there after the write"
    elif len(copies) > 1:
        problem = f"there are {len(copies)} of it now: somebody created the same at the same time"
    else:
        problem = _difference(change, copies[0].object, error)
    return ChangeResult(change, Outcome.FAILED if problem else Outcome.APPLIED, problem)


def _difference(change: Change, live: StateObject, error: str) -> str:
    desired = change.desired
    if desired is None:
        return ""
    diffs = rule_diffs(live, desired) if change.kind is Kind.RULE else saved_object_diffs(live, desired)
    if not diffs:
        return ""
    fields = ", ".join(diff.path for diff in diffs)
    return error or f"Kibana took the write, but these fields are not as sent: {fields}"


def not_applied(plan: Plan, reason: str, outcome: Outcome = Outcome.SKIPPED) -> list[ChangeResult]:
    """A result for each change of a plan that was not applied at all."""
    return [ChangeResult(change, outcome, reason) for change in plan.changes]


def planned(plan: Plan) -> list[ChangeResult]:
    """A result for each change of a plan that is only shown."""
    return not_applied(plan, "", Outcome.PLANNED)
