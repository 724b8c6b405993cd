"""Plan and push: compile, read what stands, compare, apply what was shown."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, Refused, UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.hunts.folder import Catalog
from entra_deployer.objects.state import RULE, State
from entra_deployer.plan.apply import apply, moved
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import Watched, issues_of_plan, watch_sources
from entra_deployer.plan.journal import Lock, Patience, PushEntry, PushState
from entra_deployer.plan.plan import Change, ChangeResult, Outcome, Plan, not_applied, planned
from entra_deployer.plan.planner import Existing, Policy, make_plan, settled
from entra_deployer.plan.preflight import check_queries
from entra_deployer.plan.remaining import still_to_do
from entra_deployer.plan.report import Report
from entra_deployer.plan.survey import survey_space
from entra_deployer.repository import read_catalog

type Clock = Callable[[], datetime]

TOLD_NOTES = frozenset({"DEP310", "DEP315"})
"""Notes that a plan shows all the same; the others are for `deploy check`."""


@dataclass(frozen=True)
class PushRequest:
    """What the user asked for.

    `names` are hunt folders or rule names; () means all. `overwrite` takes back what was edited in Kibana since the
    last push. `lock` False pushes without the lock; `wait` is asked, while somebody else holds it, whether to go on
    waiting. `note` goes into the ledger beside what was done. With `accept_types` the types that the sources' fields
    have now are the ones to measure by, for all of these rules.
    """

    names: tuple[str, ...] = ()
    adopt: bool = False
    prune: bool = False
    lock: bool = True
    wait: Patience = lambda _: False
    note: str = ""
    accept_types: bool = False
    overwrite: bool = False

    @property
    def options(self) -> dict[str, Json]:
        """What a plan's file keeps of it, so that the same plan can be made again."""
        return {"names": list(self.names), "adopt": self.adopt, "prune": self.prune, "overwrite": self.overwrite}

    def with_options(self, options: Mapping[str, Json]) -> "PushRequest":
        """The same request for what a plan's file says that it was made with."""
        names = tuple(str(name) for name in options.get("names", ()))
        adopt, prune, overwrite = (bool(options.get(name)) for name in ("adopt", "prune", "overwrite"))
        return replace(self, names=names, adopt=adopt, prune=prune, overwrite=overwrite)


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def plan_rules(root: Path, connection: Connection, request: PushRequest, *, plan: Plan | None = None) -> Report:
    """What a push would do now, of its own or the given plan. Reads only."""
    push = _Push(root, connection, request, now)
    plan = plan or push.plan()
    return push.report(plan, not_applied(plan, "") if plan.blockers else planned(plan))


def push_rules(
    root: Path, connection: Connection, request: PushRequest, *, plan: Plan | None = None, clock: Clock = now
) -> Report:
    """Make a plan, or take the given one, and apply it; or tell what blocks it. No change, no write."""
    push = _Push(root, connection, request, clock)
    plan = plan or push.plan()
    if plan.blockers:
        return push.report(plan, not_applied(plan, "blocked"))
    results = push.apply(plan) if plan.changes else []
    push.settle()
    if request.accept_types:
        push.accept_types()
    return push.report(plan, results)


def push_saved_plan(
    root: Path, connection: Connection, saved: Plan, request: PushRequest, clock: Clock = now
) -> Report:
    """Apply a plan that was saved, if it is still exactly what a push would do; else nothing, and the reason.

    Every change is derived again from the repository and from what stands, and has to be the same.
    """
    if saved.environment != connection.environment.name:
        raise UsageError(f"this plan is for {saved.environment}, not for {connection.environment.name}")
    push = _Push(root, connection, request, clock)
    plan = push.plan()
    if plan.blockers:
        return push.report(plan, not_applied(saved, "blocked"))
    if stale := _differences(saved, plan):
        results = [ChangeResult(change, Outcome.SKIPPED, stale[0]) for change in saved.changes]
        summary = f"Nothing was pushed: the plan is not what a push would do now ({'; '.join(stale[:3])}). Plan again."
        return replace(push.report(saved, results), summary=summary)
    results = push.apply(plan) if plan.changes else []
    push.settle()
    return push.report(plan, results)


