"""A value for a field of which several things are wanted: candidates are made and tried on all of them."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from itertools import chain

from entra_deployer.core.time import format_moment, parse_moment
from entra_deployer.esql import functions
from entra_deployer.esql.functions import Text, Unknown, Value
from entra_deployer.esql.operations import address_in
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.patterns.extraction import number_of
from entra_deployer.esql.types import family, is_number
from entra_deployer.verify.generate.composed import composed
from entra_deployer.verify.generate.constraints import (
    Constraint,
    Constraints,
    Kind,
    Step,
    all_hold,
    by_steps,
    wanted_patterns,
)

PATHS = frozenset({"path", "executable", "directory"})
"""The last names of fields that hold a path: of its parts some queries make do."""

MOST_CHOICES = 12
"""So many alternatives of a pattern are tried."""

_TEXTS = frozenset({"text", "match_only_text", "semantic_text"})
"""Types of fields of which full-text search sees the words."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_USUAL_MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

_BOUNDS = {Kind.LESS: -1, Kind.AT_MOST: 0, Kind.MORE: 1, Kind.AT_LEAST: 0}


class Unpickable(Exception):
    """No candidate satisfies all that is wanted."""


def pick(name: str, kind: str, constraints: Sequence[Constraint], mark: str, texts: Sequence[str] = ()) -> Value:
    """A value of Elasticsearch's type `kind` for the field `name`; None where NULL is wanted.

    `mark` makes free values differ from case to case; `texts` are further candidates. Raises Unpickable.
    """
    found = _picked(name, kind, _Wanted.of(constraints), mark, tuple(texts))
    if found is _NOTHING:
        raise Unpickable(name)
    return found


_NOTHING = object()
"""Stands for no value, where None is one."""

MOST_PICKED = 10_000
"""So many values are kept: a solver asks again and again for the same."""

_ADDS_NOTHING = frozenset({Kind.PRESENT, Kind.WISHED, Kind.UNLIKE, Kind.UNRLIKE, Kind.UNMATCH})
_PLAIN_STEPS = frozenset({"to_lower", "to_upper"})


class _Wanted:
    """Constraints, told from others by all that is in them."""

    __slots__ = ("_hash", "constraints")

    def __init__(self, constraints: Constraints) -> None:
        self.constraints = constraints
        self._hash = constraints.hashed

    @classmethod
    def of(cls, constraints: Sequence[Constraint]) -> "_Wanted":
        return cls(constraints if isinstance(constraints, Constraints) else Constraints(constraints))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Wanted) and self.constraints.keys == other.constraints.keys


@lru_cache(MOST_PICKED)
def _picked(name: str, kind: str, wanted: _Wanted, mark: str, texts: tuple[str, ...]) -> Value:
    constraints = wanted.constraints
    if any(constraint.kind is Kind.NULL for constraint in constraints):
        return None if all(one.kind in (Kind.NULL, Kind.FORM) for one in constraints) else _NOTHING
    if len(constraints) > 1 and family(kind) != "date" and _adds_nothing(last := constraints[-1]):
        before = _picked(name, kind, _Wanted(Constraints(constraints[:-1])), mark, texts)
        if before is _NOTHING or _satisfies(before, kind, {last.steps: [last]}):
            return before
    asked = by_steps(constraints)
    candidates = map(partial(typed, kind=kind), chain(texts, _candidates(name, kind, constraints, mark)))
    return next((one for one in candidates if _satisfies(one, kind, asked)), _NOTHING)


def _adds_nothing(constraint: Constraint) -> bool:
    """Whether there are the same candidates without the constraint, in the same order: it only refuses some."""
    if constraint.number or any(step.name not in _PLAIN_STEPS for step in constraint.steps):
        return False
    return constraint.kind in _ADDS_NOTHING or (constraint.kind is Kind.UNEQUAL and isinstance(constraint.value, str))


def _satisfies(value: Value, kind: str, wanted: Mapping[tuple[Step, ...], Sequence[Constraint]]) -> bool:
    with suppress(TypeError, ValueError, Unknown):
        return value is not None and _suits(value, kind) and all_hold(wanted, value)
    return False


