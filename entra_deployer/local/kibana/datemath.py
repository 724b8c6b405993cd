"""Date math as rules write it: `now-6m`, `now-1d/d`, or a plain ISO date."""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

EXPRESSION: Final = re.compile(r"now(?P<steps>(?:[-+/]\d*[yMwdhms]?)*)")
STEP: Final = re.compile(r"(?P<sign>[-+/])(?P<count>\d*)(?P<unit>[yMwdhms])")
DURATION: Final = re.compile(r"(?P<count>[1-9]\d*)(?P<unit>[smhd])")
SPANS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}


def looks_valid(text: str) -> bool:
    """Whether the create route lets an expression pass; it is more lenient than the execution."""
    return bool(EXPRESSION.fullmatch(text)) or parse(text) is not None


def resolve(text: str, now: datetime) -> datetime | None:
    """The moment that an expression means, or None where it means nothing."""
    if not text.startswith("now"):
        return parse(text)
    moment, rest = now, text[3:]
    while rest:
        step = STEP.match(rest)
        if not step:
            return None
        try:
            moment = _stepped(moment, step["sign"], int(step["count"] or 1), step["unit"])
        except (OverflowError, ValueError):  # beyond the calendar
            return None
        rest = rest[step.end() :]
    return moment


def duration(text: str) -> timedelta | None:
    """A rule's interval, `5m`, as a span of time; None where it is none."""
    found = DURATION.fullmatch(text)
    return int(found["count"]) * SPANS[found["unit"]] if found else None


def iso(moment: datetime) -> str:
    """A moment as Kibana writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime | None:
    """An ISO date as a moment; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _stepped(moment: datetime, sign: str, count: int, unit: str) -> datetime:
    if sign == "/":
        return _floored(moment, unit)
    count = count if sign == "+" else -count
    if unit in SPANS:
        return moment + count * SPANS[unit]
    return _months_later(moment, count * (12 if unit == "y" else 1))


def _months_later(moment: datetime, months: int) -> datetime:
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day)


def _floored(moment: datetime, unit: str) -> datetime:
    order = ("microsecond", "second", "minute", "hour", "day", "month")
    floor = {"microsecond": 0, "second": 0, "minute": 0, "hour": 0, "day": 1, "month": 1}
    if unit == "w":
        moment -= timedelta(days=moment.isoweekday() % 7)
    smaller = order[: {"s": 1, "m": 2, "h": 3, "d": 4, "w": 4, "M": 5, "y": 6}[unit]]
    return moment.replace(**{name: floor[name] for name in smaller})  # type: ignore[arg-type]
