"""The part of an alert that comes from the row and from its source document, and what of it is dropped."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from entra_deployer.core.json import Json
from entra_deployer.local.kibana import ecs
from entra_deployer.local.kibana.datemath import parse

NUMBERS: Final = ("long", "float", "scaled_float", "integer", "short", "double")
DROPPED: Final = {"signal", "kibana"}


def lookup(source: Mapping[str, Json], path: str) -> Json:
    """The value of a field by its dotted name, wherever the dots became objects; None where there is none."""
    if path in source:
        return source[path]
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        inner = source.get(".".join(parts[:end]))
        if isinstance(inner, dict):
            return lookup(inner, ".".join(parts[end:]))
    return None


def flattened(source: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    """The fields under a prefix by their dotted names."""
    return {name: value for name, value in _leaves(source) if name.startswith(f"{prefix}.")}


def with_missing(row: dict[str, Json], fields: Mapping[str, list[Json]]) -> dict[str, Json]:
    """A row and, as objects, those fields of its source document that it does not have (records 672, 718)."""
    merged = dict(row)
    for name, values in fields.items():
        is_multi_field = any(name.startswith(f"{other}.") for other in fields if other != name)
        if is_multi_field or not values or any(isinstance(value, dict) for value in values):
            continue
        if lookup(merged, name) is None and not _blocked(merged, name):
            _set(merged, name.split("."), values[0] if len(values) == 1 else values)
    return merged


def without_misfits(source: dict[str, Json]) -> dict[str, Json]:
    """A source without what the alerts' mapping could not take: it goes without a word (records 763, 1783-1787)."""
    return {name: value for name, value in _fitting(source, "").items() if name.split(".")[0] not in DROPPED}


def json_number(value: Json) -> Json:
    """A value as JavaScript would write it: whole numbers without a fraction."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return [json_number(one) for one in value] if isinstance(value, list) else value


def _leaves(source: Mapping[str, Json], prefix: str = "") -> Iterator[tuple[str, Json]]:
    for name, value in source.items():
        if isinstance(value, dict):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _blocked(source: Mapping[str, Json], name: str) -> bool:
    parts = name.split(".")
    heads = [lookup(source, ".".join(parts[:end])) for end in range(1, len(parts))]
    return any(head is not None and not isinstance(head, dict) for head in heads)


def _set(target: dict[str, Any], parts: list[str], value: Json) -> None:
    for part in parts[:-1]:
        target = target.setdefault(part, {})
    target[parts[-1]] = value


def _fitting(source: Mapping[str, Json], prefix: str) -> dict[str, Json]:
    kept: dict[str, Json] = {}
    for name, value in source.items():
        path = f"{prefix}{name}"
        if isinstance(value, dict):
            inner = _fitting(value, f"{path}.")
            if inner or not value:
                kept[name] = inner
        elif isinstance(value, list):
            fine = [one for one in value if _fits(path, one)]
            if fine or not value:
                kept[name] = fine
        elif _fits(path, value):
            kept[name] = value
    return kept


def _fits(path: str, value: Json) -> bool:
    if path in ecs.objects():
        return isinstance(value, dict)
    kind = ecs.types().get(path)
    if kind is None or value is None:
        return True
    return _FITS[kind](value) if kind in _FITS else True


def _is_number(value: Json) -> bool:
    return not isinstance(value, bool) and bool(re.fullmatch(r"\s*-?\d+(\.\d+)?\s*", str(value)))


def _is_flag(value: Json) -> bool:
    return isinstance(value, bool) or value in {"true", "false", ""}


def _is_date(value: Json) -> bool:
    return isinstance(value, int) or parse(str(value)) is not None


def _is_address(value: Json) -> bool:
    try:
        ipaddress.ip_address(str(value))
    except ValueError:
        return False
    return True


_FITS: Final[dict[str, Callable[[Json], bool]]] = {
    **dict.fromkeys(NUMBERS, _is_number),
    "ip": _is_address,
    "boolean": _is_flag,
    "date": _is_date,
}
