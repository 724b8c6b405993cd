"""Plan and push: compile, read what stands, compare, apply what was shown."""

import shutil
import subprocess
import uuid
from collections.abc import Callable, Sequence, Set
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import ExitCode, UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.folder import Catalog
from entra_deployer.ledger.journal import EitherJournal
from entra_deployer.ledger.ledger import Lease, PushEntry, PushState
from entra_deployer.ledger.lock import lease
from entra_deployer.objects.state import Kind, State
from entra_deployer.plan.apply import apply, moved, not_applied, planned
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import Watched, issues_of_plan
from entra_deployer.plan.plan import ChangeResult, Outcome, Plan
from entra_deployer.plan.planner import Existing, Policy, make_plan, settled, with_issues
from entra_deployer.plan.preflight import check_queries
from entra_deployer.plan.report import Report
from entra_deployer.plan.source_fields import watch_sources
from entra_deployer.plan.survey import survey_space
from entra_deployer.repository import read_catalog

type Clock = Callable[[], datetime]

TOLD_NOTES = frozenset({"DEP310"})
"""Notes that a plan shows all the same; the others are for `deploy check`."""


@dataclass(frozen=True)
class PushRequest:
    """What the user asked for.

    `names` are hunt folders or rule names; () means all. `lock` False pushes without the lease; `wait` is asked, while
    somebody else holds it, whether to go on waiting. `note` goes into the ledger beside what was done. With
    `accept_types` the types that the sources' fields have now are the ones to measure by, for all of these rules.
    """

    names: tuple[str, ...] = ()
    adopt: bool = False
    prune: bool = False
    lock: bool = True
    wait: Callable[[Lease], bool] = lambda _: False
    note: str = ""
    accept_types: bool = False


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
    if plan and plan.environment != connection.environment.name:
        raise UsageError(f"this plan is for {plan.environment}, not for {connection.environment.name}")
    plan = plan or push.plan()
    if plan.blockers:
        return push.report(plan, not_applied(plan, "blocked"))
    results = push.apply(plan) if plan.changes else []
    push.settle()
    if request.accept_types:
        push.accept_types()
    return push.report(plan, results)


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
        environment = connection.environment.name
        self._journal = EitherJournal(connection.ledger(), root, environment, self._warn)

    def report(self, plan: Plan, results: Sequence[ChangeResult]) -> Report:
        connection = self._connection
        issues = sorted({*plan.issues, *self._issues}, key=lambda issue: issue.order)
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
        for _, entry in self._journal.interrupted():
            self._tell([_interrupted(entry)])
        catalog = read_catalog(self._root, self._request.names)
        spaces = [self._space(catalog, space) for space in self._connection.environment.spaces]
        plan = make_plan(self._connection.environment.name, spaces, self._issues)
        written = {change.key for change in plan.changes if change.kind is Kind.RULE and change.desired}
        self._check_queries(written)
        self._watch_sources(written)
        return with_issues(plan, self._issues)

    def _space(self, catalog: Catalog, space: str) -> tuple[State, Existing, Policy]:
        found = survey_space(catalog, self._connection, space, self._journal.base(space))
        self._hunts = len(found.compilation.sources)
        self._compiled += found.compilation.rules
        self._tell(found.issues)
        request = self._request
        policy = replace(found.policy, adopt=request.adopt, prune=request.prune, whole=not request.names)
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
        rules = [one for one in desired.objects if one.kind is Kind.RULE]
        then = self._journal.types(desired.space)
        return watch_sources(self._connection.elastic, self._connection.version, rules, then)

    def _tell(self, issues: Sequence[Issue]) -> None:
        """Add issues, each once: several spaces compile the same hunts."""
        self._issues += (issue for issue in issues if issue not in self._issues)

    def _warn(self, text: str) -> None:
        self._tell([Issue("DEP320", Level.WARNING, text, self._connection.environment.name)])

    # -- the writes -------------------------------------------------------------------------------------------------

    def apply(self, plan: Plan) -> list[ChangeResult]:
        connection = self._connection
        locked = self._request.lock and connection.environment.lock
        held = lease(connection.ledger(), self._clock, self._request.wait) if locked else nullcontext()
        with held:
            handlers = connection.handlers()
            if changed := moved(plan, handlers):
                names = ", ".join(sorted({change.name for change in changed}))
                return not_applied(plan, f"changed in Kibana since the plan was made: {names}; plan again")
            entry = self._entry(plan)
            self._journal.begin(entry)
            results = apply(plan, handlers, connection.environment.limits)
            self._journal.standing.finish(replace(entry, state=PushState.FINISHED, results=tuple(results)))
            self._remember_types(results)
            for journal, older in self._journal.interrupted():
                journal.mark(older, PushState.SUPERSEDED)
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
            mine = [change for change in applied if change.space == space and change.kind is Kind.RULE]
            rules = [change.desired for change in mine if change.desired]
            watched = watch_sources(self._connection.elastic, self._connection.version, rules, {})
            if types := {one.rule.key: one.types for one in watched if one.types}:
                self._journal.remember_types(space, types)

    def _entry(self, plan: Plan) -> PushEntry:
        return PushEntry(
            push_id=uuid.uuid4().hex,
            environment=plan.environment,
            at=self._clock().isoformat(timespec="milliseconds"),
            by=self._connection.elastic.whoami(),
            commit=commit_of(self._root),
            state=PushState.STARTED,
            results=tuple(planned(plan)),
            note=self._request.note,
        )


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
