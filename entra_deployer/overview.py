"""All that is known of the rules of a repository, and of an environment: what `deploy report` shows.

From the files alone: each hunt and what was compiled of it, what the checks say, the last verdicts on this machine,
ATT&CK. With an environment also what is live there, its drift and the pushes to it. Reads only.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.errors import Location
from entra_deployer.core.git import commit_of
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import Target
from entra_deployer.coverage import Coverage, coverage_of
from entra_deployer.forecast.forecast import Forecast, ForecastRequest, forecast
from entra_deployer.hunts.folder import DetectionTest, RuleSource
from entra_deployer.hunts.hunt import Query, esql_queries
from entra_deployer.ledger.history import History, read_history
from entra_deployer.live.list_rules import list_rules
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.live_rule import Inventory, LiveRule
from entra_deployer.repository import Compilation, Repository
from entra_deployer.verify.last import LastVerdict, last_verdicts
from entra_deployer.verify.records import VerdictRecord, kept_verdicts
from entra_deployer.verify.verdict import Status, Verdict
from entra_deployer.verify.verify_rules import contents


class Proof(StrEnum):
    """How a rule stands the test. outdated: its hunt or its tests changed since; unproved: nobody ever tried."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "no verdict"
    OUTDATED = "outdated"
    UNPROVED = "unproved"


@dataclass(frozen=True)
class RuleOverview:
    """One rule of the repository; of a hunt that has an error `compiled` may be None.

    `issues` are those of its query and those of its hunt as a whole. `last` is the last verdict of this machine,
    `record` the environment's newest on what the repository holds. `live` is None where no environment was asked or
    the rule is not there, `differences` are what differs there.
    """

    source: RuleSource
    query: Query
    compiled: CompiledRule | None = None
    issues: tuple[Issue, ...] = ()
    last: LastVerdict | None = None
    is_current: bool = False
    record: VerdictRecord | None = None
    live: LiveRule | None = None
    differences: tuple[Difference, ...] = ()

    @property
    def name(self) -> str:
        """The rule's, or the hunt's where there is none."""
        return self.compiled.rule.name if self.compiled else self.source.hunt.name

    @property
    def verdict(self) -> Verdict | None:
        """The last verdict, where it is about what the repository holds now."""
        return self.last.verdict if self.last and self.is_current else None

    @property
    def proof(self) -> Proof:
        """What the last verdict says, whoever reached it."""
        if verdict := self.verdict:
            return _PROOFS[verdict.status]
        if self.record:
            return _PROOFS[self.record.status]
        return Proof.OUTDATED if self.last else Proof.UNPROVED

    @property
    def score(self) -> float | None:
        """The mutation score, where it was asked for."""
        if (verdict := self.verdict) and verdict.mutation:
            return verdict.mutation.score
        return self.record.mutation_score if self.record else None

    @property
    def tests(self) -> tuple[DetectionTest, ...]:
        """Its detection tests."""
        if self.compiled is None:
            return self.source.tests
        keys = (self.compiled.query_key, self.compiled.own_key)
        return tuple(test for test in self.source.tests if test.query in keys)


_PROOFS = {Status.PASSED: Proof.PASSED, Status.FAILED: Proof.FAILED, Status.ERROR: Proof.ERROR}


@dataclass(frozen=True)
class Live:
    """What an environment says; a forecast where it was asked for."""

    inventory: Inventory
    drift: DriftReport
    history: History
    forecast: Forecast | None = None


@dataclass(frozen=True)
class Overview:
    """The whole. `issues` are those of no rule that is here: files that cannot be read, what a server did not tell."""

    target: Target
    at: datetime
    commit: str
    rules: tuple[RuleOverview, ...]
    coverage: Coverage
    issues: tuple[Issue, ...] = ()
    live: Live | None = None

    @property
    def hunts(self) -> int:
        """How many hunts could be read."""
        return len({rule.source.folder for rule in self.rules})


def look_over(repository: Repository, target: Target, clock: Callable[[], datetime]) -> Overview:
    """What the repository alone tells."""
    compilation = repository.compile(target)
    return _overview(repository.root, compilation, coverage_of(compilation), clock)


