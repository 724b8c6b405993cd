"""Constants that Elasticsearch reads before a query runs, and refuses: units, patterns, networks, queries in strings.

Pure. What is not known for certain is let through.
"""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from ipaddress import ip_address, ip_network

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.kql_syntax import KqlError, check_kql
from entra_deployer.esql.lucene_syntax import LuceneError, check_query_string, check_regexp
from entra_deployer.esql.tree import Span

type Fault = tuple[str, Span, str | None]
"""What is refused, where, and what to write."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


UNITS = _words(
    "millisecond milliseconds ms second seconds sec s minute minutes min hour hours h day days d week weeks w "
    "month months mo quarter quarters q year years yr y"
)
DATE_PARTS = _words(
    "aligned_day_of_week_in_month aligned_day_of_week_in_year aligned_week_of_month aligned_week_of_year "
    "ampm_of_day clock_hour_of_ampm clock_hour_of_day day_of_month day_of_week day_of_year epoch_day era "
    "hour_of_ampm hour_of_day instant_seconds micro_of_day micro_of_second milli_of_day milli_of_second "
    "minute_of_day minute_of_hour month_of_year nano_of_day nano_of_second offset_seconds proleptic_month "
    "second_of_day second_of_minute year year_of_era"
)
DIFF_UNITS = _words(
    "year years yyyy yy quarter quarters qq q month months mm m dayofyear dy y day days dd d week weeks wk ww "
    "weekday weekdays dw hour hours hh minute minutes mi n second seconds ss s millisecond milliseconds ms "
    "microsecond microseconds mcs nanosecond nanoseconds ns"
)
GROK_NAMES = _words(
    "USERNAME USER EMAILLOCALPART EMAILADDRESS HTTPDUSER INT BASE10NUM NUMBER BASE16NUM BASE16FLOAT POSINT "
    "NONNEGINT WORD NOTSPACE SPACE DATA GREEDYDATA QUOTEDSTRING QS UUID URN MAC CISCOMAC WINDOWSMAC COMMONMAC "
    "IPV6 IPV4 IP HOSTNAME IPORHOST HOSTPORT HOST PATH UNIXPATH TTY WINPATH URIPROTO URIHOST URIPATH URIQUERY "
    "URIPARAM URIPATHPARAM URI MONTH MONTHNUM MONTHNUM2 MONTHDAY DAY YEAR HOUR MINUTE SECOND TIME DATE_US "
    "DATE_EU DATE ISO8601_TIMEZONE ISO8601_SECOND TIMESTAMP_ISO8601 TZ DATESTAMP PROG SYSLOGPROG SYSLOGHOST "
    "SYSLOGFACILITY SYSLOGTIMESTAMP HTTPDATE LOGLEVEL"
)
_PATTERN_LETTERS = frozenset("GuyDMLdQqYwWEecFaBhHkKmsSAnNVvzOXxZp")
_MOST_LETTERS = {**dict.fromkeys("dhHkKms", 2), "D": 3, "a": 1, **dict.fromkeys("MLEQqG", 5)}
_ISO = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}(:\d{2}(:\d{2}([.,]\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?")
_SHORT_HOUR = {"hour": "hour_of_day", "day": "day_of_month", "minute": "minute_of_hour", "month": "month_of_year",
               "second": "second_of_minute", "week": "aligned_week_of_year", "dow": "day_of_week"}  # fmt: skip


def constant_faults(node: nodes.Expression) -> Iterator[Fault]:
    """What is refused in the constants of this very node."""
    match node:
        case nodes.Duration(unit=unit) if unit not in UNITS:
            hint = "minutes are `min`, months `mo`" if unit == "m" else _near(unit, UNITS)
            yield f"{unit} is no unit of time", node.span, hint
        case nodes.Like(operator=operator, patterns=patterns):
            check = _like if operator == "like" else _rlike
            for text in _texts(*patterns):
                yield from check(text)
        case nodes.Call(name=name, arguments=arguments) if name in _CALLS:
            yield from _CALLS[name](arguments)


def grok_faults(pattern: str) -> Iterator[tuple[str, str]]:
    """Named patterns of GROK that do not exist and look like one that does, with what was meant."""
    for name in re.findall(r"%\{(\w+)(?::[^}]*)?\}", pattern):
        if name not in GROK_NAMES and (hint := _near_name(name)):
            yield f"GROK knows no %{{{name}}}", hint


def _near_name(name: str) -> str | None:
    close = get_close_matches(name.upper(), GROK_NAMES, n=1, cutoff=0.75)
    return f"did you mean %{{{close[0]}}}?" if close else None


def is_address(text: str) -> bool:
    """Whether a text is an IP address."""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_time(text: str) -> bool:
    """Whether Elasticsearch reads a text as a time where it is compared with one."""
    return _ISO.fullmatch(text) is not None


def _texts(*parts: nodes.Expression) -> Iterator[nodes.Literal]:
    for part in map(strip_parentheses, parts):
        if isinstance(part, nodes.Literal) and part.kind == "string":
            yield part


def _near(word: str, known: frozenset[str]) -> str | None:
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else None


def _like(text: nodes.Literal) -> Iterator[Fault]:
    pattern, position = str(text.value), 0
    while (position := pattern.find("\\", position)) >= 0:
        after = pattern[position + 1 : position + 2]
        if after not in ("*", "?", "\\") or not after:
            said = f"escapes {after!r}" if after else "escapes nothing at the end of the pattern"
            hint = r'a backslash itself is "\\\\" in quotes, """\\""" in three of them'
            yield f"a backslash of LIKE {said}: it stands before *, ? and \\ alone", text.span, hint
            return
        position += 2


def _rlike(text: nodes.Literal) -> Iterator[Fault]:
    try:
        check_regexp(str(text.value))
    except LuceneError as error:
        yield f"not a regular expression of RLIKE: {error}", text.span, error.hint


def _date_extract(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    for text in _texts(*arguments[:1]):
        part = str(text.value)
        if part.lower() not in DATE_PARTS:
            hint = f"did you mean {_SHORT_HOUR[part.lower()]}?" if part.lower() in _SHORT_HOUR else None
            yield f"DATE_EXTRACT knows no part {part!r}", text.span, hint or _near(part, DATE_PARTS)


def _date_diff(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    for text in _texts(*arguments[:1]):
        if str(text.value).lower() not in DIFF_UNITS:
            yield f"DATE_DIFF knows no unit {text.value!r}", text.span, _near(str(text.value), DIFF_UNITS)


def _date_pattern(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    if len(arguments) < 2:
        return
    for text in _texts(arguments[0]):
        if fault := _pattern_fault(str(text.value)):
            yield f"{text.value!r} is no date pattern: {fault}", text.span, None


def _pattern_fault(pattern: str) -> str:
    if "_" in pattern or "||" in pattern:
        return ""  # the name of a format of Elasticsearch's, or several patterns
    quoted = pattern.count("'") % 2
    if quoted:
        return "a quote is not closed"
    plain = re.sub(r"'[^']*'", "", pattern)
    for letters in re.findall(r"([A-Za-z])(\1*)", plain):
        letter, count = letters[0], 1 + len(letters[1])
        if letter not in _PATTERN_LETTERS:
            return f"{letter} means nothing there (plain text stands in '…')"
        if count > _MOST_LETTERS.get(letter, 99):
            return f"too many {letter}"
    return next((f"{sign} is reserved" for sign in "{}#" if sign in plain), "")


def _cidr(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    for text in _texts(*arguments[1:]):
        block = str(text.value)
        try:
            ip_network(block, strict=False)
        except ValueError:
            yield f"{block!r} is no block of addresses", text.span, 'write it as "10.0.0.0/8"'


def _kql(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    for text in _texts(*arguments[:1]):
        try:
            check_kql(str(text.value))
        except KqlError as error:
            yield f"KQL cannot be read: {error}", text.span, None


def _qstr(arguments: tuple[nodes.Expression, ...]) -> Iterator[Fault]:
    for text in _texts(*arguments[:1]):
        try:
            check_query_string(str(text.value))
        except LuceneError as error:
            yield f"QSTR cannot be read: {error}", text.span, None


_CALLS: dict[str, Callable[[tuple[nodes.Expression, ...]], Iterator[Fault]]] = {
    "date_extract": _date_extract,
    "date_diff": _date_diff,
    "date_format": _date_pattern,
    "date_parse": _date_pattern,
    "cidr_match": _cidr,
    "kql": _kql,
    "qstr": _qstr,
}
