"""What ES|QL does with values that are there: compares, calculates, searches texts and networks, tells times."""

import ipaddress
import operator
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from entra_deployer.core.time import difference_unit, parse_moment
from entra_deployer.esql.functions import Text, Unknown, Value
from entra_deployer.esql.patterns import regex

COMPARE: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=~": lambda left, right: left.lower() == right.lower(),
}
"""What compares two values."""


def _divided(left: Value, right: Value) -> Value:
    """Whole numbers give a whole one, cut off; nothing can be divided by zero, and that gives null."""
    if right == 0:
        return None
    return left / right if isinstance(left, float) or isinstance(right, float) else int(left / right)


def _rest(left: Value, right: Value) -> Value:
    """With the sign of the left side, as Java has it."""
    return None if right == 0 else left - right * int(left / right)


ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _rest,
}
"""What calculates with two values."""


def within_networks(address: str, networks: Sequence[str]) -> bool:
    """Does one of the blocks of addresses hold it. ValueError for what is none."""
    found = address_in(address)
    return any(found in _network(network) for network in networks)


@lru_cache(maxsize=4096)
def address_in(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that a text is. ValueError for none."""
    return ipaddress.ip_address(text)


@lru_cache(maxsize=4096)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text, strict=False)


def is_like(text: Value, pattern: str) -> bool:
    """LIKE."""
    return _like(pattern).fullmatch(str(text)) is not None


@lru_cache(maxsize=4096)
def _like(pattern: str) -> re.Pattern[str]:
    return regex.compiled(regex.like_to_regex(pattern))


def is_rlike(text: Value, pattern: str) -> bool:
    """RLIKE. Raises UnreadablePattern for a pattern that is not read here."""
    return regex.matches(regex.from_lucene(pattern), str(text))


_WORD = re.compile(r"\w+")
_JOINS = frozenset(".:',;·\N{RIGHT SINGLE QUOTATION MARK}")
"""Signs between letters or digits at some of which Elasticsearch does not part two words."""


def is_matched(held: Value, asked: Value, *, phrase: bool = False) -> bool:
    """Full-text search: a text holds one of the words that are asked for, or the `phrase`; anything else is equal.

    Raises Unknown where it depends on how Elasticsearch takes a text apart.
    """
    if not isinstance(held, Text):
        return held == asked or (not isinstance(held, str) and str(held).lower() == str(asked).lower())
    words = [(one[0].lower(), _stands_alone(held, one)) for one in _WORD.finditer(held)]
    wanted = [one.lower() for one in _WORD.findall(str(asked))]
    if phrase:
        places = [n for n in range(len(words)) if [word for word, _ in words[n : n + len(wanted)]] == wanted]
        found = [all(alone for _, alone in words[n : n + len(wanted)]) for n in places]
    else:
        found = [alone for word, alone in words if word in wanted]
    if found and not any(found):
        raise Unknown("where the words of a text end")
    return any(found)


def _stands_alone(text: str, word: re.Match[str]) -> bool:
    """Whether a word ends on both sides, by any rule."""
    return not _JOINS & {text[max(0, word.start() - 1) : word.start()], text[word.end() : word.end() + 1]}


def compared(compare: Callable[[Value, Value], bool], left: Value, right: Value) -> bool:
    """A comparison of two values that are there; a text beside a moment is one. Raises Unknown."""
    if isinstance(left, datetime) and isinstance(right, str):
        right = moment_in(right)
    if isinstance(right, datetime) and isinstance(left, str):
        left = moment_in(left)
    try:
        return compare(left, right)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unknown("a comparison") from error


# -- moments ------------------------------------------------------------------------------------------------------

OF_TIME = frozenset({"date_trunc", "date_extract", "date_diff", "date_format", "to_datetime", "bucket"})
"""The functions of moments."""

_PARTS: dict[str, Callable[[datetime], int]] = {
    "hour_of_day": lambda moment: moment.hour,
    "day_of_week": lambda moment: moment.isoweekday(),
    "minute_of_hour": lambda moment: moment.minute,
    "second_of_minute": lambda moment: moment.second,
    "day_of_month": lambda moment: moment.day,
    "month_of_year": lambda moment: moment.month,
    "year": lambda moment: moment.year,
    "minute_of_day": lambda moment: moment.hour * 60 + moment.minute,
}
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def of_time(name: str, arguments: Sequence[Value]) -> Value:
    """A function of moments. Raises Unknown for what is not computed here."""
    match name, arguments:
        case "to_datetime", [str() as text]:
            return moment_in(text)
        case "to_datetime", [datetime() as moment]:
            return moment
        case ("date_trunc", [timedelta() as span, datetime() as moment]) | (
            "bucket",
            [datetime() as moment, timedelta() as span],
        ):
            return truncated(moment, span)
        case "date_extract", [str() as part, datetime() as moment] if part.lower() in _PARTS:
            return _PARTS[part.lower()](moment)
        case "date_format", [str() as form, datetime() as moment]:
            return _formatted(form, moment)
        case "date_diff", [str() as unit, datetime() as first, datetime() as last] if found := difference_unit(unit):
            return int((last - first).total_seconds() / found[1])
    raise Unknown(name.upper())


_FORMS = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "EEEE": "%A",
    "EEE": "%a",
    "E": "%a",
}
_FORM = re.compile(r"([A-Za-z])\1*|[^A-Za-z']+")


def _formatted(form: str, moment: datetime) -> str:
    """A moment in a form of Java's such as `yyyy-MM-dd HH`. Raises Unknown for letters that are not known."""
    pieces = [found[0] for found in _FORM.finditer(form)]
    if "".join(pieces) != form or any(piece[0].isalpha() and piece not in _FORMS for piece in pieces):
        raise Unknown(f"DATE_FORMAT with {form!r}")
    return "".join(moment.strftime(_FORMS[piece]) if piece in _FORMS else piece for piece in pieces)


def truncated(moment: datetime, span: timedelta) -> datetime:
    """The beginning of the span of time in which a moment lies; weeks begin on Monday."""
    start = _MONDAY if span.days and span.days % 7 == 0 else _EPOCH
    return moment - (moment - start) % span


def moment_in(text: str) -> datetime:
    """The moment that a text is. Raises Unknown for none."""
    if found := parse_moment(text):
        return found
    raise Unknown(f"the time {text!r}")