def typed(value: Value, kind: str) -> Value:
    """A value as a field of Elasticsearch's type `kind` holds it."""
    return Text(value) if kind in _TEXTS and isinstance(value, str) else value


def _suits(value: Value, kind: str) -> bool:
    """Whether a field of Elasticsearch's type `kind` takes a value. ValueError for a text that is no address."""
    if isinstance(value, list):
        return all(_suits(one, kind) for one in value)
    if is_number(kind):
        return not isinstance(value, bool) and _NUMBER.fullmatch(str(value)) is not None
    if kind == "ip":
        return address_in(str(value)) is not None
    if family(kind) == "date":
        return isinstance(value, str) and parse_moment(value) is not None
    return True


def _candidates(name: str, kind: str, constraints: Sequence[Constraint], mark: str) -> Iterator[Value]:
    for constraint in constraints:
        if constraint.kind in (Kind.EQUAL, Kind.MATCH):
            yield str(constraint.value) if constraint.number else constraint.value
            if constraint.steps and isinstance(constraint.value, str):
                yield from (constraint.value.upper(), constraint.value.lower())
    yield from _lists(constraints, mark)
    if any(constraint.number for constraint in constraints):
        yield from (str(number) for number in _numbers(constraints))
        return
    if kind == "boolean":
        yield from (False, True)
    elif is_number(kind):
        yield from _numbers(constraints)
    elif kind == "ip":
        yield from _addresses(constraints, mark)
    elif family(kind) == "date":
        yield from _moments(constraints, mark)
    else:
        yield from _texts(name, constraints, mark)


def _lists(constraints: Sequence[Constraint], mark: str) -> Iterator[list[str]]:
    """Several values, where their number is asked for, or what they are as one text."""
    asked = _among(constraints, mark)
    if len(asked) > 1:
        yield asked
    for constraint in constraints:
        if constraint.steps and constraint.steps[0].name == "mv_count" and isinstance(constraint.value, int):
            for number in (constraint.value, constraint.value + 1, constraint.value - 1):
                if number > 1:
                    yield [*asked, *(f"value-{mark}-{place}" for place in range(number))][:number]


def _among(constraints: Sequence[Constraint], mark: str) -> list[str]:
    """Texts that are asked for among several values: what their text as one is like, or is made of."""
    found: list[str] = []
    for one in constraints:
        joined = next((step.arguments[0] for step in one.steps if step.name == "mv_concat"), None)
        if joined is not None and isinstance(one.value, str):
            texts = (
                [one.value] if one.kind is Kind.EQUAL else [regex.try_example(p, mark) for p in wanted_patterns([one])]
            )
            found += [part for text in texts if text for part in (text.split(joined) if joined else [text])]
    return list(dict.fromkeys(found))


def _numbers(constraints: Sequence[Constraint]) -> Iterator[int]:
    for constraint in constraints:
        if constraint.kind is Kind.NONE_OF and (numbers := [one for one in constraint.value if isinstance(one, int)]):
            yield from (max(numbers) + 1, min(numbers) - 1)
    for constraint in constraints:
        if constraint.kind in _BOUNDS:
            yield int(constraint.value) + _BOUNDS[constraint.kind]
        elif constraint.kind is Kind.UNEQUAL and isinstance(constraint.value, int):
            yield constraint.value + 1
    yield from range(1, 50)


def _moments(constraints: Sequence[Constraint], mark: str) -> Iterator[str]:
    """Moments at and beside those that are asked for, and any."""
    for constraint in constraints:
        values = constraint.value if constraint.kind is Kind.NONE_OF else [constraint.value]
        for moment in filter(None, (parse_moment(one) for one in values if isinstance(one, str))):
            yield from (format_moment(moment + timedelta(seconds=step)) for step in (0, 1, -1))
    yield format_moment(_USUAL_MOMENT + timedelta(seconds=number_of(mark)))


