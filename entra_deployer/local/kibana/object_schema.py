"""The attributes of a saved object, checked strictly, in the words of Kibana's core (records 754-767, 873-886)."""

from collections.abc import Callable
from typing import Any, Final

from entra_deployer.local.kibana.errors import core
from entra_deployer.local.kibana.profiles import Profile
from entra_deployer.model.values import Json

type Check = Callable[[Json, str], None]

MISSING: Final = object()


def check_attributes(kind: str, attributes: dict[str, Any], profile: Profile) -> None:
    """Raise the 400 of the first thing that is wrong with the attributes of an object."""
    if kind == "tag":
        _object(TAG, frozenset(TAG))(attributes, "attributes")
        return
    fields = {**SEARCH, **dict.fromkeys(profile.search_more, _anything)}
    _object(fields, frozenset({"title", "kibanaSavedObjectMeta"}))(attributes, "attributes")


def wrong_type(path: str, expected: str, value: Json) -> str:
    """What the core says of a value of another type than expected."""
    return f"[{path}]: expected value of type [{expected}] but got [{_type_name(value)}]"


def _type_name(value: Json) -> str:
    if value is MISSING:
        return "undefined"
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", int: "number", float: "number", list: "Array"}
    return names.get(type(value), "Object")


def _fail(message: str) -> None:
    raise core(400, f"{message}: Bad Request")


def _of_type(name: str, *types: type) -> Check:
    def check(value: Json, path: str) -> None:
        if type(value) not in types:
            _fail(wrong_type(path, name, value))

    return check


def _bounded(least: int, most: int) -> Check:
    def check(value: Json, path: str) -> None:
        _NUMBER(value, path)
        if value > most:
            _fail(f"[{path}]: Value must be equal to or lower than [{most}].")
        if value < least:
            _fail(f"[{path}]: Value must be equal to or greater than [{least}].")

    return check


def _list_of(inner: Check) -> Check:
    def check(value: Json, path: str) -> None:
        if isinstance(value, str):
            _fail(f"[{path}]: could not parse array value from json input")
        if not isinstance(value, list):
            _fail(wrong_type(path, "array", value))
        for number, one in enumerate(value):
            inner(one, f"{path}.{number}")

    return check


def _one_of(*values: str) -> Check:
    def check(value: Json, path: str) -> None:
        if value not in values:
            tried = [f"- [{path}.{number}]: expected value to equal [{one}]" for number, one in enumerate(values)]
            _fail(f"[{path}]: types that failed validation:\n" + "\n".join(tried))

    return check


def _sort(value: Json, path: str) -> None:
    if not isinstance(value, list):
        tried = [f"- [{path}.{number}]: could not parse array value from json input" for number in range(2)]
        _fail(f"[{path}]: types that failed validation:\n" + "\n".join(tried))


def _object(fields: dict[str, Check], required: frozenset[str] = frozenset()) -> Check:
    def check(value: Json, path: str) -> None:
        if not isinstance(value, dict):
            _fail(wrong_type(path, "object", value))
        for name, field in fields.items():
            if name in value:
                field(value[name], f"{path}.{name}")
            elif name == "kibanaSavedObjectMeta":
                _fail(wrong_type(f"{path}.{name}.searchSourceJSON", "string", MISSING))
            elif name in required:
                _fail(wrong_type(f"{path}.{name}", "string", MISSING))
        for name in value:
            if name not in fields:
                _fail(f"[{path}.{name}]: definition for this key is missing")

    return check


def _anything(value: Json, path: str) -> None:
    """No check: attributes that the recorded version does not have."""


_TEXT: Final = _of_type("string", str)
_FLAG: Final = _of_type("boolean", bool)
_NUMBER: Final = _of_type("number", int, float)
SEARCH: Final[dict[str, Check]] = {
    "title": _TEXT,
    "description": _TEXT,
    "hits": _NUMBER,
    "columns": _list_of(_TEXT),
    "sort": _sort,
    "grid": _of_type("object", dict),
    "hideChart": _FLAG,
    "isTextBasedQuery": _FLAG,
    "usesAdHocDataView": _FLAG,
    "kibanaSavedObjectMeta": _object({"searchSourceJSON": _TEXT}, frozenset({"searchSourceJSON"})),
    "viewMode": _one_of("documents", "aggregated"),
    "hideAggregatedPreview": _FLAG,
    "rowHeight": _NUMBER,
    "rowsPerPage": _NUMBER,
    "sampleSize": _bounded(10, 10_000),
    "breakdownField": _TEXT,
    "timeRestore": _FLAG,
    "timeRange": _object({"from": _TEXT, "to": _TEXT}, frozenset({"from", "to"})),
    "refreshInterval": _object({"pause": _FLAG, "value": _NUMBER}),
    "version": _NUMBER,
}
TAG: Final[dict[str, Check]] = {"name": _TEXT, "description": _TEXT, "color": _TEXT}
