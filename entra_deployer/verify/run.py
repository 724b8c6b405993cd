"""Verify: run each rule as it stands in Kibana over the seeded events of its tests, and say what came of it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from entra_deployer.core.errors import DeployError, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, flatten
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import format_moment
from entra_deployer.esql.embedded import beyond_embedded, lacked
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, read_query
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.objects.rule_fields import max_signals
from entra_deployer.stack.search import Previewer, PreviewResult, QueryResult
from entra_deployer.verify import problems, repeats
from entra_deployer.verify.against_hunt import OwnQuery, Runs, compare
from entra_deployer.verify.judge import Record, judge, matches, same_rows
from entra_deployer.verify.mutate.mutate import mutate
from entra_deployer.verify.obstacles import (
    lacking_column,
    told_of_sources,
    too_many_events,
    without_test,
    wrong_moment,
    wrong_rows,
)
from entra_deployer.verify.origin import Origin
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.seeding import Batch, Run, Server, moment_of, seeded, sweep
from entra_deployer.verify.verdict import EntityOutcome, Status, Verdict


@dataclass(frozen=True)
class RuleUnderTest:
    """A rule with its tests. `payload` is the rule as read back from Kibana, None where it does not stand there.

    `key_columns` tell the entities of its result apart (() where the query does not aggregate). `repeats_matter` is
    False where its author accepts an alert at each run for the same events. `origin` is the hunt's query.
    `minimum_score` is the mutation score that its author demands, from 0 to 1. `mapped` are the types that the fields
    of its source have in the environment, as far as they are known; `known` is what is known of it before it is tried,
    errors of which make it fail. `own` is the hunt's own query, to which the rule is held. `unlike` are the fields in
    which it is not as the repository says: then it is not tried. `held_back` is the code of the issue for which a push
    leaves it out, `unread` why a file of its tests could not be read, with its place.
    """

    rule_id: str
    name: str
    payload: Mapping[str, Json] | None
    tests: tuple[DetectionTest, ...]
    key_columns: tuple[str, ...] = ()
    repeats_matter: bool = True
    origin: Origin | None = None
    minimum_score: float | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)
    known: tuple[Issue, ...] = ()
    own: OwnQuery | None = None
    unlike: tuple[str, ...] = ()
    held_back: str = ""
    unread: str = ""


@dataclass(frozen=True)
class Bench:
    """Where rules are tried: the servers, their version, the run's clock and name.

    `embedded` says that the Elasticsearch is the embedded one, which lacks some field types, commands and functions.
    `most_events` may be seeded for one rule, None for any number.
    With `mutate` the tests of every rule that passes are tried on its mutants, else of those that demand a score.
    `progress` is told how many rules are done, and of how many.
    """

    server: Server
    previewer: Previewer
    version: StackVersion
    clock: Callable[[], datetime]
    run_id: str
    embedded: bool
    parallel: int = 4
    most_events: int | None = None
    mutate: bool = False
    progress: Callable[[int, int], None] = lambda _done, _total: None


@dataclass(frozen=True)
class _Case:
    """A rule that can be tried."""

    rule: RuleUnderTest
    payload: Mapping[str, Json]
    query: RuleQuery
    batch: Batch

    @property
    def max_signals(self) -> int:
        return max_signals(self.payload)

    @property
    def tests(self) -> tuple[DetectionTest, ...]:
        return self.batch.tests

    @property
    def origin(self) -> Origin | None:
        return self.rule.origin

    def alias_of(self, number: int) -> str:
        return self.batch.alias_of(number)


def verify(rules: Sequence[RuleUnderTest], bench: Bench) -> tuple[Verdict, ...]:
    """A verdict for each rule, in their order. Raises Unreachable where a server does not answer.

    Nothing is written where a rule watches: the events go to hidden indices of this run, which are gone on return.
    """
    run = Run(bench.run_id, bench.clock(), bench.embedded)
    sweep(bench.server, run.now)
    prepared = [_prepare(rule, run.name(f"r{number}"), bench, run.now) for number, rule in enumerate(rules)]
    cases = [item for item in prepared if isinstance(item, _Case)]
    with seeded(bench.server, [case.batch for case in cases], run, bench.parallel) as failures:
        found = iter(_run_all(cases, failures, bench, run.now))
    return tuple(item if isinstance(item, Verdict) else next(found) for item in prepared)


@dataclass(frozen=True)
class _Asking:
    """The bench with the moment of the run. At most `parallel` requests of all rules together are on their way."""

    bench: Bench
    now: datetime
    pool: Executor

    @property
    def server(self) -> Server:
        return self.bench.server

    @property
    def version(self) -> StackVersion:
        return self.bench.version

    def each[T, R](self, ask: Callable[[T], R], about: Iterable[T]) -> list[R]:
        """What comes of each question, in their order, several at a time. A question asks no other one."""
        return list(self.pool.map(ask, about))

    def of(self, tests: Sequence[DetectionTest]) -> "_Asking":
        """The same at the moment at which a rule runs for its tests, which is one for all of them."""
        return replace(self, now=moment_of(tests[0], self.now))

    def preview(self, rule: Mapping[str, Json], invocations: int = 1) -> PreviewResult:
        end = format_moment(self.now)
        return self.bench.previewer.preview(rule, timeframe_end=end, invocations=invocations)


def _run_all(cases: Sequence[_Case], failures: Mapping[str, str], bench: Bench, now: datetime) -> list[Verdict]:
    """The cases' verdicts, in their order, several at a time. An interruption does not wait for running queries.

    `failures` tell by alias why the events of a case are not there.
    """
    rules = ThreadPoolExecutor(max_workers=bench.parallel, thread_name_prefix="verify")
    questions = ThreadPoolExecutor(max_workers=bench.parallel, thread_name_prefix="ask")
    asking = _Asking(bench, now, questions)

    def verdict(case: _Case) -> Verdict:
        if why := failures.get(case.batch.alias):
            return _no_verdict(case.rule, why)
        return _try(case, asking)

    try:
        found = [rules.submit(verdict, case) for case in cases]
        for done, one in enumerate(as_completed(found), 1):
            one.result()  # what ends the run is raised as soon as it is known
            bench.progress(done, len(cases))
        return [one.result() for one in found]
    finally:
        rules.shutdown(wait=False, cancel_futures=True)
        questions.shutdown(wait=False, cancel_futures=True)


def _fault(error: Exception) -> str:
    return f"could not be analysed: {type(error).__name__}: {error}"


def _prepare(rule: RuleUnderTest, alias: str, bench: Bench, now: datetime) -> _Case | Verdict:
    try:
        return _prepared(rule, alias, bench, now)
    except DeployError:
        raise
    except Exception as error:
        return _no_verdict(rule, _fault(error))


def _prepared(rule: RuleUnderTest, alias: str, bench: Bench, now: datetime) -> _Case | Verdict:
    if rule.payload is None:
        why = f"{rule.held_back} keeps it from being pushed" if rule.held_back else "deploy push puts it there"
        return _no_verdict(rule, f"the rule is not there: {why}")
    if rule.unlike:
        other = problems.other_rule(rule.unlike, subject=rule.name)
        return Verdict(rule.rule_id, rule.name, Status.FAILED, problems=(other,), tests=_files(rule))
    text = str(rule.payload.get("query", ""))
    if (
        why := without_test(rule.tests, rule.unread)
        or too_many_events(rule.tests, bench.most_events)
        or _beyond(beyond_embedded(text, bench.version) if bench.embedded else "")
    ):
        return _no_verdict(rule, why)
    try:
        query = read_query(text, bench.version).at_moment(moment_of(rule.tests[0], now))
    except Unreadable as error:
        return _no_verdict(rule, str(error))
    if wrong := wrong_rows(query, rule.tests) or wrong_moment(rule.tests):
        return _no_verdict(rule, wrong)
    return _Case(rule, rule.payload, query, Batch(alias, rule.tests, query, rule.mapped))


def _beyond(lacking: str) -> str:
    """What to do about that which the embedded server lacks; "" for nothing."""
    return lacking and f"needs --on ENV: the embedded Elasticsearch cannot run {lacking}"


def _no_verdict(rule: RuleUnderTest, why: str) -> Verdict:
    return Verdict(rule.rule_id, rule.name, Status.ERROR, error=why, tests=_files(rule))


def _files(rule: RuleUnderTest) -> tuple[str, ...]:
    return tuple(test.source for test in rule.tests)


def _try(case: _Case, asking: _Asking) -> Verdict:
    try:
        asking = asking.of(case.tests)
        verdict = _verdict(case, asking)
        demanded = asking.bench.mutate or case.rule.minimum_score is not None
        return _mutated(verdict, case, asking) if demanded else verdict
    except Refused as error:
        lacking = lacked(error.message) if asking.bench.embedded else ""
        return _no_verdict(case.rule, _beyond(lacking) if lacking else str(error))
    except DeployError:
        raise
    except Exception as error:
        return _no_verdict(case.rule, _fault(error))


def _verdict(case: _Case, asking: _Asking) -> Verdict:
    tests = case.tests
    results = asking.each(partial(_query, case, asking), map(case.alias_of, range(len(tests))))
    if lacking := lacking_column(tests, results):
        return _no_verdict(case.rule, lacking)
    rows = [result.records() for result in results]
    aliases = _aliases_to_preview(case, rows, asking)
    previews = asking.each(partial(_preview, case, asking), aliases)
    if errors := [error for preview in previews for error in preview.errors]:
        return _no_verdict(case.rule, f"Kibana could not run the rule: {errors[0]}")
    outcomes: list[EntityOutcome] = []
    alerts = [[flatten(alert) for alert in preview.alerts] for preview in previews]
    for number, test in enumerate(tests):
        mine = alerts[number if len(alerts) == len(tests) else 0]
        outcomes += judge(test, rows[number], mine, case.rule.key_columns or _columns(test))
    found = [issue for issue in case.rule.known if issue.level is Level.ERROR]
    found += told_of_sources(case.query, tests, subject=case.rule.name)
    found += [*_problems(case, results), *_preview_problems(case, rows, previews, alerts)]
    found += dict.fromkeys(_against_hunt(case, results, asking))
    if case.rule.repeats_matter:
        found += _repeats(case, [alert for part in alerts for alert in part], asking)
    return _conclude(case, outcomes, found, sum(map(len, alerts)))


def _mutated(verdict: Verdict, case: _Case, asking: _Asking) -> Verdict:
    """The verdict with the mutation score of the tests; tests that fail have none."""
    if verdict.status is not Status.PASSED:
        return verdict
    result = mutate(case, asking.server, asking.now, asking.each)
    low = list(problems.of_score(result, case.rule.minimum_score, subject=case.rule.name))
    status = Status.FAILED if low else verdict.status
    return replace(verdict, mutation=result, status=status, problems=(*verdict.problems, *low))


def _conclude(case: _Case, outcomes: Sequence[EntityOutcome], found: Sequence[Issue], alerts: int) -> Verdict:
    missed = tuple(item.name for item in outcomes if item.expected and not item.caught)
    false_alarms = tuple(item.name for item in outcomes if item.caught and not item.expected)
    failed = bool(missed or false_alarms or any(issue.level is Level.ERROR for issue in found))
    if not failed and not any(item.caught for item in outcomes):
        return _no_verdict(case.rule, _NOTHING_CAUGHT)
    return Verdict(
        rule_id=case.rule.rule_id,
        name=case.rule.name,
        status=Status.FAILED if failed else Status.PASSED,
        missed=tuple(dict.fromkeys(missed)),
        false_alarms=tuple(dict.fromkeys(false_alarms)),
        outcomes=tuple(outcomes),
        events=sum(event.count for test in case.tests for event in test.events),
        alerts=alerts,
        problems=tuple(dict.fromkeys(found)),
        tests=_files(case.rule),
    )


_NOTHING_CAUGHT = (
    "its tests catch nothing, so that it may well never fire: add an event that it must catch, under `catches`"
)


def _columns(test: DetectionTest) -> tuple[str, ...]:
    """The columns that a test tells its entities by."""
    return tuple(dict.fromkeys(column for item in (*test.catches, *test.ignores) for column in item.entity))


# -- running ---------------------------------------------------------------------------------------------------------


def _query(case: _Case, asking: _Asking, index: str) -> QueryResult:
    return asking.server.query(case.query.at(index), filter=time_range(case.payload, asking.now))


def _aliases_to_preview(case: _Case, rows: Sequence[Sequence[Record]], asking: _Asking) -> list[str]:
    """The rule's one alias where its tests leave each other alone, else one a test: a preview takes its time."""
    few = sum(map(len, rows)) <= case.max_signals
    if len(rows) > 1 and few and not case.query.lookups and not _entangled(case.tests, rows):
        together = _query(case, asking, case.batch.alias).records()
        if same_rows(together, [row for part in rows for row in part]):
            return [case.batch.alias]
    return [case.alias_of(number) for number in range(len(rows))]


