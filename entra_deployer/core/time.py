"""Time in all its spellings: Kibana's `15m`, `1d 12h`, date math, ES|QL's units, ISO 8601, and words for people.

Spans are seconds. Of what the calendar makes longer or shorter (a month, a year) the longest is meant, everywhere.
"""

import re
from datetime import UTC, datetime, timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Seconds by the letter that Kibana, date math and the files of users have for a unit."""

DURATION = r"^([1-9][0-9]{0,7}[sm]|[1-9][0-9]{0,5}h|[1-9][0-9]{0,4}d)$(?!\n)"
"""Kibana's `15m` as files of the user's may say it: at most some centuries, so that every date stays one."""

SPAN = "([0-9]{1,8}[sm]|[0-9]{1,6}h|[0-9]{1,5}d|[0-9]{1,4}w)"
"""One part of a span of several: `1d 12h`."""

_ESQL_UNITS = {
    "millisecond": 0.001,
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 604800,
    "month": 31 * 86400,
    "quarter": 92 * 86400,
    "year": 366 * 86400,
}
_WHOLE = {name: name for name in _ESQL_UNITS} | {f"{name}s": name for name in _ESQL_UNITS}
_SPELLINGS = _WHOLE | {
    "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "h": "hour", "d": "day",
    "w": "week", "mo": "month", "q": "quarter", "y": "year", "yr": "year",
}  # fmt: skip
"""How ES|QL writes the unit of a time span: `1 day`, `2 mo`. `m` is none.

Source: a real 8.19.21, which tests/integration/test_time_units.py asks."""
_DIFFERENCES = _WHOLE | {
    "yyyy": "year", "yy": "year", "qq": "quarter", "q": "quarter", "mm": "month", "m": "month", "wk": "week",
    "ww": "week", "dayofyear": "day", "dy": "day", "y": "day", "dd": "day", "d": "day", "weekday": "day",
    "weekdays": "day", "dw": "day", "hh": "hour", "mi": "minute", "n": "minute", "ss": "second", "s": "second",
    "ms": "millisecond",
}  # fmt: skip
"""The units of DATE_DIFF, where `m` is a month and `n` a minute. Source: as above."""
CALENDAR = {"month", "quarter", "year"}
_MATH_UNITS = {**UNITS, "M": _ESQL_UNITS["month"], "y": _ESQL_UNITS["year"]}
_MATH = re.compile(r"now(?:([+-])([0-9]{1,8})([smhdwMy])(?:/[smhdwMy])?)?")


def parse_duration(text: str) -> int:
    """The seconds of Kibana's `5m`; ValueError for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,8})([smhd])", text)
    if not found:
        raise ValueError(f"{text!r} is not a duration")
    return int(found[1]) * UNITS[found[2]]


def format_duration(seconds: int, units: str = "dhms") -> str:
    """Kibana's form in the largest of `units` that divides: 1209600 is "14d", or "336h" where d is not among them."""
    for unit in units:
        if seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"


def parse_span(text: str) -> int:
    """The seconds of `1d 12h`; ValueError for anything else, and for more than some centuries."""
    if not re.fullmatch(f"{SPAN}( {SPAN}){{0,4}}", text):
        raise ValueError(f"{text!r} is not a span of time")
    return sum(int(part[:-1]) * UNITS[part[-1]] for part in text.split(" "))


def format_span(seconds: float) -> str:
    """As `parse_span` reads it: `1d 2h`; fractions of a second are left out."""
    rest, parts = int(seconds), []
    for unit in "dhms":
        if rest >= UNITS[unit]:
            parts.append(f"{rest // UNITS[unit]}{unit}")
            rest %= UNITS[unit]
    return " ".join(parts) or "0s"


def say_duration(seconds: float) -> str:
    """For people: "14 days"."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds:g} second{'s' if seconds != 1 else ''}"


def math_age(text: object) -> int | None:
    """The seconds before now of date math, `now-5m` (negative: of `now+1y`), before rounding; None for any other."""
    found = _MATH.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    if not found[1]:
        return 0
    return int(int(found[2]) * _MATH_UNITS[found[3]]) * (1 if found[1] == "-" else -1)


def esql_unit(unit: str) -> str | None:
    """The name of the unit of an ES|QL time span in any of its spellings, None for no unit."""
    return _SPELLINGS.get(unit.lower())


def esql_seconds(amount: int, unit: str) -> float | None:
    """The seconds of `amount` units, at most so many for calendar units; None for no unit."""
    name = esql_unit(unit)
    return amount * _ESQL_UNITS[name] if name else None


def difference_unit(unit: str) -> tuple[str, float] | None:
    """The name of a unit of DATE_DIFF and its seconds, the most of a calendar unit; None for no unit."""
    name = _DIFFERENCES.get(unit.lower())
    return (name, _ESQL_UNITS[name]) if name else None


def parse_moment(text: str) -> datetime | None:
    """A moment in ISO 8601, UTC where no zone is given; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def format_moment(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: 2026-11-26T02:00:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
TIME_OF_WEEK = rf"(({'|'.join(WEEKDAYS)}) )?([01][0-9]|2[0-3]):[0-5][0-9]"
"""How a time of day, or of a day of the week, is written: 03:30, sat 03:30."""


def last_time_of_week(text: str, now: datetime) -> datetime:
    """The last moment at or before `now` with this time of day, and on this day of the week where it says one."""
    day, _, clock = text.rpartition(" ")
    hour, minute = map(int, clock.split(":"))
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if day:
        moment -= timedelta(days=(moment.weekday() - WEEKDAYS.index(day)) % 7)
    return moment if moment <= now else moment - timedelta(days=7 if day else 1)


def time_of_week(moment: datetime) -> str:
    """A moment as such a text."""
    return f"{WEEKDAYS[moment.weekday()]} {moment:%H:%M}"
