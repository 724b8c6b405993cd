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
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from entra_deployer import facts
from entra_deployer.esql.patterns.regex import UnreadablePattern, compiled, read
from entra_deployer.facts import Since

type Value = Any
"""A value of ES|QL as Python has it: text, number, truth, moment, list, None for null. What can be done with it shows
when it is tried.
"""


class Text(str):
    """A value of a text field: a full-text search looks at its words, anything else at all of it."""

    __slots__ = ()


class Unknown(Exception):
    """What cannot be computed here; its text names it."""


# -- what they take and give -------------------------------------------------------------------------------------------

SAME = "="
"""A function gives what its first argument is."""


@dataclass(frozen=True)
class Signature:
    """The families of the arguments (the last one repeats where `repeats`), how many are needed, and what comes out.

    `gives` is a family, SAME for that of the first argument, "" where it is not plain.
    """

    takes: tuple[frozenset[str], ...]
    gives: str
    least: int
    repeats: bool = False

    def at(self, position: int) -> frozenset[str] | None:
        """The families of an argument; None where there is none."""
        if position < len(self.takes):
            return self.takes[position]
        return self.takes[-1] if self.repeats else None


_ANY = frozenset({"string", "number", "date", "ip", "version", "boolean", "other", "span"})
"""Families: string (keyword, text), number, date, ip, version, boolean, span (a time span), other (geo_point, ...)."""
_WORDS = {
    "s": frozenset({"string"}),
    "n": frozenset({"number"}),
    "d": frozenset({"date"}),
    "i": frozenset({"ip"}),
    "b": frozenset({"boolean"}),
    "t": frozenset({"span"}),
    "v": frozenset({"version"}),
    "*": _ANY - {"span"},
    "o": frozenset({"string", "number", "date", "ip", "version", "boolean"}),
    "T": frozenset({"string", "number", "boolean"}),
    "I": frozenset({"string", "ip"}),
    "V": frozenset({"string", "version"}),
    "P": frozenset({"string", "number", "date", "ip", "boolean"}),
    "N": frozenset({"string", "number", "date", "boolean"}),
    "D": frozenset({"string", "number", "date"}),
    "B": frozenset({"number", "date"}),
    "W": frozenset({"number", "span"}),
}


def _signature(text: str) -> Signature:
    """`ss?+>s`: letters as above; what stands behind `?` may be left out, a `+` repeats the last one."""
    taken, _, gives = text.partition(">")
    needed, _, optional = taken.partition("?")
    letters = (needed + optional).replace("+", "")
    repeats = "+" in taken
    return Signature(tuple(_WORDS[letter] for letter in letters), gives, len(needed.replace("+", "")), repeats)


_TABLE = {
    "abs ceil floor round signum": "n?n>=",
    "acos asin atan cbrt cos cosh exp log10 sin sinh sqrt tan tanh to_degrees to_radians": "n>number",
    "atan2 hypot pow": "nn>number",
    "log": "n?n>number",
    "e pi tau": ">number",
    "now": ">date",
    "case": "b*?*+>",
    "coalesce": "*?*+>=",
    "greatest least": "o?o+>=",
    "cidr_match": "is?s+>boolean",
    "ip_prefix": "inn>ip",
    "concat": "ss?s+>string",
    "ends_with starts_with contains": "ss>boolean",
    "left right repeat": "sn>string",
    "length bit_length byte_length": "s>number",
    "locate": "ss?n>number",
    "ltrim rtrim trim reverse to_lower to_upper md5 sha1 sha256": "s>string",
    "to_base64 from_base64 url_encode url_decode": "s>string",
    "space": "n>string",
    "hash": "ss>string",
    "replace": "sss>string",
    "split": "ss>string",
    "substring": "sn?n>string",
    "date_diff": "sdd>number",
    "date_extract": "sd>number",
    "date_format": "D?d>string",
    "date_parse": "s?s>date",
    "date_trunc": "td>date",
    "bucket": "BW?DD>=",
    "categorize": "s>string",
    "to_boolean to_bool": "T>boolean",
    "to_datetime to_dt": "D>date",
    "to_date_nanos": "D>date",
    "to_double to_dbl to_integer to_int to_long to_unsigned_long to_ul to_ulong": "N>number",
    "to_ip": "I>ip",
    "to_string to_str": "*>string",
    "to_version to_ver": "V>version",
    "mv_append": "**>=",
    "mv_avg mv_median mv_sum": "n>number",
    "mv_concat": "ss>string",
    "mv_count": "*>number",
    "mv_dedupe mv_first mv_last mv_max mv_min": "*>=",
    "mv_slice": "*n?n>=",
    "mv_sort": "o?s>=",
    "mv_zip": "ss?s>string",
    "mv_percentile": "nn>number",
    "kql qstr": "s>boolean",
    "count": "?*>number",
    "count_distinct": "o?n>number",
    "sum": "n>number",
    "avg median median_absolute_deviation std_dev": "n>number",
    "percentile": "nn>number",
    "weighted_avg": "nn>number",
    "max min": "o>=",
    "values": "o>=",
    "top": "Pns>=",
}
SIGNATURES: Mapping[str, Signature] = {
    name: _signature(text) for names, text in _TABLE.items() for name in names.split()
}
"""What the functions that detections use take and give, asked of a real 8.19.21 (integration/test_semantics.py)."""

