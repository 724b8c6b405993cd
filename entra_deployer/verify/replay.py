"""Time travel: a rule run at each tick of its schedule over past data, with the clock of that tick."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from entra_deployer.core.errors import ExitCode, InputError, Refused, UsageError
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json
from entra_deployer.core.time import format_moment, parse_duration, parse_moment, parse_span
from entra_deployer.esql.columns import sources
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.embedded import beyond_embedded
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, clock_edits, read_query
from entra_deployer.hunts.selection import Selection
from entra_deployer.plan.connection import Connection
from entra_deployer.repository import Repository
from entra_deployer.verify.judge import Record, record_name
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.repeats import schedule
from entra_deployer.verify.run import Bench, RuleUnderTest
from entra_deployer.verify.verify_rules import make_bench, rules_under_test

MOST_TICKS = 20_000
"""A replay asks Elasticsearch once for each tick."""


@dataclass(frozen=True)
class Tick:
    """One run of the rule's schedule. `at` is ISO 8601; `rows` how many alerts its query found.

    `entities` are those it found, `new` those among them that no earlier tick of the replay had found.
    """

    at: str
    rows: int
    entities: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """A rule run at each tick of its schedule from `start` to `end`, with the clock of that tick.

    `every` is the schedule in seconds, `key_columns` what tells entities apart. `ticks` holds them all, in order.
    """

    environment: str
    rule_id: str
    name: str
    start: str
    end: str
    every: float
    key_columns: tuple[str, ...]
    ticks: tuple[Tick, ...]

    @property
    def fired(self) -> tuple[Tick, ...]:
        """The ticks at which the rule would have made an alert."""
        return tuple(tick for tick in self.ticks if tick.rows)


@dataclass(frozen=True)
class Journey:
    """From when to when, in which steps."""

    start: datetime
    end: datetime
    every: timedelta

    def ticks(self) -> list[datetime]:
        """Each run, the first one at `start`, none after `end`. Raises UsageError for too many, or for none."""
        if self.end < self.start:
            raise UsageError("the replay ends before it starts", hint="--from is the earlier time")
        count = (self.end - self.start) // self.every + 1
        if count > MOST_TICKS:
            raise UsageError(
                f"the replay would have {count} ticks, over {MOST_TICKS}",
                hint="a shorter time, or --every with a longer step",
            )
        return [self.start + number * self.every for number in range(count)]


def replay(rule: RuleUnderTest, bench: Bench, journey: Journey) -> tuple[Tick, ...]:
    """What each tick would have found. Reads only. Raises InputError for a query that cannot be replayed here."""
    payload = rule.payload or {}
    text = str(payload.get("query", ""))
    if bench.embedded and (lacking := beyond_embedded(text, bench.version)):
        raise InputError(f"the embedded Elasticsearch cannot run {lacking}", hint="replay it --on another environment")
    try:
        query = read_query(text, bench.version)
    except Unreadable as error:
        raise InputError(f"{rule.name}: {error}") from None

    def run(moment: datetime) -> list[dict[str, Json]]:
        return bench.server.query(
            apply_edits(query.tree.text, clock_edits(query.tree, moment)), filter=time_range(payload, moment)
        ).records()

    ticks = journey.ticks()
    look_for_data(rule, query, bench, ticks[0], ticks[-1])
    pool = ThreadPoolExecutor(max_workers=bench.parallel, thread_name_prefix="replay")
    try:
        return _ticks(ticks, list(pool.map(run, ticks)), rule.key_columns or ("_id",))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def look_for_data(rule: RuleUnderTest, query: RuleQuery, bench: Bench, start: datetime, end: datetime) -> None:
    """Raises InputError where there is no event that a run between the two moments could look at."""
    source = ", ".join(sources(query.tree))
    hint = "`deploy local load FILE.ndjson` brings events in" if bench.embedded else "does FROM name what is there?"
    within = time_range(rule.payload or {}, start, end)
    try:
        if bench.server.query(f"{query.source.span.of(query.tree.text)}\n| LIMIT 1", filter=within).rows:
            return
    except Refused as error:
        if "Unknown index" not in error.message:
            raise
        raise InputError(f"{rule.name}: there is no data: no index is called {source}", hint=hint) from None
    raise InputError(f"{rule.name}: {source} has no event in the time that the replay looks at", hint=hint)


def _ticks(
    moments: Sequence[datetime], results: Sequence[Sequence[Record]], key_columns: Sequence[str]
) -> tuple[Tick, ...]:
    known: set[str] = set()
    found = []
    for moment, rows in zip(moments, results, strict=True):
        entities = tuple(sorted({record_name(row, key_columns) for row in rows}))
        new = tuple(name for name in entities if name not in known)
        known.update(new)
        found.append(Tick(format_moment(moment), len(rows), entities, new))
    return tuple(found)


# -- what the user asks for --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ReplayRequest:
    """What the user asked for, as typed: times ISO 8601 or like "7d ago"; `every` like 1h, None for the rule's own."""

    name: str
    start: str
    end: str = "now"
    every: str | None = None


def replay_rule(repository: Repository, connection: Connection, request: ReplayRequest) -> Replay:
    """Run one rule at each tick of its schedule. A rule that is not deployed yet is taken as it would be."""
    space = connection.environment.spaces[0]
    bench = make_bench(connection, space)
    now = bench.clock()
    rule = _rule(repository, connection, request.name, space)
    interval, _ = schedule(rule.payload or {})
    every = _step(request.every) if request.every else timedelta(seconds=interval)
    journey = Journey(parse_time(request.start, now), parse_time(request.end, now), every)
    return Replay(
        environment=connection.environment.name,
        rule_id=rule.rule_id,
        name=rule.name,
        start=format_moment(journey.start),
        end=format_moment(journey.end),
        every=every.total_seconds(),
        key_columns=rule.key_columns,
        ticks=replay(rule, bench, journey),
    )


def replay_code(_: Replay) -> ExitCode:
    """0: whatever it found, the replay was done."""
    return ExitCode.OK


def _rule(repository: Repository, connection: Connection, name: str, space: str) -> RuleUnderTest:
    compilation = repository.compile(connection.target(space), Selection((name,)))
    desired = {compiled.rule.key: compiled.rule.payload for compiled in compilation.rules}
    found = rules_under_test(compilation, connection, space)
    named = [rule for rule in found if rule.name == name] or found
    if not named:
        first = next(issue for issue in compilation.issues if issue.level is Level.ERROR)
        raise InputError(first.message, location=first.location, hint=first.hint)
    if len(named) > 1:
        names = ", ".join(repr(rule.name) for rule in named)
        raise UsageError(f"{name} holds {len(named)} rules", hint=f"name one of {names}")
    rule = named[0]
    return rule if rule.payload is not None else replace(rule, payload=desired[rule.rule_id])


def parse_time(text: str, now: datetime) -> datetime:
    """A moment: ISO 8601 (UTC where no zone is given), "now", or "7d ago". Raises UsageError for anything else."""
    if text == "now":
        return now
    if text.endswith(" ago"):
        with suppress(ValueError):
            return now - timedelta(seconds=parse_span(text.removesuffix(" ago")))
    if moment := parse_moment(text):
        return moment
    raise UsageError(f"{text!r} is no time", hint='like 2026-11-24, 2026-11-24T10:00Z, or "7d ago"')


def _step(text: str) -> timedelta:
    try:
        return timedelta(seconds=parse_duration(text))
    except (ValueError, OverflowError):
        raise UsageError(f"{text!r} is no step", hint="like 5m, 1h or 1d") from None
