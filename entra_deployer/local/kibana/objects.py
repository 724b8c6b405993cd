"""Saved objects as they are kept: searches and tags, their versions, their spaces (records 735-1020, 1139-1147).

Their attributes are checked strictly, in the words of Kibana's core (records 754-767, 873-886). A kind of value in the
tables is the name of its type, a list of one kind, the values that it may be, the bounds of a number, or an object's
fields by their names.
"""

import base64
import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from entra_deployer.core.json import DoesNotFit, Json, as_list, as_mapping, as_mappings, decode
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.errors import Fault, core
from entra_deployer.local.kibana.profiles import Profile
from entra_deployer.local.kibana.server import Kibana, text_of
from entra_deployer.local.kibana.store import OBJECTS, Conflict, Stored

MISSING: Final = object()
JSON_TYPES: Final = {"string": (str,), "boolean": (bool,), "number": (int, float), "object": (dict,)}
NAMES: Final = {bool: "boolean", str: "string", int: "number", float: "number", list: "Array"}
REQUIRED: Final = {"searchSourceJSON", "from", "to"}
META: Final = "kibanaSavedObjectMeta"
type Table = str | list[str] | tuple[str, ...] | range | Mapping[str, Table]
TAG: Final[dict[str, Table]] = dict.fromkeys(("name", "description", "color"), "string")
SEARCH: Final[dict[str, Table]] = {
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


def check_attributes(kind: str, attributes: Json, profile: Profile) -> None:
    """Raise the 400 of the first thing that is wrong with the attributes of an object."""
    if kind == "tag":
        _check_object(TAG, set(TAG), attributes, "attributes")
    else:
        fields: dict[str, Table] = {**SEARCH, **dict.fromkeys(profile.search_more, "anything")}
        _check_object(fields, {"title", META}, attributes, "attributes")


def wrong_type(path: str, expected: str, value: object) -> str:
    """What the core says of a value of another type than expected."""
    name = "undefined" if value is MISSING else "null" if value is None else NAMES.get(type(value), "Object")
    return f"[{path}]: expected value of type [{expected}] but got [{name}]"


def _refused(message: str) -> Fault:
    return core(400, f"{message}: Bad Request")


def _check_value(kind: Table, value: Json, path: str) -> None:
    if isinstance(kind, Mapping):
        _check_object(kind, REQUIRED, value, path)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            text = f"[{path}]: could not parse array value from json input"
            raise _refused(text if isinstance(value, str) else wrong_type(path, "array", value))
        for number, one in enumerate(value):
            _check_value(kind[0], one, f"{path}.{number}")
    elif isinstance(kind, tuple) and value not in kind:
        tried = [f"- [{path}.{number}]: expected value to equal [{one}]" for number, one in enumerate(kind)]
        raise _refused(f"[{path}]: types that failed validation:\n" + "\n".join(tried))
    elif isinstance(kind, range):
        _check_value("number", value, path)
        if isinstance(value, int | float) and not kind[0] <= value <= kind[-1]:
            bound = f"lower than [{kind[-1]}]" if value > kind[-1] else f"greater than [{kind[0]}]"
            raise _refused(f"[{path}]: Value must be equal to or {bound}.")
    elif kind in JSON_TYPES and type(value) not in JSON_TYPES[kind]:
        raise _refused(wrong_type(path, kind, value))


def _check_object(fields: Mapping[str, Table], required: set[str], value: Json, path: str) -> None:
    if not isinstance(value, dict):
        raise _refused(wrong_type(path, "object", value))
    for name, kind in fields.items():
        if name in value:
            _check_value(kind, value[name], f"{path}.{name}")
        elif name in required:
            missing = f"{path}.{name}.searchSourceJSON" if name == META else f"{path}.{name}"
            raise _refused(wrong_type(missing, "string", MISSING))
    for name in value:
        if name not in fields:
            raise _refused(f"[{path}.{name}]: definition for this key is missing")


type Object = Mapping[str, Json]

TYPES: Final = ("search", "tag")
CORE_VERSION: Final = "8.8.0"
LAST_OLD_MIGRATION: Final = (7, 9, 3)
INDEX_REFERENCE: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"


@dataclass(frozen=True)
class Draft:
    """An object to be written: its type and id, what it holds, and the versions it says it was made by."""

    type: str
    id: str
    attributes: Json
    references: Sequence[Mapping[str, Json]]
    type_version: str | None = None
    core_version: str | None = None
    managed: bool = False
    origin_id: str | None = None

    @classmethod
    def of(cls, kind: str, object_id: str, body: Mapping[str, Json]) -> "Draft":
        """The draft that a body or a line of a file holds."""
        old = as_mapping(body.get("migrationVersion"))
        return cls(
            kind,
            object_id,
            body["attributes"],
            as_mappings(body.get("references")),
            text_of(body, "typeMigrationVersion") or text_of(old, kind),
            text_of(body, "coreMigrationVersion"),
            managed=bool(body.get("managed")),
            origin_id=text_of(body, "originId"),
        )


def built(kibana: Kibana, space: str, draft: Draft, *, migrate: bool = False) -> Object:
    """The object of a draft, checked; `migrate` runs the old migrations on one that names no version.

    Raises the 400 of bad attributes and the 422 of a version that is not known.
    """
    check_version(kibana.profile, draft)
    attributes, references = draft.attributes, draft.references
    version = draft.type_version or written(kibana.profile, draft.type)
    if migrate and draft.type_version is None and draft.type == "search":
        attributes, references = _migrated(attributes, references)
        version = written(kibana.profile, draft.type) if kibana.profile.search_version > (8,) * 3 else "7.9.3"
    check_attributes(draft.type, attributes, kibana.profile)
    now = iso(kibana.clock())
    return {
        "id": draft.id,
        "type": draft.type,
        "namespaces": [space],
        **({"originId": draft.origin_id} if draft.origin_id else {}),
        "updated_at": now,
        "created_at": now,
        "attributes": _with_tabs(kibana.profile, draft.type, as_mapping(attributes)),
        "references": references,
        "managed": draft.managed,
        "coreMigrationVersion": CORE_VERSION,
        "typeMigrationVersion": version,
    }


def written(profile: Profile, kind: str) -> str:
    """The version that new objects of a type are written with."""
    return "8.0.0" if kind == "tag" else ".".join(map(str, profile.search_version))


def check_version(profile: Profile, draft: Draft) -> None:
    """Refuse an object of a newer version than is known, and with it the whole request (records 891, 1003, 837)."""
    known = profile.search_version if draft.type == "search" else (8, 0, 0)
    if draft.type_version and _numbers(draft.type_version) > known:
        last = ".".join(map(str, LAST_OLD_MIGRATION if known == (8, 0, 0) else known))
        what = f"belongs to a more recent version of Kibana [{draft.type_version}]"
        raise core(422, f'Document "{draft.id}" {what} when the last known version is [{last}].')
    if draft.core_version and _numbers(draft.core_version) > _numbers(profile.version):
        what = f'has a "coreMigrationVersion" which belongs to a more recent version of Kibana [{draft.core_version}]'
        raise core(422, f'Document "{draft.id}" {what}. The current version is [{profile.version}].')


def get(kibana: Kibana, kind: str, object_id: str) -> Stored | None:
    """An object by its type and id, in whatever space it is."""
    return kibana.store.get(OBJECTS, f"{kind}:{object_id}") if kind in TYPES else None


def get_all(kibana: Kibana, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Stored]:
    """Those of the objects that are there, by type and id, in whatever space each is."""
    names = {f"{kind}:{object_id}": (kind, object_id) for kind, object_id in wanted if kind in TYPES}
    return {names[doc_id]: stored for doc_id, stored in kibana.store.get_all(OBJECTS, names).items()}


def is_in(space: str, stored: Stored | None) -> bool:
    """Whether there is an object, and it is one of the space."""
    return stored is not None and space in as_list(stored.source["namespaces"])


def in_space(kibana: Kibana, space: str, kind: str, object_id: str) -> Stored | None:
    """An object of a space."""
    found = get(kibana, kind, object_id)
    return found if is_in(space, found) else None


def existing(kibana: Kibana, space: str, kind: str, object_id: str) -> Stored:
    """An object of a space; raises the 404."""
    found = in_space(kibana, space, kind, object_id)
    if not found:
        raise core(404, f"Saved object [{kind}/{object_id}] not found")
    return found


def save(kibana: Kibana, made: Object, *, create: bool = False, over: Stored | None = None) -> Stored:
    """Write an object; raises the 409 of one that exists already or was changed in between."""
    doc_id = f"{made['type']}:{made['id']}"
    try:
        return kibana.store.write(OBJECTS, doc_id, document(made), create=create, over=over)
    except Conflict as conflict:
        message = f"Saved object [{made['type']}/{made['id']}] conflict" if create else str(conflict)
        raise core(409, message) from conflict


def document(made: Object) -> Object:
    """An object as it is stored: itself, and beside it what searches ask for."""
    return {
        "type": made["type"],
        "namespaces": made["namespaces"],
        "originId": made.get("originId"),
        "refs": [f"{one.get('type')}:{one.get('id')}" for one in as_mappings(made["references"])],
        "object": made,
    }


def shown(stored: Stored) -> Object:
    """An object as the routes show it: with its version."""
    made = stored.part("object")
    return {
        **made,
        "migrationVersion": {str(made["type"]): made["typeMigrationVersion"]},
        "version": version_of(stored),
    }


def version_of(stored: Stored) -> str:
    """The version of an object: where its last write stands, in base 64."""
    return base64.b64encode(json.dumps([stored.seq_no, stored.primary_term], separators=(",", ":")).encode()).decode()


def check_unchanged(stored: Stored, version: str | None) -> None:
    """Raise the 409 of a version that does not stand any more (record 753)."""
    if version is None or version == version_of(stored):
        return
    try:
        seq_no, term = json.loads(base64.b64decode(version))
    except ValueError as error:
        raise core(400, f"Invalid version [{version}]: Bad Request") from error
    made = stored.part("object")
    conflict = (
        f"[{made['type']}:{made['id']}]: version conflict, required seqNo [{seq_no}], primary term [{term}]. "
        f"current document has seqNo [{stored.seq_no}] and primary term [{stored.primary_term}]"
    )
    cause = f"version_conflict_engine_exception: {conflict}"
    raise core(409, f"{conflict}: version_conflict_engine_exception\n\tRoot causes:\n\t\t{cause}")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def _migrated(attributes: Json, references: Sequence[Mapping[str, Json]]) -> tuple[Json, Sequence[Mapping[str, Json]]]:
    """What the migrations up to 7.9.3 make of a search that names no version (records 835, 998, 1006)."""
    try:
        meta = as_mapping(as_mapping(attributes).get(META))
        source = json.loads(decode(meta.get("searchSourceJSON"), str))
    except (DoesNotFit, ValueError):
        return attributes, references
    index = source.get("index") if isinstance(source, dict) else None
    if index is not None:
        if not isinstance(index, str):
            raise core(400, "[references.0.id]: expected value of type [string] but got [Object]: Bad Request")
        del source["index"]
        source["indexRefName"] = INDEX_REFERENCE
        references = [*references, {"name": INDEX_REFERENCE, "type": "index-pattern", "id": index}]
    text = json.dumps(source, separators=(",", ":"), ensure_ascii=False)
    return {**as_mapping(attributes), META: {**meta, "searchSourceJSON": text}}, references


def _with_tabs(profile: Profile, kind: str, attributes: Mapping[str, Json]) -> Json:
    if not profile.search_tabs or kind != "search" or "tabs" in attributes:
        return attributes
    flat = {name: value for name, value in attributes.items() if name not in {"title", "description"}}
    return {**attributes, "tabs": [{"id": str(uuid.uuid4()), "label": "Untitled", "attributes": flat}]}