_COUNTING = (
    "avg count count_distinct max median median_absolute_deviation min percentile sum values top std_dev "
    "weighted_avg sample st_centroid_agg st_extent_agg first last absent present earliest latest variance"
)
AGGREGATES = frozenset(_COUNTING.split())
"""The functions that turn many rows into one value: only STATS has them."""

GROUPINGS = frozenset(("bucket", "categorize", "tbucket"))
"""The functions that only the BY of a STATS has."""

_DEMANDED = {
    _WORDS["s"]: "keyword",
    _WORDS["n"]: "long",
    _WORDS["d"]: "date",
    _WORDS["i"]: "ip",
    _WORDS["b"]: "boolean",
    _WORDS["B"]: "date",  # BUCKET, which mostly is of times
}
"""The type of a field by the families that may stand in its place, where these tell one."""


# -- the table ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Function:
    """One function. `since` is None where it is not known.

    `signature` is None where nobody noted what it takes and gives. `compute` gives the value of values that are there,
    None where it is not computed here; with `several` it sees all values of a field as a list. `keeps`:
    on a field with one value it gives that value. `keeps_case`: it leaves letters in the case that they have. `number`:
    it takes a text for the number in it.
    """

    name: str
    since: Since | None = None
    signature: Signature | None = None
    compute: Callable[..., Value] | None = None
    several: bool = False
    keeps: bool = False
    keeps_case: bool = False
    number: bool = False

    @property
    def aggregate(self) -> bool:
        """Whether it turns many rows into one value: it belongs into STATS."""
        return self.name in AGGREGATES

    @property
    def gives(self) -> str:
        """The family of its value, SAME for that of the first argument, "" where it is not plain."""
        return self.signature.gives if self.signature else ""

    def demands(self, position: int) -> str | None:
        """The type of a field that stands at a position alone; None where the position tells none."""
        families = self.signature.at(position) if self.signature else None
        return _DEMANDED.get(families) if families else None


def compute(name: str, *arguments: Value) -> Value:
    """The value of a function; null where an argument is, or has several values where one is asked for.

    Raises Unknown for a function that is not computed here, and for arguments that are none for it.
    """
    function = FUNCTIONS.get(name)
    if function is None or function.compute is None:
        raise Unknown(name.upper())
    for argument in arguments:
        if argument is None or (isinstance(argument, list) and not function.several):
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


class Version(str):
    """A version: numbers between dots, each compared as one; of two that begin alike the shorter is the smaller.

    Comparing raises ValueError where one of two is written in another way, such as 1.0-beta.
    """

    __slots__ = ()

    @property
    def _numbers(self) -> list[int]:
        return [int(part) for part in self.split(".")]

    def __lt__(self, other: str) -> bool:
        """Whether it is the older one."""
        return self._numbers < Version(other)._numbers

    def __le__(self, other: str) -> bool:
        """Whether it is no newer."""
        return self._numbers <= Version(other)._numbers

    def __gt__(self, other: str) -> bool:
        """Whether it is the newer one."""
        return self._numbers > Version(other)._numbers

    def __ge__(self, other: str) -> bool:
        """Whether it is no older."""
        return self._numbers >= Version(other)._numbers


def _substring(text: str, start: int, length: int | None = None) -> Value:
    """From the 1-based start on, from the end for a negative one; a negative length is an error, and null."""
    first = start - 1 if start > 0 else max(0, len(text) + start) if start < 0 else 0
    if length is None:
        return text[first:]
    return text[first : first + length] if length >= 0 else None


def _replace(text: str, pattern: str, new: str) -> str:
    """The replacement is Java's: $1 is a group, a backslash takes the next character as it is."""
    try:
        return compiled(read(pattern).python).sub(_template(new), text)
    except UnreadablePattern as error:
        raise Unknown("REPLACE with this pattern") from error


@lru_cache(maxsize=256)
def _template(new: str) -> str:
    """A replacement of Java's in Python's dialect: a text with many matches takes it without a call for each."""
    parts: list[str] = []
    end = 0
    for found in _REFERENCE.finditer(new):
        literal = new[end : found.start()] + (found[1] or "")
        parts += [literal.replace("\\", r"\\"), f"\\g<{found[2]}>" if found[2] else ""]
        end = found.end()
    return "".join([*parts, new[end:].replace("\\", r"\\")])


def _whole(value: Value) -> int:
    """The nearest whole number, of two the one above; of a moment its milliseconds since 1970."""
    if isinstance(value, datetime):
        return round(value.timestamp() * 1000)
    if isinstance(value, str):
        return math.floor(float(value) + 0.5)
    return math.floor(value + 0.5) if isinstance(value, float) else int(value)


