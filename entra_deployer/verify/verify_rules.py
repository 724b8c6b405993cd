"""Verify: compile, read the rules back from Kibana, and try them on seeded events."""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.compiler.window import find_window
from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import last_time_of_week
from entra_deployer.esql.rule_query import Unreadable, read_query
from entra_deployer.hunts.folder import DetectionTest, RuleSource
from entra_deployer.hunts.selection import ALL, Selection
from entra_deployer.objects.state import RULE, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import (
    ABSENT,
    NO_SOURCE,
    NOT_TOLD,
    Watched,
    problems_of_rule,
    warnings_of_rules,
    watch_sources,
)
from entra_deployer.plan.journal import Types
from entra_deployer.repository import Compilation, Repository, rule_keys
from entra_deployer.stack.search import Grade, Previewer
from entra_deployer.verify.against_hunt import OwnQuery
from entra_deployer.verify.current import StandingRules, as_in_repository, read_standing
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import single_test
from entra_deployer.verify.generate_tests import joins_of, make_cases, run_at_of, stream_of
from entra_deployer.verify.last import remember_last
from entra_deployer.verify.live import lost_on_live_data
from entra_deployer.verify.mutate.mutate import Trial, find_killers
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.records import content_digest, folder_of, keep_records, make_records
from entra_deployer.verify.repeats import looked_at
from entra_deployer.verify.run import Bench, RuleUnderTest, verify
from entra_deployer.verify.seeding import Batch, Run, seeded
from entra_deployer.verify.verdict import Status, Verdict, VerifyReport

INCOMPLETE = "DEP810"
UNKNOWN_QUERY = "DEP811"
_SHOWN_FIELDS = 5


@dataclass(frozen=True)
class VerifyRequest:
    """What the user asked for, and whether to tell mutation scores.

    With `as_deployed` each rule is tried as it stands in Kibana, whatever the repository says. `progress`
    is told how many rules have their verdict, and of how many.
    """

    selection: Selection = ALL
    mutate: bool = False
    as_deployed: bool = False
    progress: Callable[[int, int], None] = lambda _done, _total: None


def verify_rules(
    repository: Repository, connection: Connection, request: VerifyRequest, clock: Callable[[], datetime] | None = None
) -> VerifyReport:
    """A verdict for each rule, by the environment's first space. The clock is Elasticsearch's own if none is given."""
    environment = connection.environment
    space = environment.spaces[0]
    compilation = repository.compile(connection.target(space), request.selection)
    bench = make_bench(connection, space, clock=clock)
    bench = replace(bench, mutate=request.mutate, progress=request.progress)
    digests = contents(compilation)
    if request.as_deployed:
        standing = StandingRules(read_standing(compilation, connection, space))
    else:
        standing = as_in_repository(repository, connection, compilation, space, request.selection)
    tried = rules_under_test(compilation, connection, space, standing)
    watched = watch_rules(tried, connection, connection.journal.types(space))
    rules = [with_source(rule, watched.get(rule.rule_id), sample=environment.embedded) for rule in tried]
    verdicts = _with_killers(verify(rules, bench), rules, bench)
    issues = [issue for issue in compilation.issues if issue.level is Level.ERROR]
    issues += standing.issues
    issues += [issue for source in compilation.sources for issue in source.test_issues]
    issues += [issue for source in compilation.sources for issue in _test_issues(source)]
    issues += _warnings(watched, connection)
    issues += {issue for rule in rules for issue in rule.known}
    issues += [issue for verdict in verdicts for issue in verdict.problems if issue not in issues]
    payloads = {rule.rule_id: rule.payload for rule in rules if rule.payload is not None}
    records = make_records(verdicts, payloads, digests, connection)
    issues += keep_records(connection, records)
    remember_last(repository.root, environment.name, verdicts, records)
    return VerifyReport(
        environment=environment.name,
        stack=f"Elasticsearch {bench.version}, {connection.stack}",
        hunts=len(compilation.sources),
        verdicts=verdicts,
        issues=tuple(sorted(issues, key=lambda issue: issue.order)),
    )


def contents(compilation: Compilation) -> dict[str, str]:
    """By rule_id, the digest of what its hunt's folder holds."""
    digests = {source.folder: content_digest(folder_of(source)) for source in compilation.sources}
    return {rule.rule.key: digests[rule.folder] for rule in compilation.rules}


