"""Durations: seconds, Kibana's `<n>s|m|h|d`, ES|QL's `14 days`, and words for people."""

import re

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

DURATION = r"^([1-9][0-9]{0,7}[sm]|[1-9][0-9]{0,5}h|[1-9][0-9]{0,4}d)$(?!\n)"
"""Kibana's `15m` as files of the user's may say it: at most some centuries, so that every date stays one."""

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
_SHORT = {"ms": "millisecond", "s": "second", "sec": "second", "m": "minute", "min": "minute", "h": "hour"} | {
    "d": "day", "w": "week", "mo": "month", "q": "quarter", "y": "year", "yr": "year"
}  # fmt: skip
CALENDAR = {"month", "quarter", "year"}


def parse_duration(text: str) -> int:
    """The seconds of Kibana's `5m`; ValueError for anything else."""
    found = re.fullmatch(r"([1-9]\d*)([smhd])", text)
    if not found:
        raise ValueError(f"{text!r} is not a duration")
    return int(found[1]) * UNITS[found[2]]


def format_duration(seconds: int, units: str = "dhms") -> str:
    """Kibana's form in the largest of `units` that divides: 1209600 is "14d", or "336h" where d is not among them."""
    for unit in units:
        if seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"


def say_duration(seconds: float) -> str:
    """For people: "14 days"."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size and seconds % size == 0:
            count = int(seconds // size)
            return f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{seconds:g} second{'s' if seconds != 1 else ''}"


def esql_unit(unit: str) -> str | None:
    """The name of an ES|QL time unit in any of its spellings, None for no unit."""
    unit = unit.lower()
    name = _SHORT.get(unit) or unit.removesuffix("s")
    return name if name in _ESQL_UNITS else None


def esql_seconds(amount: int, unit: str) -> float | None:
    """The seconds of `amount` units, at most so many for calendar units; None for no unit."""
    name = esql_unit(unit)
    return amount * _ESQL_UNITS[name] if name else None