def _double(value: Value) -> float:
    return float(_whole(value)) if isinstance(value, datetime) else float(value)


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


_DETAILS: dict[str, Function] = {
    one.name: one
    for one in (
        Function("to_lower", compute=lambda text: text.lower()),
        Function("to_upper", compute=lambda text: text.upper()),
        Function("trim", keeps_case=True, compute=lambda text: text.strip()),
        Function("ltrim", keeps_case=True, compute=lambda text: text.lstrip()),
        Function("rtrim", keeps_case=True, compute=lambda text: text.rstrip()),
        Function("reverse", keeps_case=True, compute=lambda text: text[::-1]),
        Function("length", compute=len),
        Function("byte_length", compute=lambda text: len(text.encode())),
        Function("left", keeps_case=True, compute=lambda text, count: text[: max(0, count)]),
        Function(
            "right",
            keeps_case=True,
            compute=lambda text, count: text[max(0, len(text) - count) :],
        ),
        Function("substring", keeps_case=True, compute=_substring),
        Function("replace", compute=_replace),
        Function("locate", compute=lambda text, part: text.find(part) + 1),
        Function("concat", compute=lambda *texts: "".join(texts)),
        Function("split", compute=_split),
        Function("repeat", compute=lambda text, count: text * count),
        Function("space", compute=lambda count: " " * count),
        Function("starts_with", compute=lambda text, part: text.startswith(part)),
        Function("ends_with", compute=lambda text, part: text.endswith(part)),
        Function("contains", compute=lambda text, part: part in text),
        Function("from_base64", compute=lambda t: b64decode(t, validate=True).decode()),
        Function("to_base64", compute=lambda text: b64encode(text.encode()).decode()),
        Function("url_decode", compute=unquote_plus),
        Function("url_encode", compute=quote_plus),
        Function("md5", compute=lambda text: hashlib.md5(text.encode()).hexdigest()),  # noqa: S324
        Function("sha1", compute=lambda text: hashlib.sha1(text.encode()).hexdigest()),  # noqa: S324
        Function("sha256", compute=lambda text: hashlib.sha256(text.encode()).hexdigest()),
        Function("to_integer", number=True, compute=_whole),
        Function("to_int", number=True, compute=_whole),
        Function("to_long", number=True, compute=_whole),
        Function("to_double", number=True, compute=_double),
        Function("to_dbl", number=True, compute=_double),
        Function("to_string", keeps=True),
        Function("to_str", keeps=True),
        Function("to_ip", keeps=True),
        Function("to_boolean", keeps=True),
        Function("to_bool", keeps=True),
        Function("to_version", compute=Version),
        Function("to_ver", compute=Version),
        Function("abs", compute=abs),
        Function("ceil", compute=math.ceil),
        Function("floor", compute=math.floor),
        Function("round", compute=_round),
        Function("sqrt", compute=math.sqrt),
        Function("exp", compute=math.exp),
        Function("log10", compute=math.log10),
        Function("pow", compute=_power),
        Function("greatest", compute=max),
        Function("least", compute=min),
        Function("mv_count", several=True, compute=lambda value: len(_values(value))),
        Function("mv_concat", several=True, compute=lambda value, by: by.join(_values(value))),
        Function("mv_first", several=True, keeps=True, keeps_case=True, compute=lambda v: _values(v)[0]),
        Function("mv_last", several=True, keeps=True, keeps_case=True, compute=lambda v: _values(v)[-1]),
        Function("mv_min", several=True, keeps=True, compute=lambda value: min(_values(value))),
        Function("mv_max", several=True, keeps=True, compute=lambda value: max(_values(value))),
        Function("mv_sum", several=True, keeps=True, compute=lambda value: sum(_values(value))),
        Function("mv_avg", several=True, compute=lambda v: sum(_values(v)) / len(_values(v))),
        Function(
            "mv_dedupe",
            several=True,
            keeps=True,
            keeps_case=True,
            compute=lambda value: _one_or_list(list(dict.fromkeys(_values(value)))),
        ),
        Function("mv_sort", several=True, compute=lambda v, *_: _one_or_list(sorted(_values(v)))),
        Function("mv_slice", several=True, keeps=True, compute=_slice),
        Function(
            "mv_append",
            several=True,
            compute=lambda one, two: [*_values(one), *_values(two)],
        ),
        Function(
            "mv_contains",
            several=True,
            compute=lambda value, asked: all(one in _values(value) for one in _values(asked)),
        ),
    )
}


def _table() -> dict[str, Function]:
    names = sorted({*facts.FUNCTIONS, *_DETAILS})
    details = {name: _DETAILS.get(name, Function(name)) for name in names}
    return {
        name: replace(details[name], since=facts.FUNCTIONS.get(name), signature=SIGNATURES.get(name)) for name in names
    }


FUNCTIONS: dict[str, Function] = _table()
"""Every function that is known, by its name in lower case."""