def look_at_live_data(repository: Repository, connection: Connection, request: VerifyRequest) -> VerifyReport:
    """What share of the live events each condition of each rule, as it stands in Kibana, loses to null. Reads only."""
    environment = connection.environment
    space = environment.spaces[0]
    compilation = repository.compile(connection.target(space), request.selection)
    bench = make_bench(connection, space)
    issues = [issue for issue in compilation.issues if issue.level is Level.ERROR]
    for rule in rules_under_test(compilation, connection, space):
        issues += lost_on_live_data(rule, bench)
    return VerifyReport(
        environment=environment.name,
        stack=f"Elasticsearch {bench.version}, {connection.stack}",
        hunts=len(compilation.sources),
        issues=tuple(sorted(issues, key=lambda issue: issue.order)),
    )


def live_code(report: VerifyReport) -> ExitCode:
    """1 where something could not be looked at; else 0."""
    return ExitCode.FAILED if report.errors else ExitCode.OK


def make_bench(
    connection: Connection,
    space: str,
    *,
    previewer: Previewer | None = None,
    clock: Callable[[], datetime] | None = None,
) -> Bench:
    """Where to try the rules of one space."""
    environment = connection.environment
    return Bench(
        server=connection.elastic,
        previewer=previewer or connection.previewer(space),
        version=connection.elastic.version(),
        clock=clock or connection.elastic.now,
        run_id=uuid.uuid4().hex[:12],
        embedded=environment.embedded,
        parallel=environment.limits.parallel,
        most_events=None if environment.embedded else environment.limits.test_events,
    )


def verify_code(report: VerifyReport) -> ExitCode:
    """2 for a failed verdict; 1 where one was not possible, or a hunt has none; else 0."""
    statuses = {verdict.status for verdict in report.verdicts}
    if Status.FAILED in statuses:
        return ExitCode.DIFFERENT
    if statuses <= {Status.PASSED} and (statuses or not report.hunts) and not report.errors:
        return ExitCode.OK
    return ExitCode.FAILED


def rules_under_test(
    compilation: Compilation, connection: Connection, space: str, standing: StandingRules | None = None
) -> list[RuleUnderTest]:
    """Every compiled rule that is not retired, as it stands in Kibana, with the tests of its query."""
    found = standing or StandingRules(read_standing(compilation, connection, space))
    payloads = {key: live.object.payload for key, live in found.rules.items()}
    return [
        RuleUnderTest(
            rule_id=compiled.rule.key,
            name=compiled.rule.name,
            payload=payloads.get(compiled.rule.key),
            tests=_tests(compiled),
            key_columns=compiled.key_columns,
            repeats_matter=compiled.settings.settings.duplicates != "none",
            minimum_score=compiled.settings.settings.minimum_mutation_score,
            origin=Origin(compiled.source.hunt.source, compiled.query),
            own=own_query(compiled, payloads.get(compiled.rule.key), connection.elastic.version()),
            unlike=found.unlike.get(compiled.rule.key, ()),
            held_back=_held_back(compiled, found.issues, compilation.issues),
            unread=next((f"{one.location}: {one.message}" for one in compiled.source.test_issues), ""),
        )
        for compiled in compilation.rules
        if not compiled.settings.settings.retired
    ]


def _held_back(compiled: CompiledRule, of_push: Iterable[Issue], of_compilation: Iterable[Issue]) -> str:
    """The code of the first issue for which a push leaves a rule out, "" for none: of a push also a warning does it."""
    found = [*(one for one in of_compilation if one.level is Level.ERROR), *of_push]
    about = (compiled.folder, compiled.rule.name)
    return next((one.code for one in found if one.subject in about and one.level is not Level.NOTE), "")


def own_query(compiled: CompiledRule, standing: Mapping[str, Json] | None, version: StackVersion) -> OwnQuery | None:
    """The hunt's query, to hold the rule to; None where it cannot be pointed at test events."""
    try:
        query = read_query(compiled.query.text, version)
    except Unreadable:
        return None
    window, other = find_window(compiled.tree), ""
    if (window.start, window.end) != looked_at(compiled.rule.payload):
        reasons = [one.reason for one in compiled.rewrites if one.code == "schedule"]
        other = "; ".join(reasons) or "the rule has a time range of its own"
    desired = compiled.rule.payload
    stands = standing is None or (standing.get("query"), looked_at(standing)) == (desired["query"], looked_at(desired))
    return OwnQuery(query, compiled.source.hunt.source, compiled.rewrites, other, stands)


def watch_rules(
    rules: Sequence[RuleUnderTest], connection: Connection, then: Mapping[str, Types]
) -> dict[str, Watched]:
    """By rule_id, what the source of each rule is like. `then` are the types that its fields had at the last push."""
    objects = [StateObject(RULE, one.rule_id, one.name, one.payload) for one in rules if one.payload is not None]
    return {one.rule.key: one for one in watch_sources(connection.elastic, connection.version, objects, then)}


