"""One version of a rule, run at the moments of its schedule."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.core.text import one_line
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import key_columns
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.embedded import beyond_embedded
from entra_deployer.esql.rule_query import RuleQuery, Unreadable, clock_edits, read_query
from entra_deployer.facts import DEFAULT_ROWS, MOST_ROWS
from entra_deployer.forecast.alerts import Run, Scheme, row_of, scheme_of
from entra_deployer.forecast.figures import Version
from entra_deployer.forecast.runs import Asked, OutOfTime, Runner
from entra_deployer.stack.diagnosis import elastic_reason
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.repeats import schedule

MOST_RUNS = 20_000
_KIBANAS_INTERVAL = 300
_UNKNOWN_COLUMN = re.compile(r"Unknown column \[([^\]]+)\]")


@dataclass
class Trial:
    """A version of a rule with the runs that were made of it; `error` says why there are no more.

    `lacking` are fields that it reads and no event of its source has: then it cannot run.
    """

    query: RuleQuery
    payload: Mapping[str, Json]
    scheme: Scheme
    scheduled: tuple[datetime, ...]
    runs: dict[datetime, Run] = field(default_factory=dict)
    cost: float = 0.0
    error: str = ""
    lacking: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The FROM of its query, as it is written."""
        return self.query.source.span.of(self.query.tree.text)

    @property
    def limit(self) -> int:
        """How many rows a run can have."""
        limits = [one.count for one in self.query.tree.commands if isinstance(one, nodes.Limit) and one.count]
        return min([*limits, MOST_ROWS]) if limits else DEFAULT_ROWS

    @property
    def version(self) -> Version:
        """What was seen of it."""
        return Version(
            self.scheme, tuple(self.runs[at] for at in sorted(self.runs)), self.limit, len(self.scheduled) - 1
        )

    def count(self, runner: Runner) -> int | None:
        """How many events its source has in the time that any run looks at; None where there is no such source.

        Raises OutOfTime, and Refused for another reason than that the source is not there.
        """
        within = time_range(self.payload, self.scheduled[0], self.scheduled[-1])
        try:
            rows = runner.run(Asked(f"{self.source}\n| STATS events = COUNT(*)", within)).rows
        except Refused as error:
            if "Unknown index" in error.message:
                return None
            raise
        return int(str(rows[0][0])) if rows else 0

    def run(self, at: datetime, runner: Runner, clock: Callable[[], float] = time.monotonic) -> None:
        """Run it as Kibana would have at that moment. Nothing more is asked once a run was refused."""
        if self.error or self.lacking:
            return
        text = apply_edits(self.query.tree.text, clock_edits(self.query.tree, at))
        began = clock()
        try:
            found = runner.run(Asked(text, time_range(self.payload, at)))
        except Refused as error:
            reason = elastic_reason({"error": dict(error.attributes)}) or error.message
            self.lacking = tuple(dict.fromkeys(_UNKNOWN_COLUMN.findall(reason)))
            if self.lacking:
                return
            self.error = f"Elasticsearch refuses the query: {one_line(reason)}"
            return
        except OutOfTime:
            self.error = "there was not enough time: name fewer rules, fewer days, or more --time"
            return
        self.cost = max(self.cost, clock() - began)
        rows = tuple(row_of(record, self.scheme) for record in found.records())
        took = round((clock() - began) * 1000) if found.took is None else found.took
        self.runs[at] = Run(at, rows, took, found.documents or 0)

    def moments(self, most: int) -> tuple[datetime, ...]:
        """Its scheduled runs, or where these are more than `most` as many, evenly apart."""
        return evenly(self.scheduled, most)


def evenly(moments: Sequence[datetime], most: int) -> tuple[datetime, ...]:
    """The moments, or `most` of them (2 at least) as evenly apart as they come, the first and the last among them."""
    most = max(most, 2)
    if len(moments) <= most:
        return tuple(moments)
    return tuple(moments[number * (len(moments) - 1) // (most - 1)] for number in range(most))


def scheduled_runs(payload: Mapping[str, Json], now: datetime, days: float) -> tuple[datetime, ...]:
    """The runs of a rule in the last days, oldest first, and one before them: the last one is now."""
    interval, _ = schedule(payload)
    every = timedelta(seconds=interval or _KIBANAS_INTERVAL)
    count = min(int(timedelta(days=days) / every), MOST_RUNS)
    return tuple(now - number * every for number in range(max(count, 1) + 1))[::-1]


def make_trial(
    payload: Mapping[str, Json], version: StackVersion, now: datetime, days: float, *, embedded: bool
) -> Trial | str:
    """A version of a rule, ready to be run; or why it cannot be."""
    text = str(payload.get("query", ""))
    if embedded and (lacking := beyond_embedded(text, version)):
        return f"the embedded Elasticsearch cannot run {lacking}"
    try:
        query = read_query(text, version)
    except Unreadable as error:
        return str(error)
    scheme = scheme_of(payload, key_columns(query.tree))
    return Trial(query, payload, scheme, scheduled_runs(payload, now, days))
