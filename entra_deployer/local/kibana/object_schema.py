"""The attributes of a saved object, checked strictly, in the words of Kibana's core (records 754-767, 873-886).

A kind of value in the tables is the name of its type, a list of one kind, the values that it may be, the bounds of a
number, or an object's fields by their names.
"""

from typing import Any, Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana.errors import Fault, core
from entra_deployer.local.kibana.profiles import Profile

MISSING: Final = object()
TYPES: Final = {"string": (str,), "boolean": (bool,), "number": (int, float), "object": (dict,)}
NAMES: Final = {bool: "boolean", str: "string", int: "number", float: "number", list: "Array"}
REQUIRED: Final = {"searchSourceJSON", "from", "to"}
META: Final = "kibanaSavedObjectMeta"
TAG: Final[dict[str, Any]] = dict.fromkeys(("name", "description", "color"), "string")
SEARCH: Final[dict[str, Any]] = {
    **dict.fromkeys(("title", "description", "breakdownField"), "string"),
    **dict.fromkeys(("hits", "rowHeight", "rowsPerPage", "version"), "number"),
    **dict.fromkeys(("hideChart", "isTextBasedQuery", "usesAdHocDataView"), "boolean"),
    **dict.fromkeys(("hideAggregatedPreview", "timeRestore"), "boolean"),
    "columns": ["string"],
    "sort": ["anything"],
    "grid": "object",
    META: {"searchSourceJSON": "string"},
    "viewMode": ("documents", "aggregated"),
    "sampleSize": range(10, 10_001),
    "timeRange": {"from": "string", "to": "string"},
    "refreshInterval": {"pause": "boolean", "value": "number"},
}


def check_attributes(kind: str, attributes: dict[str, Any], profile: Profile) -> None:
    """Raise the 400 of the first thing that is wrong with the attributes of an object."""
    if kind == "tag":
        _check_object(TAG, set(TAG), attributes, "attributes")
    else:
        fields = {**SEARCH, **dict.fromkeys(profile.search_more, "anything")}
        _check_object(fields, {"title", META}, attributes, "attributes")


def wrong_type(path: str, expected: str, value: Json) -> str:
    """What the core says of a value of another type than expected."""
    name = "undefined" if value is MISSING else "null" if value is None else NAMES.get(type(value), "Object")
    return f"[{path}]: expected value of type [{expected}] but got [{name}]"


def _refused(message: str) -> Fault:
    return core(400, f"{message}: Bad Request")


def _check(kind: Any, value: Json, path: str) -> None:  # noqa: ANN401 -- an entry of the tables
    if isinstance(kind, dict):
        _check_object(kind, REQUIRED, value, path)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            text = f"[{path}]: could not parse array value from json input"
            raise _refused(text if isinstance(value, str) else wrong_type(path, "array", value))
        for number, one in enumerate(value):
            _check(kind[0], one, f"{path}.{number}")
    elif isinstance(kind, tuple) and value not in kind:
        tried = [f"- [{path}.{number}]: expected value to equal [{one}]" for number, one in enumerate(kind)]
        raise _refused(f"[{path}]: types that failed validation:\n" + "\n".join(tried))
    elif isinstance(kind, range):
        _check("number", value, path)
        if not kind[0] <= value <= kind[-1]:
            bound = f"lower than [{kind[-1]}]" if value > kind[-1] else f"greater than [{kind[0]}]"
            raise _refused(f"[{path}]: Value must be equal to or {bound}.")
    elif kind in TYPES and type(value) not in TYPES[kind]:
        raise _refused(wrong_type(path, kind, value))


def _check_object(fields: dict[str, Any], required: set[str], value: Json, path: str) -> None:
    if not isinstance(value, dict):
        raise _refused(wrong_type(path, "object", value))
    for name, kind in fields.items():
        if name in value:
            _check(kind, value[name], f"{path}.{name}")
        elif name in required:
            missing = f"{path}.{name}.searchSourceJSON" if name == META else f"{path}.{name}"
            raise _refused(wrong_type(missing, "string", MISSING))
    for name in value:
        if name not in fields:
            raise _refused(f"[{path}.{name}]: definition for this key is missing")