def with_source(rule: RuleUnderTest, watched: Watched | None, *, sample: bool = False) -> RuleUnderTest:
    """The rule, to be tried on the types of its source, and with what stands against it there.

    In a `sample` of a source, which is what an embedded stack has, a field that is absent is nothing against the rule.
    """
    if watched is None:
        return rule
    known = [issue for issue in problems_of_rule(watched) if not (sample and issue.code == ABSENT)]
    return replace(rule, mapped=watched.types, known=tuple(known))


def _warnings(watched: Mapping[str, Watched], connection: Connection) -> list[Issue]:
    """That an embedded stack has no data of its own, and no other clusters, is nothing to tell."""
    environment = connection.environment
    found = warnings_of_rules(list(watched.values()), environment.name)
    if not environment.embedded:
        return found
    return [*(one for one in found if one.code not in (NO_SOURCE, NOT_TOLD)), *_not_loaded(watched.values())]


def _not_loaded(watched: Iterable[Watched]) -> Iterator[Issue]:
    """One warning for each source, of which the embedded stack has a sample: the fields that no event there has."""
    absent: defaultdict[str, set[str]] = defaultdict(set)
    for one in watched:
        absent[one.pattern] |= {field.name for field in one.fields if field.grade is Grade.ABSENT}
    for pattern, names in sorted(absent.items()):
        if names:
            shown = ", ".join(sorted(names)[:_SHOWN_FIELDS])
            more = f" and {len(names) - _SHOWN_FIELDS} more fields" if len(names) > _SHOWN_FIELDS else ""
            message = f"no event that was loaded into {pattern} has {shown}{more}"
            hint = "the tests bring events of their own; on what was loaded alone the rules that read them fail"
            yield Issue(ABSENT, Level.WARNING, message, hint=hint)


def _tests(compiled: CompiledRule) -> tuple[DetectionTest, ...]:
    """The tests that name its query, or no query."""
    return tuple(test for test in compiled.source.tests if test.query in (compiled.query_key, compiled.own_key))


def _test_issues(source: RuleSource) -> Sequence[Issue]:
    """What the tests of a hunt lack: a query that they name wrongly or not at all, a side that they do not prove."""
    keys = rule_keys(source)
    issues = []
    for test in source.tests:
        if test.query not in keys and not (test.query is None and len(keys) == 1):
            message = (
                f"{test.source}: no query is called {test.query!r}" if test.query else f"{test.source}: which query?"
            )
            hint = f"say query: {' or '.join(keys)}"
            issues.append(Issue(UNKNOWN_QUERY, Level.ERROR, message, source.folder, hint=hint))
    for key in keys:
        mine = [test for test in source.tests if (test.query or key) == key]
        for word, proven in (
            ("fires", any(test.catches for test in mine)),
            ("stays quiet", any(t.ignores for t in mine)),
        ):
            if mine and not proven:
                message = f"no test shows that the rule of query {key!r} {word}"
                hint = "add an entity under catches" if word == "fires" else "add a near miss under ignores"
                issues.append(Issue(INCOMPLETE, Level.WARNING, message, source.folder, hint=hint))
    return issues


# -- for each change of a rule that its tests do not notice: the made case that would -------------------------------


def _with_killers(verdicts: Sequence[Verdict], rules: Sequence[RuleUnderTest], bench: Bench) -> tuple[Verdict, ...]:
    """The verdicts; each survivor with the name of the made case that tells it, where there is one."""
    return tuple(_with_killer(verdict, rule, bench) for verdict, rule in zip(verdicts, rules, strict=True))


def _with_killer(verdict: Verdict, rule: RuleUnderTest, bench: Bench) -> Verdict:
    if not (verdict.mutation and verdict.mutation.survivors and rule.payload):
        return verdict
    query = read_query(str(rule.payload["query"]), bench.version)
    cases = [one for one in make_cases(query.tree, rule.payload) if isinstance(one, Case)]
    when = run_at_of(query.tree, rule.payload) if cases else ""
    now = last_time_of_week(when, bench.clock()) if when else bench.clock()
    run, query = Run(f"{bench.run_id}-k", now, bench.embedded), query.at_moment(now)
    joins = joins_of(query.tree)
    tests = tuple(single_test(case, stream_of(query.tree), joins) for case in cases)
    trial = Trial(query, rule.payload, tests, run.name("r"), rule.origin)
    with seeded(bench.server, [Batch(trial.alias, tests, query, rule.mapped)], run) as failures:
        if failures:
            return verdict
        survivors = find_killers(trial, bench.server, now, verdict.mutation.survivors)
    return replace(verdict, mutation=replace(verdict.mutation, survivors=survivors))
