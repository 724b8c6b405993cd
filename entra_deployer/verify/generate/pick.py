"""A value for a field of which several things are wanted: candidates are made and tried on all of them."""

import ipaddress
from collections.abc import Iterator, Sequence

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.patterns.extraction import number_of
from entra_deployer.verify.generate import functions
from entra_deployer.verify.generate.constraints import Kind, Want, holds, wanted_patterns
from entra_deployer.verify.generate.functions import Unknown

_NUMBERS = frozenset(
    {"long", "integer", "short", "byte", "double", "float", "half_float", "scaled_float", "unsigned_long"}
)
_PATHS = frozenset({"path", "executable", "directory"})
"""The last names of fields that hold a path: of its parts some queries make do."""

_BOUNDS = {Kind.LESS: -1, Kind.AT_MOST: 0, Kind.MORE: 1, Kind.AT_LEAST: 0}


class Unpickable(Exception):
    """No candidate satisfies all that is wanted."""


def pick(name: str, kind: str, wants: Sequence[Want], mark: str, texts: Sequence[str] = ()) -> Json:
    """A value of Elasticsearch's type `kind` for the field `name`; None where NULL is wanted.

    `mark` makes free values differ from case to case; `texts` are further candidates. Raises Unpickable.
    """
    if any(want.kind is Kind.NULL for want in wants):
        if all(want.kind in (Kind.NULL, Kind.FORM) for want in wants):
            return None
        raise Unpickable(name)
    for candidate in (*texts, *_candidates(name, kind, wants, mark)):
        try:
            if all(holds(want, candidate) for want in wants):
                return candidate
        except (TypeError, ValueError, Unknown):
            continue
    raise Unpickable(name)


def _candidates(name: str, kind: str, wants: Sequence[Want], mark: str) -> Iterator[Json]:
    for want in wants:
        if want.kind is Kind.EQUAL:
            yield str(want.value) if want.number else want.value
            if want.steps and isinstance(want.value, str):
                yield from (want.value.upper(), want.value.lower())
    if any(want.number for want in wants):
        yield from (str(number) for number in _numbers(wants))
        return
    if kind == "boolean":
        yield from (False, True)
    elif kind in _NUMBERS:
        yield from _numbers(wants)
    elif kind == "ip":
        yield from _addresses(wants, mark)
    else:
        yield from _texts(name, wants, mark)


def _numbers(wants: Sequence[Want]) -> Iterator[int]:
    for want in wants:
        if want.kind in _BOUNDS:
            yield int(want.value) + _BOUNDS[want.kind]
        elif want.kind is Kind.UNEQUAL and isinstance(want.value, int):
            yield want.value + 1
        elif want.kind is Kind.NONE_OF and (numbers := [one for one in want.value if isinstance(one, int)]):
            yield max(numbers) + 1
    yield from range(1, 50)


def _addresses(wants: Sequence[Want], mark: str) -> Iterator[str]:
    number = number_of(mark)
    for want in wants:
        if want.kind is Kind.CIDR:
            for network in want.value:
                first = ipaddress.ip_network(network, strict=False)
                yield str(first[min(number, first.num_addresses - 1)])
    yield from (f"{net}.{number}" for net in ("203.0.113", "198.51.100", "192.0.2", "8.8.4", "10.9.8"))


def _texts(name: str, wants: Sequence[Want], mark: str) -> Iterator[str]:
    """Free texts bear the field's own last name; of patterns each filler is tried, then several patterns in a row."""
    if any(want.kind in (Kind.CIDR, Kind.UNCIDR) for want in wants):
        yield from _addresses(wants, mark)
    yield from (text for want in wants if want.kind is Kind.FORM for text in want.value.texts(mark))
    for text in _plain_texts(name, wants, mark):
        yield text
        if any(step.name == "from_base64" for want in wants for step in want.steps):
            yield functions.compute("to_base64", text)


def _plain_texts(name: str, wants: Sequence[Want], mark: str) -> Iterator[str]:
    hint = name.rpartition("%")[2].rpartition(".")[2].strip("`") or "value"
    patterns = wanted_patterns(wants)
    for filler in (mark, ""):
        examples = [text for pattern in patterns if (text := regex.try_example(pattern, filler)) is not None]
        if examples:
            yield from (*examples, "".join(examples), "".join(examples[::-1]))
    bounds = [want for want in wants if not want.steps]
    yield from (f"{want.value}0" for want in bounds if want.kind is Kind.MORE)
    yield from (str(want.value) for want in bounds if want.kind in (Kind.AT_LEAST, Kind.AT_MOST))
    if hint in _PATHS:
        yield f"/srv/{mark}/{hint}-{mark}"
    yield f"{hint}-{mark}"
    yield f"{hint}-{mark}@{mark}.example"
    yield from (str(want.value)[:-1] for want in bounds if want.kind is Kind.LESS)
    for want in wants:
        if want.steps and want.steps[-1].name == "length" and isinstance(want.value, int):
            yield from (f"{hint}-{mark}{'x' * length}"[:length] for length in range(want.value - 1, want.value + 2))
