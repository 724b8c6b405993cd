"""What is wanted of the value of one field: conditions that a value can be tried on."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql.patterns import regex
from entra_deployer.verify.generate import functions


class Kind(StrEnum):
    """What is wanted. NULL wants no value at all, PRESENT any; WISHED any too, though no condition asks for it."""

    NULL = "null"
    PRESENT = "present"
    WISHED = "wished"
    EQUAL = "equal"
    UNEQUAL = "unequal"
    NONE_OF = "none of"
    LESS = "less"
    AT_MOST = "at most"
    MORE = "more"
    AT_LEAST = "at least"
    LIKE = "like"
    UNLIKE = "unlike"
    RLIKE = "rlike"
    UNRLIKE = "unrlike"
    CIDR = "cidr"
    UNCIDR = "uncidr"
    YOUNGER = "younger"
    OLDER = "older"
    FORM = "form"


@dataclass(frozen=True)
class Step:
    """A function of ES|QL between the field and what is wanted; `arguments` are those behind the field."""

    name: str
    arguments: tuple[Json, ...] = ()


@dataclass(frozen=True)
class Want:
    """One condition. With `number` a text is meant that is a number, and the number is what is compared.

    `steps` are what the query makes of the field's value before it compares, in their order.

    YOUNGER and OLDER are of moments: `value` seconds before now. FORM is of a text that a pattern takes.
    """

    kind: Kind
    value: Json = None
    number: bool = False
    steps: tuple[Step, ...] = ()


def wanted_patterns(wants: Iterable[Want]) -> list[str]:
    """The regular expressions, in Python's dialect, that a text is to match; those that are not read are left out."""
    found = []
    for want in wants:
        if want.kind is Kind.LIKE:
            found.append(regex.like_to_regex(want.value))
        elif want.kind is Kind.RLIKE:
            with suppress(ValueError):
                found.append(regex.from_lucene(want.value))
    return found


def holds(want: Want, value: Json) -> bool:
    """Does a value (None for a field that is missing) satisfy the want."""
    if want.kind is Kind.NULL or value is None:
        return want.kind is Kind.NULL and value is None
    for step in want.steps:
        value = functions.compute(step.name, value, *step.arguments)
    if value is None:
        return False
    if want.number and want.kind is not Kind.FORM:
        return re.fullmatch(r"-?\d+", str(value)) is not None and _TESTS[want.kind](int(value), want.value)
    return _TESTS[want.kind](value, want.value)


def _within(value: str, networks: tuple[str, ...]) -> bool:
    address = ipaddress.ip_address(value)
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)


def _matches(pattern: str, value: Json) -> bool:
    return regex.matches(pattern, str(value))


_TESTS: dict[Kind, Callable[[Json, Json], bool]] = {
    Kind.PRESENT: lambda _value, _wanted: True,
    Kind.WISHED: lambda _value, _wanted: True,
    Kind.EQUAL: lambda value, wanted: bool(value == wanted),
    Kind.UNEQUAL: lambda value, wanted: bool(value != wanted),
    Kind.NONE_OF: lambda value, wanted: value not in wanted,
    Kind.LESS: lambda value, wanted: bool(value < wanted),
    Kind.AT_MOST: lambda value, wanted: bool(value <= wanted),
    Kind.MORE: lambda value, wanted: bool(value > wanted),
    Kind.AT_LEAST: lambda value, wanted: bool(value >= wanted),
    Kind.YOUNGER: lambda value, wanted: bool(value < wanted),
    Kind.OLDER: lambda value, wanted: bool(value > wanted),
    Kind.LIKE: lambda value, wanted: _matches(regex.like_to_regex(wanted), value),
    Kind.UNLIKE: lambda value, wanted: not _matches(regex.like_to_regex(wanted), value),
    Kind.RLIKE: lambda value, wanted: _matches(regex.from_lucene(wanted), value),
    Kind.UNRLIKE: lambda value, wanted: not _matches(regex.from_lucene(wanted), value),
    Kind.CIDR: _within,
    Kind.UNCIDR: lambda value, wanted: not _within(value, wanted),
    Kind.FORM: lambda value, wanted: _matches(wanted.expression, value),
}
