"""Plan and push: compile, read what stands, compare, apply what was shown."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, Refused, UsageError
from entra_deployer.core.git import commit_of, is_older_checkout
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_list, same
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects.state import RULE, Key, State, StateObject
from entra_deployer.plan.apply import Progress, apply, moved
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import Watched, issues_of_plan, watch_sources
from entra_deployer.plan.journal import Lock, Past, Patience, PushEntry, PushState, Types
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan, not_applied, planned
from entra_deployer.plan.planner import Existing, Policy, make_plan
from entra_deployer.plan.remaining import close_finished, supersede
from entra_deployer.plan.report import Report
from entra_deployer.plan.retired import RETIRED
from entra_deployer.plan.survey import Survey, survey_space
from entra_deployer.repository import TOLD_WHERE_WRITTEN, Repository

type Clock = Callable[[], datetime]

OLDER = "DEP316"
OTHER_KEY = "DEP317"
TOLD_NOTES = frozenset({"DEP310", "DEP315", RETIRED})
"""Notes that a plan shows all the same; the others are for `deploy check`."""


@dataclass(frozen=True)
class PushRequest:
    """What the user asked for.

    `overwrite` takes back what was edited in Kibana since the
    last push. `lock` False pushes without the lock; `wait` is asked, while somebody else holds it, whether to go on
    waiting. `note` goes into the ledger beside what was done. With `accept_types` the types that the sources' fields
    have now are the ones to measure by, for all of these rules. With `keep_going` hunts that have errors are left out
    and keep no other one away. `agree` is shown the plan before the first write and says why not, or "". `progress` is
    told how many changes are through, and of how many.
    """

    selection: Selection = ALL
    adopt: bool = False
    prune: bool = False
    lock: bool = True
    wait: Patience = lambda _: False
    note: str = ""
    accept_types: bool = False
    overwrite: bool = False
    keep_going: bool = False
    agree: Callable[[Report], str] = lambda _: ""
    progress: Progress = lambda _done, _total: None

    @property
    def options(self) -> dict[str, Json]:
        """What a plan's file keeps of it, so that the same plan can be made again."""
        further = {"tags": list(self.selection.tags), "changed_since": self.selection.changed_since}
        return {
            "names": list(self.selection.names),
            **{name: value for name, value in further.items() if value},
            "adopt": self.adopt,
            "prune": self.prune,
            "overwrite": self.overwrite,
        }

    def with_options(self, options: Mapping[str, Json]) -> "PushRequest":
        """The same request for what a plan's file says that it was made with."""
        names, tags = (tuple(str(one) for one in as_list(options.get(key))) for key in ("names", "tags"))
        selection = Selection(names, tags, str(options.get("changed_since", "")))
        adopt, prune, overwrite = (bool(options.get(name)) for name in ("adopt", "prune", "overwrite"))
        return replace(self, selection=selection, adopt=adopt, prune=prune, overwrite=overwrite)


def now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


def plan_rules(
    repository: Repository, connection: Connection, request: PushRequest, *, plan: Plan | None = None
) -> Report:
    """What a push would do now, of its own or the given plan. Reads only."""
    push = _Push(repository, connection, request, now)
    plan = plan or push.plan()
    return push.report(plan, not_applied(plan, "") if plan.blockers else planned(plan))


def push_rules(
    repository: Repository,
    connection: Connection,
    request: PushRequest,
    *,
    plan: Plan | None = None,
    clock: Clock = now,
) -> Report:
    """Make a plan, or take the given one, and apply it; or tell what blocks it. No change, no write."""
    push = _Push(repository, connection, request, clock)
    plan = plan or push.plan()
    if plan.blockers:
        return push.report(plan, not_applied(plan, "blocked"))
    if refusal := push.refusal(plan):
        return replace(push.report(plan, not_applied(plan, refusal)), summary=f"Nothing was pushed: {refusal}.")
    results = push.apply(plan)
    push.settle(plan)
    if request.accept_types:
        push.accept_types()
    return push.report(plan, results)


