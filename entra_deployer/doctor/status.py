"""How an environment is right now: what differs, what fails, who pushed last, what is about to end. Reads only."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from entra_deployer.core.errors import DeployError, ExitCode, Refused
from entra_deployer.core.issue import Issue
from entra_deployer.doctor.examine import newest_event, what_rules_read
from entra_deployer.doctor.findings import Finding, Health, judge_data, judge_identity
from entra_deployer.objects.state import RULE, LiveObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import DriftKind, DriftReport
from entra_deployer.plan.drift import Compared, as_report, compare_spaces
from entra_deployer.plan.journal import LockHolder, PushEntry
from entra_deployer.plan.live_rule import FAILED, WARNED
from entra_deployer.repository import Repository
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.search import Identity
from entra_deployer.verify.records import VerdictRecord, kept_verdicts
from entra_deployer.verify.verdict import Status

type Clock = Callable[[], datetime]

_PARALLEL = 8
_NAMED = 3
"""Names in a line; the others are counted."""


@dataclass(frozen=True)
class RuleRuns:
    """The rules of ours that stand, and how their last runs went: each by its name, sorted."""

    rules: int = 0
    enabled: int = 0
    failing: tuple[str, ...] = ()
    warned: tuple[str, ...] = ()
    never_ran: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentStatus:
    """One environment at one moment. `findings` says it all in words; an environment that is away has one alone."""

    environment: str
    stack: str = ""
    runs: RuleRuns = field(default_factory=RuleRuns)
    differing: int = 0
    conflicts: int = 0
    last_push: PushEntry | None = None
    findings: tuple[Finding, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def is_well(self) -> bool:
        """Whether nothing has to be done now."""
        return all(finding.health is not Health.ERROR for finding in self.findings)


def look(repository: Repository, connection: Connection, clock: Clock) -> EnvironmentStatus:
    """The status of one environment. Raises what keeps the servers from being asked at all."""
    spaces = compare_spaces(repository, connection)
    drift = as_report(spaces, connection)
    runs = count_runs([live for one in spaces for live in one.survey.existing.marked if live.object.kind == RULE])
    findings = (
        judge_drift(drift),
        *judge_runs(runs, embedded=connection.environment.embedded),
        judge_push(drift.last_push),
        *_side_by_side(
            [
                _guarded("interrupted", lambda: judge_interrupted(connection.journal.interrupted())),
                _guarded("verified", lambda: [judge_verdicts(kept_verdicts(connection.journal))]),
                _guarded("key", lambda: [judge_identity(_as_kibana(connection), clock())]),
                _guarded("lock", lambda: [judge_locks(connection.locks.holders())]),
                _guarded("data", lambda: _silent_sources(spaces, connection, clock)),
            ]
        ),
    )
    return EnvironmentStatus(
        environment=drift.environment,
        stack=drift.stack,
        runs=runs,
        differing=sum(one.counts for one in drift.differences),
        conflicts=sum(one.kind is DriftKind.CONFLICT for one in drift.differences),
        last_push=drift.last_push,
        findings=findings,
        issues=drift.issues,
    )


def away(environment: str, error: DeployError) -> EnvironmentStatus:
    """The status of an environment that could not be asked."""
    return EnvironmentStatus(environment, findings=(Finding("servers", Health.ERROR, error.message, error.hint or ""),))


def status_code(statuses: Sequence[EnvironmentStatus]) -> ExitCode:
    """2 where something has to be done now, else 0."""
    return ExitCode.OK if all(status.is_well for status in statuses) else ExitCode.DIFFERENT


# -- what it means: pure ---------------------------------------------------------------------------------------------


def count_runs(rules: Sequence[LiveObject]) -> RuleRuns:
    """How the last runs of rules went; a rule that is off is not expected to run."""
    on = [live for live in rules if live.object.payload.get("enabled")]

    def named(status: str | None) -> tuple[str, ...]:
        return tuple(sorted(live.object.name for live in on if (live.execution and live.execution.status) == status))

    return RuleRuns(
        rules=len(rules),
        enabled=len(on),
        failing=named(FAILED),
        warned=named(WARNED),
        never_ran=named(None),
    )


def judge_drift(report: DriftReport) -> Finding:
    """Does the environment differ from the repository?"""
    counted = [one for one in report.differences if one.counts]
    if not counted:
        return Finding("drift", Health.OK, f"as the repository says: {report.compared} objects compared")
    kinds = [one.kind for one in counted]
    told = ", ".join(f"{kinds.count(kind)} {kind.words}" for kind in DriftKind if kind in kinds)
    return Finding("drift", Health.ERROR, told, f"`deploy drift {report.environment}` tells each field")


def judge_runs(runs: RuleRuns, *, embedded: bool = False) -> Iterator[Finding]:
    """Do the rules run? On the embedded stack only where it was told to run them."""
    if runs.failing:
        hint = "`deploy list` tells what each run said"
        yield Finding(
            "rules", Health.ERROR, f"{len(runs.failing)} of {runs.enabled} fail: {_named(runs.failing)}", hint
        )
    if runs.warned:
        message = f"{len(runs.warned)} of {runs.enabled} end with a warning: {_named(runs.warned)}"
        yield Finding("rules", Health.WARNING, message, "`deploy list` tells what each run said")
    if runs.never_ran:
        message = f"{len(runs.never_ran)} of {runs.enabled} never ran: {_named(runs.never_ran)}"
        served = "a rule runs within its interval; is Kibana's task manager up?"
        hint = "here rules run after `deploy local up --run-rules`" if embedded else served
        yield Finding("rules", Health.WARNING, message, hint)
    if not (runs.failing or runs.warned or runs.never_ran):
        yield Finding("rules", Health.OK, f"{runs.rules} live, {runs.enabled} on, none fails")


def judge_push(push: PushEntry | None) -> Finding:
    """Who pushed last."""
    if push is None:
        return Finding("push", Health.WARNING, "no push is written down", "`deploy push` writes it down")
    commit = f", commit {push.commit[:12]}" if push.commit else ""
    return Finding("push", Health.OK, f"last {push.at[:16].replace('T', ' ')} by {push.by}{commit}")


def judge_interrupted(entries: Sequence[PushEntry]) -> Iterator[Finding]:
    """Is a push cut off in the middle?"""
    for entry in entries:
        message = f"the push of {entry.at[:16].replace('T', ' ')} by {entry.by} was cut off"
        yield Finding("push", Health.ERROR, message, f"`deploy recover {entry.environment}`")


def judge_verdicts(records: Sequence[VerdictRecord]) -> Finding:
    """When the rules were proved last."""
    if not records:
        return Finding("verified", Health.WARNING, "no verdict is kept", "`deploy verify --on` proves the rules")
    newest = max(records, key=lambda record: record.at)
    failed = sorted(record.name for record in records if record.status is Status.FAILED)
    at = newest.at[:16].replace("T", " ")
    if failed:
        message = f"last {at} by {newest.by}; {len(failed)} failed: {_named(failed)}"
        return Finding("verified", Health.WARNING, message, "`deploy verify --on` tells why")
    return Finding("verified", Health.OK, f"last {at} by {newest.by}")


def judge_locks(holders: Sequence[LockHolder]) -> Finding:
    """Is somebody pushing?"""
    if not holders:
        return Finding("lock", Health.OK, "free")
    return Finding("lock", Health.OK, "held by " + ", ".join(sorted(f"{one.who} ({one.space})" for one in holders)))


# -- asking ----------------------------------------------------------------------------------------------------------


type _Question = Callable[[], Iterable[Finding]]


def _side_by_side(questions: Sequence[_Question]) -> list[Finding]:
    """What each question finds, in their order: together they take as long as the slowest one."""
    with ThreadPoolExecutor(_PARALLEL, thread_name_prefix="status") as pool:
        return [finding for found in pool.map(lambda ask: tuple(ask()), questions) for finding in found]


def _guarded(about: str, ask: _Question) -> _Question:
    """The same question, to which it is an answer that it cannot be looked at, and why."""

    def asked() -> Iterable[Finding]:
        try:
            return tuple(ask())
        except DeployError as error:
            return [Finding(about, Health.WARNING, f"not looked at: {error.message}", error.hint or "")]

    return asked


def _as_kibana(connection: Connection) -> Identity:
    """Whom Elasticsearch takes us for with Kibana's credentials: with that key the rules run."""
    credentials = connection.environment.kibana.credentials
    if credentials == connection.environment.elasticsearch.credentials:
        return connection.elastic.identity()
    asking = connection.elastic.acting_as(credentials)
    try:
        return asking.identity()
    finally:
        asking.close()


def _silent_sources(spaces: Sequence[Compared], connection: Connection, clock: Clock) -> list[Finding]:
    """The sources without new events; those that this key may not read are left to `deploy doctor`."""
    rules = [rule for one in spaces for rule in one.survey.compilation.rules]
    patterns = what_rules_read(rules, connection.version).local
    found = _side_by_side([partial(_source, connection.elastic, pattern, clock) for pattern in patterns])
    silent = [finding for finding in found if finding.health is not Health.OK]
    return silent or [Finding("data", Health.OK, f"{len(patterns)} sources have new events")]


def _source(elastic: ElasticClient, pattern: str, clock: Clock) -> list[Finding]:
    try:
        exists = bool(elastic.find_indices(pattern))
        return [judge_data(pattern, newest_event(elastic, pattern) if exists else None, clock(), exists=exists)]
    except Refused:
        return []


def _named(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
