"""Applying a plan: every write, what became of it, and a reading back that decides, because answers do not tell all.

Nothing is written but fields that differ and are ours. Each object that stands is looked at by its id just before its
write: where somebody changed what the plan is about, it is left alone and told. It is looked at again just after.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import batched, groupby

from entra_deployer.core.errors import LockLost, Refused, Unreachable
from entra_deployer.objects import KINDS
from entra_deployer.objects.kind import Handler
from entra_deployer.objects.state import FieldDiff, LiveObject, StateObject
from entra_deployer.plan.journal import Lock
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan
from entra_deployer.plan.planner import order_of_work
from entra_deployer.stack.environment import Limits

type Handlers = Mapping[tuple[str, str], Handler]
"""The handlers of an environment, by space and kind."""

type Progress = Callable[[int, int], None]
"""Told how many changes are through, and of how many."""


def moved(plan: Plan, handlers: Handlers, parallel: int = 1) -> list[tuple[Change, str]]:
    """The changes whose object is no longer what the plan says of it, with what became of it.

    So many kinds of objects are looked at at a time.
    """

    def look(group: _Group) -> list[tuple[Change, str]]:
        (space, kind, _), changes = group
        standing = _by_key(handlers[space, kind].by_key({change.key for change in changes}))
        reasons = ((change, _moved(change, standing.get(change.key, []))) for change in changes)
        return [(change, reason) for change, reason in reasons if reason]

    with ThreadPoolExecutor(parallel, thread_name_prefix="push") as pool:
        return [one for found in pool.map(look, _groups(plan.changes)) for one in found]


def _by_key(found: Iterable[LiveObject]) -> dict[str, list[LiveObject]]:
    standing: dict[str, list[LiveObject]] = {}
    for live in found:
        standing.setdefault(live.object.key, []).append(live)
    return standing


def _moved(change: Change, standing: Sequence[LiveObject]) -> str:
    """What became of the object of a change since it was planned, "" where it is as it was."""
    if change.existing is None:
        return f"{_who(standing[0])} made it meanwhile" if standing else ""
    mine = next((live for live in standing if live.object_id == change.existing.object_id), None)
    if mine is None:
        return "" if change.action is Action.DELETE else "it was deleted in Kibana meanwhile"
    fields = _edited(change, mine)
    return f"{_who(mine)} changed {', '.join(fields)} meanwhile" if fields else ""


def _who(live: LiveObject) -> str:
    return live.updated_by or "somebody"


def _edited(change: Change, live: LiveObject) -> list[str]:
    """The fields that a change is about and that hold neither what it found nor what it wants."""
    kind = KINDS[change.kind]
    if change.existing is None:
        return []
    if change.desired is None:
        return [diff.path for diff in kind.difference(change.existing.object, live.object)]
    now = kind.fields(live.object.payload)
    return [
        diff.path
        for diff in change.diffs
        if not kind.same(diff.path, now.get(diff.path), diff.existing)
        and not kind.same(diff.path, now.get(diff.path), diff.desired)
    ]


def apply(
    plan: Plan, handlers: Handlers, limits: Limits, lock: Lock, progress: Progress = lambda _done, _total: None
) -> list[ChangeResult]:
    """Apply every change, in the plan's order; one result for each, in that order.

    A refused object does not stop the others; a server that no longer answers, or a lock that is lost, stops all that
    is left: nothing is written without a lock that was confirmed just before.
    """
    results: list[ChangeResult] = []
    stopped, through = "", _Counter(progress, len(plan.changes))
    for together in _side_by_side(_groups(plan.changes), limits):
        if stopped:
            results += (ChangeResult(change, Outcome.SKIPPED, stopped) for _, changes in together for change in changes)
            continue
        writers = [_Writer(handlers[space, kind], limits, lock, through.add) for (space, kind, _), _ in together]
        results += _write(writers, together)
        stopped = next((writer.stopped for writer in writers if writer.stopped), "")
    return results


type _Group = tuple[tuple[str, str, Action], list[Change]]
"""Changes of one space, kind and action."""


def _side_by_side(groups: Sequence[_Group], limits: Limits) -> list[list[_Group]]:
    """The groups that are written at the same time: all of a space but deletions, which come last.

    Kibana looks for no object that a new or changed one refers to, and every write waits for refreshes of its own.
    """
    found: list[list[_Group]] = []
    for group in groups:
        space, _, action = group[0]
        before = found[-1][-1][0] if found else ("", "", Action.DELETE)
        if limits.parallel > 1 and before[0] == space and Action.DELETE not in (action, before[2]):
            found[-1].append(group)
        else:
            found.append([group])
    return found


def _write(writers: Sequence["_Writer"], groups: Sequence[_Group]) -> list[ChangeResult]:
    """The results of all groups, in their order."""
    if len(groups) == 1:
        (_, _, action), changes = groups[0]
        return writers[0].write(action, changes)
    with ThreadPoolExecutor(len(groups), thread_name_prefix="push") as pool:
        written = pool.map(lambda writer, group: writer.write(group[0][2], group[1]), writers, groups)
        return [result for some in written for result in some]


class _Counter:
    """Counts for several threads, and tells it."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done, self._lock = progress, total, 0, threading.Lock()

    def add(self, number: int) -> None:
        """So many more are through."""
        with self._lock:
            self._done += number
            self._progress(self._done, self._total)