def look_over_environment(
    repository: Repository,
    connection: Connection,
    clock: Callable[[], datetime],
    request: ForecastRequest | None = None,
) -> Overview:
    """The same for an environment, with what is there, and what a push would do to the alerts if `request` asks."""
    target = connection.target(connection.environment.spaces[0])
    compilation = repository.compile(target)
    found = _overview(repository.root, compilation, coverage_of(compilation, connection), clock)
    live = Live(
        inventory=list_rules(connection, clock),
        drift=find_drift(repository, connection),
        history=read_history(repository, connection),
        forecast=forecast(repository, connection, request) if request else None,
    )
    return with_environment(found, live, kept_verdicts(connection.journal), contents(compilation))


def with_environment(
    overview: Overview, live: Live, records: Sequence[VerdictRecord], digests: dict[str, str]
) -> Overview:
    """Each rule with what an environment knows of it. `digests` are of what the hunts hold, by rule_id."""
    standing = {rule.rule_id: rule for rule in live.inventory.rules}
    current = {one.rule_id: one for one in sorted(records, key=lambda one: one.at)}
    current = {key: one for key, one in current.items() if digests.get(key) == one.content}
    differing: defaultdict[str, list[Difference]] = defaultdict(list)
    for difference in live.drift.differences:
        differing[difference.key].append(difference)

    def seen(rule: RuleOverview) -> RuleOverview:
        if rule.compiled is None:
            return rule
        key, search = rule.compiled.rule.key, rule.compiled.search.key
        found = (*differing.get(key, ()), *differing.get(search, ()))
        return replace(rule, record=current.get(key), live=standing.get(key), differences=found)

    foretold = live.forecast.issues if live.forecast else ()
    told = (*overview.issues, *live.inventory.issues, *live.drift.issues, *live.history.issues, *foretold)
    known = {issue for rule in overview.rules for issue in rule.issues}
    issues = _sorted({issue for issue in told if issue not in known})
    return replace(overview, rules=tuple(map(seen, overview.rules)), issues=issues, live=live)


def _overview(root: Path, compilation: Compilation, coverage: Coverage, clock: Callable[[], datetime]) -> Overview:
    last = last_verdicts(root, (rule.rule.key for rule in compilation.rules))
    digests = contents(compilation) if last else {}
    issues: defaultdict[str, set[Issue]] = defaultdict(set)
    for issue in (*compilation.issues, *compilation.findings, *coverage.issues):
        issues[issue.subject].add(issue)
    compiled: defaultdict[str, list[CompiledRule]] = defaultdict(list)
    for rule in compilation.rules:
        compiled[rule.folder].append(rule)
    rules = tuple(
        _rule(one, tuple(issues[one.source.folder]), last, digests)
        for source in compilation.sources
        for one in _of_hunt(source, compiled[source.folder])
    )
    folders = {source.folder for source in compilation.sources}
    rest = {issue for subject, some in issues.items() if subject not in folders for issue in some}
    return Overview(compilation.target, clock(), commit_of(root), rules, coverage, _sorted(rest))


def _of_hunt(source: RuleSource, compiled: Sequence[CompiledRule]) -> Iterator[RuleOverview]:
    """A rule for each query in ES|QL, compiled or not."""
    by_query = {rule.query: rule for rule in compiled}
    return (RuleOverview(source, query, by_query.get(query)) for query in esql_queries(source.hunt))


def _rule(
    rule: RuleOverview, issues: tuple[Issue, ...], last: dict[str, LastVerdict], digests: dict[str, str]
) -> RuleOverview:
    issues = _sorted((*(one for one in issues if _concerns(one, rule)), *rule.source.test_issues))
    if rule.compiled is None:
        return replace(rule, issues=issues)
    key = rule.compiled.rule.key
    known = last.get(key)
    return replace(rule, issues=issues, last=known, is_current=known is not None and known.content == digests[key])


def _concerns(issue: Issue, rule: RuleOverview) -> bool:
    """Whether an issue of a hunt is about this rule: not where it stands in another query of the hunt."""
    others = (query for query in rule.source.hunt.queries if query != rule.query)
    return not any(stands_in(issue.location, query, rule.source.hunt.source) for query in others)


def stands_in(place: Location | None, query: Query, source: str) -> bool:
    """Whether a place is one within a query of the hunt's file `source`."""
    if place is None or place.path != source:
        return False
    return query.line <= place.line <= query.line + query.text.count("\n")


def _sorted(issues: "Sequence[Issue] | set[Issue]") -> tuple[Issue, ...]:
    return tuple(sorted(set(issues), key=lambda issue: issue.order))


def worst(issues: Sequence[Issue]) -> Level | None:
    """The weightiest level among issues; None where there is none."""
    levels = {issue.level for issue in issues}
    return next((level for level in Level if level in levels), None)
