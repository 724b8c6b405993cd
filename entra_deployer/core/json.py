"""JSON values as the model holds them, and the operations on them that everyone needs."""

import json
from collections.abc import Mapping
from typing import Any

type Json = Any
"""A JSON value: None, bool, int, float, str, a list or a dict of them. Treated as frozen: nobody writes on one."""


def canonical(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no spaces; equal values give equal bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def shown(value: Json) -> str:
    """A value for people: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else canonical(value)


def merge_patch(target: Json, patch: Json) -> Json:
    """Apply a JSON merge patch (RFC 7386) and return the new value; null removes a key, a list replaces a list."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


def flatten(value: Mapping[str, Json], prefix: str = "") -> dict[str, Json]:
    """Dotted fields of a nested, dotted or mixed document; lists and empty mappings are values."""
    fields: dict[str, Json] = {}
    for key, item in value.items():
        if isinstance(item, Mapping) and item:
            fields |= flatten(item, f"{prefix}{key}.")
        else:
            fields[f"{prefix}{key}"] = item
    return fields
