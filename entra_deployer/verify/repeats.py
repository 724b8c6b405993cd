"""Does a rule alert again on events that it alerted on before? Pure: what two consecutive runs of it showed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.time import math_age, parse_duration
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.verify.judge import Record, belongs, matches

REPEATS = "DEP806"

RUNS = 2
"""Consecutive runs that are compared: the rule's schedule up to now."""


def seen_by_both(payload: Mapping[str, Json], tests: Sequence[DetectionTest]) -> tuple[Expectation, ...]:
    """The entities to catch whose events all lie in the time that both runs look at, so that both see the same.

    () where the runs do not overlap, or the rule's range is of a form that this does not read.
    """
    interval, lookback = schedule(payload)
    if not interval < lookback:
        return ()
    return tuple(
        item
        for test in tests
        for item in test.catches
        if (mine := [event for event in test.events if belongs(event, item.entity)])
        and all(interval < event.age and _oldest(event) < lookback for event in mine)
    )


def _oldest(event: Event) -> float:
    return event.age + (event.count - 1) * event.every


def schedule(payload: Mapping[str, Json]) -> tuple[float, float]:
    """How often the rule runs and how far back each run looks, in seconds; 0 for what cannot be told."""
    interval = 0
    with suppress(ValueError):
        interval = parse_duration(str(payload.get("interval", "5m")))
    oldest, newest = looked_at(payload)
    return interval, 0.0 if newest else oldest or 0.0


def looked_at(payload: Mapping[str, Json]) -> tuple[float | None, float]:
    """The age of the oldest and of the newest event that a run looks at, in seconds; None for what cannot be told."""
    return _age(payload.get("from", "now-6m")), _age(payload.get("to", "now")) or 0.0


def _age(text: Json) -> int | None:
    """The age that date math without rounding means; None for any other."""
    age = None if "/" in str(text) else math_age(text)
    return age if age is not None and age >= 0 else None


def repeated(
    payload: Mapping[str, Json],
    entities: Sequence[Expectation],
    once: Sequence[Record],
    both: Sequence[Record],
    *,
    subject: str,
) -> Iterator[Issue]:
    """One issue where an entity has more alerts after all runs (`both`) than after the last one alone (`once`)."""
    again = [item for item in entities if _count(item, both) > _count(item, once)]
    if not again:
        return
    interval, _ = schedule(payload)
    message = (
        f"{len(again)} of {len(entities)} entities, {again[0].name} first, alert again at each run for the same events:"
        f" {3600 / interval:g} duplicates an hour for each"
    )
    hint = "say `duplicates: suppress` (Platinum), `window` or, if that is meant, `none` in rule.yaml"
    yield Issue(REPEATS, Level.ERROR, message, subject, hint=hint)


def _count(item: Expectation, alerts: Sequence[Record]) -> int:
    return sum(matches(item.entity, alert) for alert in alerts)