def push_saved_plan(
    repository: Repository, connection: Connection, saved: Plan, request: PushRequest, clock: Clock = now
) -> Report:
    """Apply a plan that was saved, if it is still exactly what a push would do; else nothing, and the reason.

    Every change is derived again from the repository and from what stands, and has to be the same.
    """
    if saved.environment != connection.environment.name:
        raise UsageError(f"this plan is for {saved.environment}, not for {connection.environment.name}")
    push = _Push(repository, connection, request, clock)
    plan = push.plan()
    if plan.blockers:
        return push.report(plan, not_applied(saved, "blocked"))
    if stale := _differences(saved, plan):
        results = [ChangeResult(change, Outcome.SKIPPED, stale[0]) for change in saved.changes]
        summary = f"Nothing was pushed: the plan is not what a push would do now ({'; '.join(stale[:3])}). Plan again."
        return replace(push.report(saved, results), summary=summary)
    if refusal := push.refusal(plan):
        return replace(push.report(plan, not_applied(plan, refusal)), summary=f"Nothing was pushed: {refusal}.")
    results = push.apply(plan)
    push.settle(plan)
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
    """0 all done; 3 some done and some not, or hunts left out; 1 nothing done that should have been."""
    if report.errors:
        return ExitCode.FAILED
    if report.count(Outcome.FAILED) + report.count(Outcome.SKIPPED) == 0:
        return ExitCode.PARTLY if report.left_out else ExitCode.OK
    return ExitCode.PARTLY if report.count(Outcome.APPLIED) else ExitCode.FAILED