def _preview(case: _Case, asking: _Asking, alias: str, runs: int = 1) -> PreviewResult:
    """What Kibana makes of the rule, run on its schedule up to now."""
    return asking.preview({**case.payload, "query": case.query.at(alias)}, runs)


def _repeats(case: _Case, once: Sequence[Record], asking: _Asking) -> Iterator[Issue]:
    """Consecutive runs over the first test whose entities tell: a rule repeats for all of them or for none."""
    for number, test in enumerate(case.tests):
        if entities := repeats.seen_by_both(case.payload, [test]):
            preview = _preview(case, asking, case.alias_of(number), repeats.RUNS)
            both = [flatten(alert) for alert in preview.alerts]
            yield from repeats.repeated(case.payload, entities, once, both, subject=case.rule.name)
            return


def _entangled(tests: Sequence[DetectionTest], rows: Sequence[Sequence[Record]]) -> bool:
    """Does a row of one test look like an entity of another test."""
    return any(
        matches(item.entity, row)
        for number, test in enumerate(tests)
        for item in (*test.catches, *test.ignores)
        for other, part in enumerate(rows)
        if other != number
        for row in part
    )


def _against_hunt(case: _Case, results: Sequence[QueryResult], asking: _Asking) -> Iterator[Issue]:
    """Where the hunt's own query finds others than the rule, test by test."""
    own = case.rule.own
    if own is None:
        return
    hunt, within = own.query.at_moment(asking.now), time_range(case.payload, asking.now)

    def ask(text: str, index: str) -> QueryResult:
        query = read_query(text, asking.version).at_moment(asking.now)
        return asking.server.query(query.at(index), filter=within)

    def differences(number: int) -> list[Issue]:
        index = case.alias_of(number)
        hunted = hunt.at(index)
        runs = Runs(
            hunt=partial(asking.server.query, hunted),
            hunt_in_range=partial(asking.server.query, hunted, filter=within),
            rule=partial(ask, index=index),
        )
        columns = case.rule.key_columns or _columns(case.tests[number])
        return list(compare(own, case.query.tree.text, results[number], runs, columns))

    for found in asking.each(differences, range(len(case.tests))):
        yield from (replace(issue, subject=case.rule.name) for issue in found)


# -- problems --------------------------------------------------------------------------------------------------------


def _problems(case: _Case, results: Sequence[QueryResult]) -> Iterator[Issue]:
    about = problems.About(case.rule.name, case.query, case.max_signals, case.rule.origin)
    for number, result in enumerate(results):
        yield from problems.of_result(result, about, case.alias_of(number))


def _preview_problems(
    case: _Case,
    rows: Sequence[Sequence[Record]],
    previews: Sequence[PreviewResult],
    alerts: Sequence[Sequence[Record]],
) -> Iterator[Issue]:
    subject = case.rule.name
    for preview in previews:
        yield from problems.of_preview(preview, subject=subject)
    every_row = [row for part in rows for row in part]
    yield from problems.lost_columns(every_row, [alert for part in alerts for alert in part], subject=subject)