def _differences(saved: Plan, plan: Plan) -> list[str]:
    """In which changes a saved plan is another than the one that is made now."""
    was, now_ = ({_named(change): _essence(change) for change in one.changes} for one in (saved, plan))
    found: list[str] = []
    for named in sorted(was.keys() | now_.keys()):
        name = f"{named[1]} {named[3] or named[2]}"
        if named not in now_:
            found.append(f"{name}: there is nothing to do any more, or never was")
        elif named not in was:
            found.append(f"{name}: it is not in the plan")
        elif was[named] != now_[named]:
            found.append(f"{name}: it has changed since, in Kibana or in the repository")
    return found


def _named(change: Change) -> tuple[str, str, str, str]:
    return (change.space, change.kind, change.key, change.name)


def _essence(change: Change) -> object:
    """What a change does, and to what: not when the server's object was last touched."""
    standing = change.existing
    what = (standing.object_id, standing.object) if standing else None
    return (change.action, change.desired, what, change.diffs, change.kept, change.doubled)


def plan_code(report: Report, *, detailed: bool) -> ExitCode:
    """0 with or without changes; 1 where something blocks; 2 for changes, where `detailed` is asked for."""
    if report.errors:
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if detailed and report.results else ExitCode.OK


def push_code(report: Report) -> ExitCode:
    """0 all done; 3 some done and some not; 1 nothing done that should have been."""
    if report.errors:
        return ExitCode.FAILED
    if report.count(Outcome.FAILED) + report.count(Outcome.SKIPPED) == 0:
        return ExitCode.OK
    return ExitCode.PARTLY if report.count(Outcome.APPLIED) else ExitCode.FAILED