def _addresses(constraints: Sequence[Constraint], mark: str) -> Iterator[str]:
    number = number_of(mark)
    for constraint in constraints:
        if constraint.kind is Kind.CIDR:
            for network in constraint.value:
                yield _address_of(network, number)
        elif constraint.kind is Kind.NONE_OF:
            yield from _behind(constraint.value)
    yield from (f"{net}.{number}" for net in ("203.0.113", "198.51.100", "192.0.2", "8.8.4", "10.9.8"))


@lru_cache(1024)
def _address_of(network: str, number: int) -> str:
    """An address of a block, by its number there."""
    first = ipaddress.ip_network(network, strict=False)
    return str(first[min(number, first.num_addresses - 1)])


def _behind(addresses: Sequence[Value]) -> Iterator[str]:
    """The address behind the last one of several."""
    with suppress(ValueError):
        yield str(ipaddress.IPv4Address(max(map(_number_of_address, addresses)) + 1))


@lru_cache(4096)
def _number_of_address(text: str) -> int:
    return int(ipaddress.IPv4Address(text))


def _texts(name: str, constraints: Sequence[Constraint], mark: str) -> Iterator[str]:
    """Free texts bear the field's own last name; of patterns each filler is tried, then several patterns in a row."""
    if any(constraint.kind in (Kind.CIDR, Kind.UNCIDR) for constraint in constraints):
        yield from _addresses(constraints, mark)
    yield from (
        text for constraint in constraints if constraint.kind is Kind.FORM for text in constraint.value.texts(mark)
    )
    if any(step.name in _VERSIONS for constraint in constraints for step in constraint.steps):
        yield from _versions(constraints, mark)
    encoded = any(step.name == "from_base64" for constraint in constraints for step in constraint.steps)
    for text in _plain_texts(name, constraints, mark):
        yield text
        if encoded:
            yield functions.compute("to_base64", text)


_VERSIONS = frozenset({"to_version", "to_ver"})


def _versions(constraints: Sequence[Constraint], mark: str) -> Iterator[str]:
    """Versions at and beside those that are asked for, then any."""
    for constraint in constraints:
        values = constraint.value if constraint.kind is Kind.NONE_OF else [constraint.value]
        for value in values:
            if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)*", value):
                *before, last = (int(part) for part in value.split("."))
                yield from (value, ".".join(map(str, (*before, last + 1))), f"{value}.{number_of(mark)}")
                first = [*before, last][0]
                yield from (f"{one}.{number_of(mark)}" for one in (first + 1, max(0, first - 1)))
    yield f"1.{number_of(mark)}"


def _plain_texts(name: str, constraints: Sequence[Constraint], mark: str) -> Iterator[str]:
    hint = name.rpartition("%")[2].rpartition(".")[2].strip("`") or "value"
    patterns = wanted_patterns(constraints)
    for choice in range(MOST_CHOICES if any("|" in pattern for pattern in patterns) else 1):
        for filler in (mark, ""):
            examples = [text for one in patterns if (text := regex.try_example(one, filler, choice)) is not None]
            if examples:
                yield from (*examples, "".join(examples), "".join(examples[::-1]))
    bounds = [constraint for constraint in constraints if not constraint.steps]
    yield from (f"{constraint.value}0" for constraint in bounds if constraint.kind is Kind.MORE)
    yield from (str(constraint.value) for constraint in bounds if constraint.kind in (Kind.AT_LEAST, Kind.AT_MOST))
    if hint in PATHS:
        yield f"/srv/{mark}/{hint}-{mark}"
    yield f"{hint}-{mark}"
    yield f"{hint}-{mark}@{mark}.example"
    yield from (str(constraint.value)[:-1] for constraint in bounds if constraint.kind is Kind.LESS)
    for constraint in constraints:
        if constraint.steps and constraint.steps[-1].name == "length" and isinstance(constraint.value, int):
            yield from (
                f"{hint}-{mark}{'x' * length}"[:length] for length in range(constraint.value - 1, constraint.value + 2)
            )
    if any(constraint.steps for constraint in constraints):
        examples = [text for one in patterns if (text := regex.try_example(one, mark)) is not None]
        yield from composed(constraints, examples, mark)
