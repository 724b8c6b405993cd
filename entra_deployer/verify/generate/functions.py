"""Functions of ES|QL that turn a text into another value, as Elasticsearch computes them. None is null."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from math import floor

from entra_deployer.core.json import Untyped as Json

_REFERENCE = re.compile(r"\\(.)|\$(\d)", re.DOTALL)


KEEPING = frozenset(
    {"mv_slice", "mv_first", "mv_last", "mv_min", "mv_max", "mv_dedupe", "to_string", "to_ip", "to_boolean"}
)
"""Functions that give the value which they get, as it stands in an event with one value a field."""

NUMBER_CASTS = frozenset({"to_integer", "to_int", "to_long", "to_double"})
"""Functions that take a text for the number in it."""


class Unknown(Exception):
    """What cannot be computed here; its text names it."""


def compute(name: str, *arguments: Json) -> Json:
    """The value of a function. Raises Unknown for one that is not known, and for arguments that are none for it."""
    if name not in _FUNCTIONS:
        raise Unknown(name.upper())
    if any(argument is None for argument in arguments):
        return None
    try:
        return _FUNCTIONS[name](*arguments)
    except (AttributeError, IndexError, TypeError, ValueError, re.error) as error:
        raise Unknown(name.upper()) from error


def is_known(name: str) -> bool:
    """Can it be computed here."""
    return name in _FUNCTIONS


def _substring(text: str, start: int, length: int | None = None) -> Json:
    """From the 1-based start on, from the end for a negative one; a negative length is an error, and null."""
    first = start - 1 if start > 0 else max(0, len(text) + start) if start < 0 else 0
    if length is None:
        return text[first:]
    return text[first : first + length] if length >= 0 else None


def _replace(text: str, pattern: str, new: str) -> str:
    """The replacement is Java's: $1 is a group, a backslash takes the next character as it is."""

    def write(found: re.Match[str]) -> str:
        return _REFERENCE.sub(lambda part: part[1] if part[1] is not None else found[int(part[2])] or "", new)

    return re.sub(pattern, write, text)


def _whole(value: Json) -> int:
    """The nearest whole number, of two the one above."""
    return floor(value + 0.5) if isinstance(value, float) else int(value)


_FUNCTIONS: dict[str, Callable[..., Json]] = {
    "to_lower": str.lower,
    "to_upper": str.upper,
    "trim": str.strip,
    "ltrim": str.lstrip,
    "rtrim": str.rstrip,
    "reverse": lambda text: text[::-1],
    "length": len,
    "to_integer": _whole,
    "to_int": _whole,
    "to_long": _whole,
    "to_double": float,
    "left": lambda text, length: text[: max(0, length)],
    "right": lambda text, length: text[max(0, len(text) - length) :],
    "substring": _substring,
    "replace": _replace,
    "locate": lambda text, part: text.find(part) + 1,
    "concat": lambda *texts: "".join(texts),
    "mv_concat": lambda value, _: value,
    "from_base64": lambda text: b64decode(text, validate=True).decode(),
    "to_base64": lambda text: b64encode(text.encode()).decode(),
}
