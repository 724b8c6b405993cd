"""The functions of ES|QL, one table: which version has one, what it takes and gives, and how its value is computed.

Sources of the versions: Elastic's version history of ES|QL in its agent-skills repository (8.18 and 9.0, and 8.19 and
9.1, were released in pairs), and the `applies_to` marks of the ES|QL reference; the functions of 8.19 were asked of a
real 8.19.21 (tests/integration/test_compile.py asks again), and so were the values that are computed here
(tests/integration/test_synth.py). What is not listed is not known, and is said to be so.
"""

import hashlib
import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from entra_deployer import facts
from entra_deployer.esql.patterns.regex import UnreadablePattern, compiled, read
from entra_deployer.facts import Since

type Value = Any
"""A value of ES|QL as Python has it: text, number, truth, moment, list, None for null. What can be done with it shows
when it is tried.
"""

SAME = "same"
"""A function gives what its first argument is."""


class Unknown(Exception):
    """What cannot be computed here; its text names it."""


@dataclass(frozen=True)
class Function:
    """One function. `since` is None where it is not known.

    `takes` are the types that it demands of arguments, by position; `gives` the family of its value (`types.FAMILIES`),
    SAME for that of the first argument, "" where it is not plain. `compute` gives the value of values that are there,
    None where it is not computed here; with `several` it sees all values of a field as a list. `keeps`: on a field with
    one value it gives that value. `keeps_case`: it leaves letters in the case that they have. `number`: it takes a text
    for the number in it. `aggregate`: it belongs into STATS.
    """

    name: str
    since: Since | None = None
    takes: Mapping[int, str] = field(default_factory=dict)
    gives: str = ""
    compute: Callable[..., Value] | None = None
    several: bool = False
    keeps: bool = False
    keeps_case: bool = False
    number: bool = False
    aggregate: bool = False


def compute(name: str, *arguments: Value) -> Value:
    """The value of a function; null where an argument is, or has several values where one is asked for.

    Raises Unknown for a function that is not computed here, and for arguments that are none for it.
    """
    function = FUNCTIONS.get(name)
    if function is None or function.compute is None:
        raise Unknown(name.upper())
    if any(argument is None for argument in arguments):
        return None
    if not function.several and any(isinstance(argument, list) for argument in arguments):
        return None
    try:
        return function.compute(*arguments)
    except (AttributeError, IndexError, TypeError, ValueError, OverflowError, re.error) as error:
        raise Unknown(name.upper()) from error


def is_known(name: str) -> bool:
    """Can it be computed here."""
    return name in FUNCTIONS and FUNCTIONS[name].compute is not None


# -- values ----------------------------------------------------------------------------------------------------------

_REFERENCE = re.compile(r"\\(.)|\$(\d)", re.DOTALL)


def _substring(text: str, start: int, length: int | None = None) -> Value:
    """From the 1-based start on, from the end for a negative one; a negative length is an error, and null."""
    first = start - 1 if start > 0 else max(0, len(text) + start) if start < 0 else 0
    if length is None:
        return text[first:]
    return text[first : first + length] if length >= 0 else None


def _replace(text: str, pattern: str, new: str) -> str:
    """The replacement is Java's: $1 is a group, a backslash takes the next character as it is."""

    def write(found: re.Match[str]) -> str:
        return _REFERENCE.sub(lambda part: part[1] if part[1] is not None else found[int(part[2])] or "", new)

    try:
        return compiled(read(pattern).python).sub(write, text)
    except UnreadablePattern as error:
        raise Unknown("REPLACE with this pattern") from error


def _whole(value: Value) -> int:
    """The nearest whole number, of two the one above."""
    if isinstance(value, str):
        return math.floor(float(value) + 0.5)
    return math.floor(value + 0.5) if isinstance(value, float) else int(value)


def _round(value: float, places: int = 0) -> Value:
    """Half away from zero, as Elasticsearch rounds."""
    if isinstance(value, int) and places >= 0:
        return value
    scale = 10.0**places
    rounded = math.copysign(math.floor(abs(value) * scale + 0.5) / scale, value)
    return int(rounded) if isinstance(value, int) else rounded