def _groups(changes: Iterable[Change]) -> list[_Group]:
    """Consecutive changes of one space, kind and action: what one handler can take at a time."""
    by_work = sorted(changes, key=lambda c: (order_of_work(c)[:3], c.action.value, order_of_work(c)[3:]))
    return [(key, list(some)) for key, some in groupby(by_work, key=lambda c: (c.space, c.kind, c.action))]


class _Writer:
    """Writes one group of changes and reads back what became of it; `stopped` is why all further work has to stop."""

    def __init__(self, handler: Handler, limits: Limits, lock: Lock, through: Callable[[int], None]) -> None:
        self._handler = handler
        self._limits = limits
        self._lock = lock
        self._through = through
        self.stopped = ""

    def write(self, action: Action, changes: Sequence[Change]) -> list[ChangeResult]:
        """One result for each change, in their order."""
        if action is Action.CREATE:
            return self._create(changes)
        if action is Action.UPDATE:
            return self._in_parallel(self._update, changes, through=1)
        return self._delete(changes)

    def _create(self, changes: Sequence[Change]) -> list[ChangeResult]:
        errors: dict[str, str] = {}
        for some in batched(changes, self._limits.batch):
            if not self.stopped:
                errors |= self._guarded(partial(self._import, some), some)
            self._through(len(some))
        try:
            standing = _by_key(self._handler.by_key([change.key for change in changes]))
        except Unreachable as error:
            self.stopped = str(error)
            return [ChangeResult(c, Outcome.FAILED, errors.get(c.key, self.stopped)) for c in changes]
        return [
            _created(change, standing.get(change.key, []), errors.get(change.key, self.stopped)) for change in changes
        ]

    def _import(self, changes: Sequence[Change]) -> dict[str, str]:
        self._lock.confirm()
        return self._handler.create([change.desired for change in changes if change.desired])

    def _update(self, change: Change) -> str:
        """Write the fields that differ; what is wrong afterwards."""
        if change.existing is None or change.desired is None:
            return "it was not there"
        before = self._handler.read(change.existing.object_id)
        if before is None:
            return "it was deleted in Kibana meanwhile"
        if fields := _edited(change, before):
            return _left_alone(before, fields)
        still = [diff.path for diff in change.diffs if not _holds(before.object, diff)]
        if not still:
            return ""
        self._lock.confirm()
        error = self._guarded(partial(self._send, before, change.desired, still), [change]).get(change.key, "")
        after = self._handler.read(before.object_id)
        if after is None:
            return error or "it was deleted in Kibana meanwhile"
        missing = [diff.path for diff in change.diffs if not _holds(after.object, diff)]
        taken = f"Kibana took the write, but these fields are not as sent: {', '.join(missing)}"
        return (error or taken) if missing else ""

    def _send(self, before: LiveObject, desired: StateObject, paths: Sequence[str]) -> dict[str, str]:
        self._handler.update(before, desired, paths)
        return {}

    def _delete(self, changes: Sequence[Change]) -> list[ChangeResult]:
        """Delete what is still as it was found, as many at once as the kind can, and look whether it is gone."""
        seen: dict[str, LiveObject] = {}

        def look(change: Change) -> str:
            before = self._handler.read(_id(change))
            if before and (fields := _edited(change, before)):
                return _left_alone(before, fields)
            if before:
                seen[before.object_id] = before
            return ""

        def remove(some: Sequence[Change]) -> dict[str, str]:
            self._lock.confirm()
            self._handler.delete([seen[_id(change)] for change in some])
            return {}

        looked = {_id(result.change): result for result in self._in_parallel(look, changes)}
        if gone_before := len(changes) - len(seen):
            self._through(gone_before)
        doomed = [change for change in changes if _id(change) in seen]
        errors: dict[str, str] = {}
        parts = list(batched(doomed, self._handler.deletes_at_once))
        for found in self._each(lambda some: self._guarded(partial(remove, some), some), parts):
            errors |= found
        gone = self._in_parallel(lambda change: self._still_there(change, errors), doomed, through=1)
        return [{**looked, **{_id(one.change): one for one in gone}}[_id(change)] for change in changes]

    def _still_there(self, change: Change, errors: Mapping[str, str]) -> str:
        return (errors.get(change.key) or "it still stands") if self._handler.read(_id(change)) else ""

    # -- several at a time, and what stops them all -------------------------------------------------------------------

    def _in_parallel(
        self, work: Callable[[Change], str], changes: Sequence[Change], through: int = 0
    ) -> list[ChangeResult]:
        """A result for each change, by what `work` says is wrong with it. `through`: so much is each worth then."""

        def one(change: Change) -> ChangeResult:
            if self.stopped:
                return ChangeResult(change, Outcome.SKIPPED, self.stopped)
            try:
                problem = work(change)
            except Refused as error:
                problem = str(error)
            except (Unreachable, LockLost) as error:
                self.stopped = problem = str(error)
            if through:
                self._through(through)
            return ChangeResult(change, Outcome.FAILED if problem else Outcome.APPLIED, problem)

        return self._each(one, changes)

    def _each[T, R](self, work: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """Some at a time: every write waits about a second for the server's next refresh."""
        with ThreadPoolExecutor(self._limits.parallel, thread_name_prefix="push") as pool:
            try:
                return list(pool.map(work, items))
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _guarded(self, work: Callable[[], dict[str, str]], changes: Sequence[Change]) -> dict[str, str]:
        """Do it; a no, or an answer that never came, is an error of each change, which reading back may clear."""
        try:
            return work()
        except LockLost as error:
            self.stopped = str(error)
            return {change.key: str(error) for change in changes}
        except (Refused, Unreachable) as error:
            return {change.key: str(error) for change in changes}


def _id(change: Change) -> str:
    return change.existing.object_id if change.existing else ""


def _left_alone(live: LiveObject, fields: Sequence[str]) -> str:
    return f"left alone: {_who(live)} changed {', '.join(fields)} while the push ran; push again"


def _holds(live: StateObject, diff: FieldDiff) -> bool:
    """Whether a field is as a change wants it."""
    kind = KINDS[live.kind]
    return kind.same(diff.path, kind.fields(live.payload).get(diff.path), diff.desired)


def _created(change: Change, copies: Sequence[LiveObject], error: str) -> ChangeResult:
    if not copies:
        problem = error or "it is not there after the write"
    elif len(copies) > 1:
        problem = (
            f"there are {len(copies)} of it now: somebody made the same at the same time; the next push settles it"
        )
    else:
        problem = _difference(change, copies[0].object, error)
    return ChangeResult(change, Outcome.FAILED if problem else Outcome.APPLIED, problem)


def _difference(change: Change, live: StateObject, error: str) -> str:
    if change.desired is None:
        return ""
    diffs = KINDS[change.kind].difference(live, change.desired)
    if not diffs:
        return ""
    fields = ", ".join(diff.path for diff in diffs)
    return error or f"Kibana took the write, but these fields are not as sent: {fields}"
