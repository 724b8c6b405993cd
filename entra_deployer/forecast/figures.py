"""What the runs of a rule come to: alerts a day, entities, limits, cost, and the flood of its first run. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import mean

from entra_deployer.forecast.alerts import Alert, Memory, Run, Scheme, alerts_of, known_after

MOST_NOISY = 5
DAY = 86400.0


@dataclass(frozen=True)
class Figures:
    """One version of a rule over the days that were looked at.

    `runs` were made of the `scheduled` ones: where they are fewer, the numbers are of every so-manieth run. `noisiest`
    are entities with their alerts, most first. `most_rows` came of one run, which holds `limit` rows at most and makes
    `max_signals` alerts; `full_runs` made as many as they may. Milliseconds and documents are those of the server.
    """

    alerts: int
    a_day: float
    entities: int
    noisiest: tuple[tuple[str, int], ...]
    most_rows: int
    limit: int
    max_signals: int
    full_runs: int
    runs: int
    scheduled: int
    mean_ms: float
    slowest_ms: int
    documents: int

    @property
    def is_sampled(self) -> bool:
        """Whether the rule would have run more often than it was run here."""
        return self.runs < self.scheduled

    @property
    def fires(self) -> bool:
        """Whether there would have been an alert."""
        return self.alerts > 0


@dataclass(frozen=True)
class Version:
    """A version of a rule and its runs, oldest first; the last one is the run of right now.

    The first one is of before the days that are counted: what it finds a rule that has run for long had alerted on.
    """

    scheme: Scheme
    runs: tuple[Run, ...]
    limit: int
    scheduled: int

    @property
    def counted(self) -> tuple[Run, ...]:
        """The runs within the days."""
        return self.runs[1:]

    def alerts(self) -> list[Alert]:
        """What the runs within the days alert on."""
        return alerts_of(self.counted, self.scheme, self.known())

    def known(self) -> Memory:
        """What was alerted on before."""
        return known_after(self.runs[0]) if self.runs else Memory()


def figures_of(version: Version, days: float) -> Figures:
    """The figures of one version over so many days."""
    alerts = version.alerts()
    counts = Counter(alert.entity for alert in alerts)
    by_run = Counter(alert.at for alert in alerts)
    noisiest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:MOST_NOISY]
    return Figures(
        alerts=len(alerts),
        a_day=len(alerts) / days,
        entities=len(counts),
        noisiest=tuple(noisiest),
        most_rows=max((len(run.rows) for run in version.runs), default=0),
        limit=version.limit,
        max_signals=version.scheme.most,
        full_runs=sum(count >= version.scheme.most for count in by_run.values()),
        runs=len(version.counted),
        scheduled=version.scheduled,
        mean_ms=mean(run.took for run in version.runs) if version.runs else 0.0,
        slowest_ms=max((run.took for run in version.runs), default=0),
        documents=sum(run.documents for run in version.runs),
    )


def difference(old: Version | None, new: Version) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The entities that only the new version alerts on, and those that only the old one does, sorted."""
    before = _entities(old.alerts()) if old else set()
    after = _entities(new.alerts())
    return tuple(sorted(after - before)), tuple(sorted(before - after))


def flood(old: Version | None, new: Version) -> int:
    """How many alerts the first run of the new version makes, where the old one ran until now."""
    memory = old.known() if old else Memory()
    if old:
        alerts_of(old.runs[1:-1], old.scheme, memory)
        if old.scheme.group_by != new.scheme.group_by:
            memory.groups.clear()
    return len(alerts_of(new.runs[-1:], new.scheme, memory))


def _entities(alerts: Iterable[Alert]) -> set[str]:
    return {alert.entity for alert in alerts}


def shares(costs: Sequence[float], seconds: float, parallel: int, *, least: int) -> list[int]:
    """How many runs each version may make within so many seconds in all, by what one run of it costs (seconds).

    Each gets an equal share of the time, and `least` runs at any rate.
    """
    share = seconds * parallel / max(len(costs), 1)
    return [max(int(share / max(cost, 0.001)), least) for cost in costs]