def _split(text: str, delimiter: str) -> Value:
    parts = text.split(delimiter)
    return parts[0] if len(parts) == 1 else parts


def _values(value: Value) -> Sequence[Value]:
    return value if isinstance(value, list) else [value]


def _one_or_list(values: Sequence[Value]) -> Value:
    return values[0] if len(values) == 1 else list(values) or None


def _slice(value: Value, start: int, end: int | None = None) -> Value:
    values = list(_values(value))
    last = start if end is None else end
    stop = last + 1 if last >= 0 else len(values) + last + 1
    return _one_or_list(values[start if start >= 0 else len(values) + start : stop])


def _power(base: float, exponent: float) -> Value:
    return float(base) ** exponent


_TEXT, _NUMBER = {0: "keyword"}, {0: "long"}
_DETAILS: dict[str, Function] = {
    one.name: one
    for one in (
        Function("to_lower", takes=_TEXT, gives="text", compute=lambda text: text.lower()),
        Function("to_upper", takes=_TEXT, gives="text", compute=lambda text: text.upper()),
        Function("trim", takes=_TEXT, gives="text", keeps_case=True, compute=lambda text: text.strip()),
        Function("ltrim", takes=_TEXT, gives="text", keeps_case=True, compute=lambda text: text.lstrip()),
        Function("rtrim", takes=_TEXT, gives="text", keeps_case=True, compute=lambda text: text.rstrip()),
        Function("reverse", takes=_TEXT, gives="text", keeps_case=True, compute=lambda text: text[::-1]),
        Function("length", takes=_TEXT, gives="number", compute=len),
        Function("byte_length", takes=_TEXT, gives="number", compute=lambda text: len(text.encode())),
        Function("left", takes=_TEXT, gives="text", keeps_case=True, compute=lambda text, count: text[: max(0, count)]),
        Function(
            "right",
            takes=_TEXT,
            gives="text",
            keeps_case=True,
            compute=lambda text, count: text[max(0, len(text) - count) :],
        ),
        Function("substring", takes=_TEXT, gives="text", keeps_case=True, compute=_substring),
        Function("replace", takes=_TEXT, gives="text", compute=_replace),
        Function("locate", takes=_TEXT, gives="number", compute=lambda text, part: text.find(part) + 1),
        Function("concat", takes=_TEXT, gives="text", compute=lambda *texts: "".join(texts)),
        Function("split", takes=_TEXT, gives="text", compute=_split),
        Function("repeat", takes=_TEXT, gives="text", compute=lambda text, count: text * count),
        Function("space", gives="text", compute=lambda count: " " * count),
        Function("starts_with", takes=_TEXT, gives="boolean", compute=lambda text, part: text.startswith(part)),
        Function("ends_with", takes=_TEXT, gives="boolean", compute=lambda text, part: text.endswith(part)),
        Function("contains", takes=_TEXT, gives="boolean", compute=lambda text, part: part in text),
        Function("from_base64", takes=_TEXT, gives="text", compute=lambda t: b64decode(t, validate=True).decode()),
        Function("to_base64", takes=_TEXT, gives="text", compute=lambda text: b64encode(text.encode()).decode()),
        Function("url_decode", takes=_TEXT, gives="text", compute=unquote_plus),
        Function("url_encode", takes=_TEXT, gives="text", compute=quote_plus),
        Function("md5", takes=_TEXT, gives="text", compute=lambda text: hashlib.md5(text.encode()).hexdigest()),  # noqa: S324
        Function("sha1", takes=_TEXT, gives="text", compute=lambda text: hashlib.sha1(text.encode()).hexdigest()),  # noqa: S324
        Function("sha256", takes=_TEXT, gives="text", compute=lambda text: hashlib.sha256(text.encode()).hexdigest()),
        Function("to_integer", gives="number", number=True, compute=_whole),
        Function("to_int", gives="number", number=True, compute=_whole),
        Function("to_long", gives="number", number=True, compute=_whole),
        Function("to_double", gives="number", number=True, compute=float),
        Function("to_dbl", gives="number", number=True, compute=float),
        Function("to_string", gives="text", keeps=True),
        Function("to_str", gives="text", keeps=True),
        Function("to_ip", gives="ip", keeps=True),
        Function("to_boolean", gives="boolean", keeps=True),
        Function("to_bool", gives="boolean", keeps=True),
        Function("to_version", gives="text", keeps=True),
        Function("abs", takes=_NUMBER, gives="number", compute=abs),
        Function("ceil", gives="number", compute=math.ceil),
        Function("floor", gives="number", compute=math.floor),
        Function("round", takes=_NUMBER, gives="number", compute=_round),
        Function("sqrt", gives="number", compute=math.sqrt),
        Function("exp", gives="number", compute=math.exp),
        Function("log10", gives="number", compute=math.log10),
        Function("pow", gives="number", compute=_power),
        Function("greatest", gives=SAME, compute=max),
        Function("least", gives=SAME, compute=min),
        Function("mv_count", gives="number", several=True, compute=lambda value: len(_values(value))),
        Function("mv_concat", gives="text", several=True, compute=lambda value, by: by.join(_values(value))),
        Function("mv_first", gives=SAME, several=True, keeps=True, keeps_case=True, compute=lambda v: _values(v)[0]),
        Function("mv_last", gives=SAME, several=True, keeps=True, keeps_case=True, compute=lambda v: _values(v)[-1]),
        Function("mv_min", gives=SAME, several=True, keeps=True, compute=lambda value: min(_values(value))),
        Function("mv_max", gives=SAME, several=True, keeps=True, compute=lambda value: max(_values(value))),
        Function("mv_sum", gives="number", several=True, keeps=True, compute=lambda value: sum(_values(value))),
        Function("mv_avg", gives="number", several=True, compute=lambda v: sum(_values(v)) / len(_values(v))),
        Function(
            "mv_dedupe",
            gives=SAME,
            several=True,
            keeps=True,
            keeps_case=True,
            compute=lambda value: _one_or_list(list(dict.fromkeys(_values(value)))),
        ),
        Function("mv_sort", gives=SAME, several=True, compute=lambda v, *_: _one_or_list(sorted(_values(v)))),
        Function("mv_slice", gives=SAME, several=True, keeps=True, compute=_slice),
        Function(
            "mv_append",
            gives=SAME,
            several=True,
            compute=lambda one, two: [*_values(one), *_values(two)],
        ),
        Function(
            "mv_contains",
            gives="boolean",
            several=True,
            compute=lambda value, asked: all(one in _values(value) for one in _values(asked)),
        ),
        Function("cidr_match", takes={0: "ip"}, gives="boolean"),
        Function("now", gives="date"),
        Function("date_trunc", takes={1: "date"}, gives="date"),
        Function("date_format", takes={1: "date"}, gives="text"),
        Function("date_extract", takes={1: "date"}, gives="number"),
        Function("date_parse", gives="date"),
        Function("to_datetime", gives="date"),
        Function("date_diff", gives="number"),
        Function("bucket", takes={0: "date"}),
        Function("coalesce", gives=SAME),
        Function("min", gives=SAME, aggregate=True),
        Function("max", gives=SAME, aggregate=True),
        Function("values", gives=SAME, aggregate=True),
        Function("top", gives=SAME, aggregate=True),
        Function("count", gives="number", aggregate=True),
        Function("count_distinct", gives="number", aggregate=True),
        Function("sum", takes=_NUMBER, gives="number", aggregate=True),
        Function("avg", takes=_NUMBER, gives="number", aggregate=True),
        Function("median", takes=_NUMBER, gives="number", aggregate=True),
        Function("percentile", takes=_NUMBER, gives="number", aggregate=True),
        Function("std_dev", takes=_NUMBER, gives="number", aggregate=True),
    )
}


def _table() -> dict[str, Function]:
    names = sorted({*facts.FUNCTIONS, *_DETAILS})
    details = {name: _DETAILS.get(name, Function(name)) for name in names}
    return {name: replace(details[name], since=facts.FUNCTIONS.get(name)) for name in names}


FUNCTIONS: dict[str, Function] = _table()
"""Every function that is known, by its name in lower case."""
