"""Time travel: a rule run at each tick of its schedule over past data, with the clock of that tick."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from entra_deployer.core.errors import InputError, Refused, UsageError
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.time import format_moment
from entra_deployer.esql.columns import sources
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.embedded import beyond_embedded
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, clock_edits, read_query
from entra_deployer.verify.judge import Record, record_name
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.replayed import Tick
from entra_deployer.verify.run import Bench, RuleUnderTest

MOST_TICKS = 20_000
"""A replay asks Elasticsearch once for each tick."""


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