class _Push:
    """One run of plan or push."""

    def __init__(self, root: Path, connection: Connection, request: PushRequest, clock: Clock) -> None:
        self._root = root
        self._connection = connection
        self._request = request
        self._clock = clock
        self._issues: list[Issue] = []
        self._hunts = 0
        self._compiled: list[CompiledRule] = []
        self._spaces: list[tuple[State, Existing, Policy]] = []
        self._journal = connection.journal

    def report(self, plan: Plan, results: Sequence[ChangeResult]) -> Report:
        connection = self._connection
        issues = sorted({*plan.issues, *self._issues, *self._journal.issues}, key=lambda issue: issue.order)
        return Report(
            environment=connection.environment.name,
            stack=connection.stack,
            hunts=self._hunts,
            plan=plan,
            results=tuple(results),
            issues=tuple(issue for issue in issues if issue.level is not Level.NOTE or issue.code in TOLD_NOTES),
        )

    # -- the plan ---------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        self._close_what_is_done()
        catalog = read_catalog(self._root, self._request.names)
        spaces = [self._space(catalog, space) for space in self._connection.environment.spaces]
        plan = make_plan(self._connection.environment.name, spaces, self._issues)
        written = {change.key for change in plan.changes if change.kind == RULE and change.desired}
        self._check_queries(written)
        self._watch_sources(written)
        return plan.with_issues(self._issues)

    def _close_what_is_done(self) -> None:
        """Close the journal of a push that died after its last write; tell of those that died before it."""
        handlers = None
        for entry in self._journal.interrupted():
            handlers = handlers or self._connection.handlers()
            whole = self._journal.with_changes(entry)
            if any(still_to_do(result.change, handlers) for result in whole.results):
                self._tell([_interrupted(entry)])
                continue
            done = tuple(ChangeResult(result.change, Outcome.APPLIED) for result in whole.results)
            try:
                self._journal.finish(replace(whole, state=PushState.RECOVERED, results=done))
            except Refused:
                self._tell([_interrupted(entry)])  # a key that plans alone may only read

    def _space(self, catalog: Catalog, space: str) -> tuple[State, Existing, Policy]:
        found = survey_space(catalog, self._connection, space, self._journal.base(space))
        self._hunts = len(found.compilation.sources)
        self._compiled += found.compilation.rules
        self._tell(found.issues)
        request = self._request
        policy = replace(
            found.policy,
            adopt=request.adopt,
            prune=request.prune,
            overwrite=request.overwrite,
            whole=not request.names,
        )
        self._spaces.append((found.desired, found.existing, policy))
        return self._spaces[-1]

    def _check_queries(self, written: Set[str]) -> None:
        """Ask Elasticsearch about each query that would be written, once."""
        rules = {rule.rule.key: rule for rule in self._compiled if rule.rule.key in written}
        if rules:
            elastic, embedded = self._connection.elastic, self._connection.environment.embedded
            asked = list(rules.values())
            self._tell(check_queries(elastic, asked, version=elastic.version(), embedded=embedded))

    def _watch_sources(self, written: Set[str]) -> None:
        """Look whether the sources have the fields that the rules need, as they had them at the last push."""
        for desired, _, _ in self._spaces:
            issues = issues_of_plan(self._watched(desired), written, self._connection.environment.name)
            taken = "taken as it is: drift and verify measure by that from now on"
            self._tell([replace(one, hint=taken) for one in issues] if self._request.accept_types else issues)

    def _watched(self, desired: State) -> list[Watched]:
        rules = [one for one in desired.objects if one.kind == RULE]
        then = self._journal.types(desired.space)
        return watch_sources(self._connection.elastic, self._connection.version, rules, then)

    def _tell(self, issues: Sequence[Issue]) -> None:
        """Add issues, each once: several spaces compile the same hunts."""
        self._issues += (issue for issue in issues if issue not in self._issues)

    # -- the writes -------------------------------------------------------------------------------------------------

    def apply(self, plan: Plan) -> list[ChangeResult]:
        connection = self._connection
        with connection.lock(self._request.wait, wanted=self._request.lock) as lock:
            handlers = connection.handlers()
            if changed := moved(plan, handlers):
                return [_not_moved(change, changed) for change in plan.changes]
            entry = self._entry(plan, lock)
            lock.confirm()
            self._journal.begin(entry)
            results = apply(plan, handlers, connection.environment.limits, lock)
            lock.confirm()  # the one who took a lost lock has a newer base: ours must not go over it
            self._journal.finish(replace(entry, state=PushState.FINISHED, results=tuple(results)))
            self._remember_types(results)
            for older in self._journal.interrupted():
                self._journal.mark(older, PushState.SUPERSEDED)
        return results

    def settle(self) -> None:
        """Take into the base what stands as desired without our doing: the next drift starts from there."""
        for desired, existing, policy in self._spaces:
            if found := settled(desired, existing, policy):
                self._journal.remember_objects(desired.space, found)

    def accept_types(self) -> None:
        """Keep the types that the fields of all rules have now, be it none."""
        for desired, _, _ in self._spaces:
            types = {one.rule.key: one.types for one in self._watched(desired) if one.types != one.then}
            if types:
                self._journal.remember_types(desired.space, types)

    def _remember_types(self, results: Sequence[ChangeResult]) -> None:
        """Keep which types the fields of the rules that were written have now: a later one is a drift."""
        applied = [result.change for result in results if result.outcome is Outcome.APPLIED]
        for space in sorted({change.space for change in applied}):
            mine = [change for change in applied if change.space == space and change.kind == RULE]
            rules = [change.desired for change in mine if change.desired]
            watched = watch_sources(self._connection.elastic, self._connection.version, rules, {})
            if types := {one.rule.key: one.types for one in watched if one.types}:
                self._journal.remember_types(space, types)

    def _entry(self, plan: Plan, lock: Lock) -> PushEntry:
        return PushEntry(
            push_id=uuid.uuid4().hex,
            environment=plan.environment,
            at=self._clock().isoformat(timespec="milliseconds"),
            by=self._connection.elastic.whoami(),
            commit=commit_of(self._root),
            state=PushState.STARTED,
            results=tuple(planned(plan)),
            note=self._request.note,
            spaces=tuple(sorted(self._connection.environment.spaces)),
            lock=lock.owner,
        )


def _not_moved(change: Change, changed: Sequence[tuple[Change, str]]) -> ChangeResult:
    others = ", ".join(sorted({one.name for one, _ in changed}))
    reason = (
        next((why for one, why in changed if one == change), "")
        or f"not written, because something has changed: {others}"
    )
    return ChangeResult(change, Outcome.SKIPPED, f"{reason}; push again")


def _interrupted(entry: PushEntry) -> Issue:
    message = f"the push of {entry.at[:19]} by {entry.by} was interrupted"
    hint = "`deploy recover` finishes or undoes it; a push replaces it"
    return Issue("DEP321", Level.WARNING, message, entry.environment, hint=hint)


def commit_of(root: Path) -> str:
    """The commit that the repository stands at, with a + where files differ from it; "" where there is no git."""
    git = shutil.which("git")
    if not git:
        return ""

    def answer(*arguments: str) -> str:
        done = subprocess.run([git, *arguments], cwd=root, capture_output=True, text=True, timeout=10, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    commit = answer("rev-parse", "HEAD")
    return f"{commit}+" if commit and answer("status", "--porcelain", "--", ".") else commit