class _Push:
    """One run of plan or push."""

    def __init__(self, repository: Repository, connection: Connection, request: PushRequest, clock: Clock) -> None:
        self._repository = repository
        self._connection = connection
        self._request = request
        self._clock = clock
        self._issues: list[Issue] = []
        self._hunts = 0
        self._compiled: list[CompiledRule] = []
        self._surveys: list[Survey] = []
        self._spaces: list[tuple[State, Existing, Policy]] = []
        self._left_out: set[str] = set()
        self._asked: set[str] = set()
        self._begun: dict[tuple[str, Key], StateObject] = {}
        self._journal = connection.journal
        self._sources: dict[str, Callable[[], list[Watched]]] = {}
        self._past = Past()

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
            summary=self._way_out(plan),
            left_out=tuple(sorted(self._left_out)),
        )

    def _way_out(self, plan: Plan) -> str:
        """What a push that is blocked by hunts alone can do without them, "" for any other."""
        if not plan.blockers or not {issue.subject for issue in plan.blockers} <= self._folders():
            return ""
        errors = f"{len(plan.blockers)} error{'s' if len(plan.blockers) != 1 else ''}"
        return f"Blocked by {errors}: nothing was written. `deploy push --keep-going` pushes the other hunts."

    # -- the plan ---------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        past = self._connection.ahead(self._look_back)
        for space in self._connection.environment.spaces:
            self._surveys.append(survey_space(self._repository, self._connection, space, past, self._request.selection))
            rules = [one for one in self._surveys[-1].desired.objects if one.kind == RULE]
            then = past().types.get(space, {})
            self._sources[space] = self._connection.ahead(partial(self._look_at_sources, rules, then))
        self._tell([issue for survey in self._surveys for issue in survey.issues])
        plan = self._planned()
        while self._request.keep_going and (broken := self._broken()):
            self._left_out |= broken
            self._issues = [self._without_blocking(issue) for issue in self._issues]
            plan = self._planned()
        written = {change.key for change in plan.changes if change.kind == RULE and change.desired}
        self._watch_sources(written)
        folders = {rule.folder for rule in self._compiled if rule.rule.key in written}
        self._issues = _of_written(self._issues, folders)
        plan = replace(plan, issues=tuple(_of_written(plan.issues, folders)))
        return plan.with_issues([*self._issues, *self._unusual(plan)])

    def _look_back(self) -> Past:
        """What is known of earlier pushes, once the journals of those that had nothing left to do are closed."""
        past = self._past = self._journal.past()
        if past.interrupted:
            issues, self._begun = close_finished(self._connection, past.interrupted)
            self._tell(issues)
            past = self._past = self._journal.past()  # what was closed has left a base
        return past

    def _planned(self) -> Plan:
        """The plan of all hunts that are not left out, and what Elasticsearch says of the queries to be written."""
        self._spaces = [self._space(survey) for survey in self._surveys]
        plan = make_plan(self._connection.environment.name, self._spaces, self._issues)
        if plan.changes:
            self._me, self._commit  # noqa: B018 - they begin while Elasticsearch is asked about the queries
        self._check_queries({change.key for change in plan.changes if change.kind == RULE and change.desired})
        return plan

    @cached_property
    def _me(self) -> Callable[[], str]:
        """The user that Elasticsearch knows us as: the question begins when this is first looked at."""
        return self._connection.ahead(self._connection.elastic.whoami)

    @cached_property
    def _commit(self) -> Callable[[], str]:
        """The commit that is checked out: git begins to look when this is first looked at."""
        return self._connection.ahead(partial(commit_of, self._repository.root))

    def _folders(self) -> set[str]:
        """All hunts that were looked at, those that cannot be read among them."""
        read = {source.folder for survey in self._surveys for source in survey.compilation.sources}
        return read | {folder for survey in self._surveys for folder in survey.policy.unread}

    def _broken(self) -> set[str]:
        """Hunts with an error that were not left out yet."""
        faulty = {issue.subject for issue in self._issues if issue.level is Level.ERROR}
        return (faulty & self._folders()) - self._left_out

    def _without_blocking(self, issue: Issue) -> Issue:
        if issue.level is Level.ERROR and issue.subject in self._left_out:
            return replace(issue, level=Level.WARNING, message=f"left out: {issue.message}")
        return issue

    def _unusual(self, plan: Plan) -> Iterator[Issue]:
        """What a person wants to know before it happens: an older checkout, other people's API keys."""
        environment = self._connection.environment.name
        last = next(iter(self._past.entries), None) if plan.changes else None
        if last is None:
            return
        if is_older_checkout(self._repository.root, last.commit):
            message = f"this checkout is older than the commit that {last.by} pushed there at {last.at[:19]}"
            hint = f"{last.commit[:12]} was pushed last: take it, or push on if going back is meant"
            yield Issue(OLDER, Level.WARNING, message, environment, hint=hint)
        updates = any(change.kind == RULE and change.action is Action.UPDATE for change in plan.changes)
        if updates and last.by != (me := self._me()):
            message = f"the rules that are written run as {me} from now on; {last.by} pushed last"
            hint = "they stop when that API key or user is gone, or lacks a privilege"
            yield Issue(OTHER_KEY, Level.WARNING, message, environment, hint=hint)

    def _space(self, found: Survey) -> tuple[State, Existing, Policy]:
        self._hunts = len(found.compilation.sources)
        self._compiled += found.compilation.rules
        request = self._request
        left_out = found.keys_of(self._left_out)
        policy = replace(
            found.policy,
            adopt=request.adopt,
            prune=request.prune,
            overwrite=request.overwrite,
            whole=request.selection.is_all,
            begun={at: one for (space, at), one in self._begun.items() if space == found.desired.space},
            withheld={**found.policy.withheld, **dict.fromkeys(left_out, "left out")},
        )
        gone = {at for one in found.retired if one.is_over for at in one.keys} if request.prune else set()
        wanted = [one for one in found.desired.objects if one.key not in left_out and one.at not in gone]
        desired = replace(found.desired, objects=tuple(wanted))
        return desired, found.existing, policy

    def _check_queries(self, written: Set[str]) -> None:
        """Ask Elasticsearch about each query that would be written, once."""
        rules = {rule.rule.key: rule for rule in self._compiled if rule.rule.key in written - self._asked}
        self._asked |= rules.keys()
        if rules:
            # where nothing is to be written, nothing that reads queries is loaded
            from entra_deployer.plan.preflight import check_queries  # noqa: PLC0415

            elastic, environment = self._connection.elastic, self._connection.environment
            asked, embedded, parallel = list(rules.values()), environment.embedded, environment.limits.parallel
            without = self._judge_unseen if embedded else None
            self._tell(check_queries(elastic, asked, embedded=embedded, parallel=parallel, without_source=without))

    def _judge_unseen(self, rules: Sequence[CompiledRule]) -> Sequence[Issue]:
        from entra_deployer.plan.engine import judge_unseen  # noqa: PLC0415 - it loads all checks

        elastic = self._connection.elastic
        return judge_unseen(elastic, elastic.version(), rules)

    def _watch_sources(self, written: Set[str]) -> None:
        """Look whether the sources have the fields that the rules need, as they had them at the last push."""
        for desired, _, _ in self._spaces:
            issues = issues_of_plan(self._watched(desired), written, self._connection.environment.name)
            taken = "taken as it is: drift and verify measure by that from now on"
            self._tell([replace(one, hint=taken) for one in issues] if self._request.accept_types else issues)

    def _watched(self, desired: State) -> list[Watched]:
        """What the sources of a space's rules are like, but for those of hunts that are left out."""
        keys = {one.key for one in desired.objects}
        return [one for one in self._sources[desired.space]() if one.rule.key in keys]

    def _look_at_sources(self, rules: Iterable[StateObject], then: Mapping[str, Types]) -> list[Watched]:
        return watch_sources(self._connection.elastic, self._connection.version, rules, then)

    def _tell(self, issues: Sequence[Issue]) -> None:
        """Add issues, each once: several spaces compile the same hunts."""
        self._issues = list(dict.fromkeys((*self._issues, *issues)))

    def refusal(self, plan: Plan) -> str:
        """Why the user does not want it, "" where he does; a stack of one's own is not worth a question."""
        if not plan.changes or self._connection.environment.embedded:
            return ""
        return self._request.agree(self.report(plan, planned(plan)))

    # -- the writes -------------------------------------------------------------------------------------------------

    def apply(self, plan: Plan) -> list[ChangeResult]:
        """Write what is planned. Where nothing is, this push takes the place of those that were cut off as well."""
        if not plan.changes:
            self._supersede_alone(plan)
            return []
        connection = self._connection
        with connection.lock(self._request.wait, wanted=self._request.lock) as lock:
            handlers, limits = connection.handlers(), connection.environment.limits
            older = connection.ahead(self._journal.interrupted)
            if changed := moved(plan, handlers, limits.parallel):
                return [_not_moved(change, changed) for change in plan.changes]
            entry, interrupted = self._entry(plan, lock), older()
            lock.confirm()
            self._journal.begin(entry)
            results = apply(plan, handlers, limits, lock, self._request.progress)
            lock.confirm()  # the one who took a lost lock has a newer base: ours must not go over it
            done = replace(entry, state=PushState.FINISHED, results=tuple(results))
            self._journal.finish(done, self._types(results))
            supersede(self._journal, interrupted, plan, handlers)
        return results

    def _supersede_alone(self, plan: Plan) -> None:
        """Everything stands as desired: what a push that was cut off had left to do is not wanted any more."""
        if not self._past.interrupted or not self._request.selection.is_all:
            return
        connection = self._connection
        try:
            with connection.lock(self._request.wait, wanted=self._request.lock):
                supersede(self._journal, self._journal.interrupted(), plan, connection.handlers())
        except Refused:
            return  # by somebody who pushes now, or a key that may only read: the next push does it

    def settle(self, plan: Plan) -> None:
        """Take into the base what stands as desired without our doing: the next drift starts from there."""
        for desired, _, _ in self._spaces:
            if found := [one for space, one in plan.settled if space == desired.space]:
                self._journal.remember_objects(desired.space, found)

    def accept_types(self) -> None:
        """Keep the types that the fields of all rules have now, be it none."""
        for desired, _, _ in self._spaces:
            types = {one.rule.key: one.types for one in self._watched(desired) if one.types != one.then}
            if types:
                self._journal.remember_types(desired.space, types)

    def _types(self, results: Sequence[ChangeResult]) -> dict[str, dict[str, Types]]:
        """By space and rule_id, which types the fields of the rules that were written have: a later one is a drift."""
        written = [result.change for result in results if result.outcome is Outcome.APPLIED]
        found: dict[str, dict[str, Types]] = {}
        for space in sorted({change.space for change in written}):
            mine = [change.desired for change in written if change.space == space and change.kind == RULE]
            then = self._past.types.get(space, {})
            now_ = {one.rule.key: one.types for one in self._seen(space, [one for one in mine if one]) if one.types}
            found[space] = {key: types for key, types in now_.items() if then.get(key) != types}
        return found

    def _seen(self, space: str, rules: Sequence[StateObject]) -> list[Watched]:
        """What the sources of some rules are like: as planning saw them, where that was about the same query."""
        planned_ = self._sources[space]() if space in self._sources else ()
        known = {one.rule.key: one for one in planned_}
        seen = [known[rule.key] for rule in rules if rule.key in known and _reads_as(known[rule.key].rule, rule)]
        named = {one.rule.key for one in seen}
        return [*seen, *self._look_at_sources([rule for rule in rules if rule.key not in named], {})]

    def _entry(self, plan: Plan, lock: Lock) -> PushEntry:
        return PushEntry(
            push_id=uuid.uuid4().hex,
            environment=plan.environment,
            at=self._clock().isoformat(timespec="milliseconds"),
            by=self._me(),
            commit=self._commit(),
            state=PushState.STARTED,
            results=tuple(planned(plan)),
            note=self._request.note,
            spaces=tuple(sorted(self._connection.environment.spaces)),
            lock=lock.owner,
        )


def _reads_as(one: StateObject, other: StateObject) -> bool:
    """Whether two rules read the same fields from the same sources."""
    return all(same(one.payload.get(name), other.payload.get(name)) for name in ("query", "required_fields"))


def _not_moved(change: Change, changed: Sequence[tuple[Change, str]]) -> ChangeResult:
    others = ", ".join(sorted({one.name for one, _ in changed}))
    reason = (
        next((why for one, why in changed if one == change), "")
        or f"not written, because something has changed: {others}"
    )
    return ChangeResult(change, Outcome.SKIPPED, f"{reason}; push again")


def _of_written(issues: Iterable[Issue], folders: Set[str]) -> list[Issue]:
    """The issues; of the codes of TOLD_WHERE_WRITTEN only those about hunts in `folders`, whose rules are written."""
    return [issue for issue in issues if issue.code not in TOLD_WHERE_WRITTEN or issue.subject in folders]
