"""Exception lists and their items, as far as rules refer to them (records 577-589, 1134)."""

import uuid
from collections.abc import Mapping
from typing import Final

from entra_deployer.core.json import Json, as_list, as_mappings
from entra_deployer.local.kibana import things
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.errors import core, detection
from entra_deployer.local.kibana.rule_schema import LIST_TYPES
from entra_deployer.local.kibana.server import Answer, Call, Kibana

LIST: Final = "exception_list"
ITEM: Final = "exception_item"

type Thing = Mapping[str, Json]


def create_list(kibana: Kibana, call: Call) -> Answer:
    """POST /api/exception_lists."""
    body = _checked(call, {"description": None, "name": None, "type": LIST_TYPES}, key="list_id")
    key = str(body["list_id"])
    if find_list(kibana, call.space, key, _namespace(body)):
        raise detection(409, f'exception list id: "{key}" already exists')
    return Answer(write_list(kibana, call, body))


def read_list(kibana: Kibana, call: Call) -> Answer:
    """GET /api/exception_lists."""
    return Answer(_named(kibana, call))


def create_item(kibana: Kibana, call: Call) -> Answer:
    """POST /api/exception_lists/items."""
    required = dict.fromkeys(("description", "entries", "list_id", "name", "type"))
    body = _checked(call, required, key="item_id")
    if not find_list(kibana, call.space, str(body["list_id"]), _namespace(body)):
        raise detection(404, f'exception list id: "{body["list_id"]}" does not exist')
    key = str(body["item_id"])
    if things.get(kibana, ITEM, _space(call.space, _namespace(body)), key):
        raise detection(409, f'exception list item id: "{key}" already exists')
    return Answer(write_item(kibana, call, body))


def find_list(kibana: Kibana, space: str, list_id: str, namespace_type: str) -> Thing | None:
    """An exception list, or None."""
    found = things.get(kibana, LIST, _space(space, namespace_type), list_id)
    return found.part("body") if found else None


def items_of(kibana: Kibana, space: str, list_id: str, namespace_type: str) -> list[Thing]:
    """The items of an exception list."""
    found = things.every(kibana, ITEM, _space(space, namespace_type), parent=list_id)
    return [stored.part("body") for stored in found]


def write_list(kibana: Kibana, call: Call, body: Thing) -> Thing:
    """Write an exception list."""
    whole = {**_common(kibana, call, body), "immutable": False, "list_id": body["list_id"], "version": 1}
    things.put(kibana, LIST, _space(call.space, _namespace(body)), str(whole["list_id"]), whole)
    return whole


def write_item(kibana: Kibana, call: Call, body: Thing) -> Thing:
    """Write an item of an exception list."""
    own = {name: body[name] for name in ("list_id", "item_id", "entries")}
    expiry = {"expire_time": body["expire_time"]} if "expire_time" in body else {}
    whole = {**_common(kibana, call, body), **own, **expiry, "comments": body.get("comments", [])}
    space = _space(call.space, _namespace(body))
    things.put(kibana, ITEM, space, str(whole["item_id"]), whole, parent=str(whole["list_id"]))
    return whole


def _common(kibana: Kibana, call: Call, body: Thing) -> Thing:
    now, user = iso(kibana.clock()), call.user.name
    return {
        "_version": "WzAsMV0=",
        "created_at": now,
        "created_by": user,
        "description": body["description"],
        "id": str(uuid.uuid4()),
        "name": body["name"],
        "namespace_type": _namespace(body),
        "os_types": body.get("os_types", []),
        "tags": body.get("tags", []),
        "tie_breaker_id": str(uuid.uuid4()),
        "type": body["type"],
        "updated_at": now,
        "updated_by": user,
    }


def _named(kibana: Kibana, call: Call) -> Thing:
    list_id, object_id = call.one("list_id"), call.one("id")
    namespace_type = call.one("namespace_type") or "single"
    if list_id is not None:
        found = find_list(kibana, call.space, list_id, namespace_type)
    elif object_id is not None:
        lists = [one.part("body") for one in things.every(kibana, LIST, _space(call.space, namespace_type))]
        found = next((one for one in lists if one["id"] == object_id), None)
    else:
        raise detection(400, "id or list_id required")
    if not found:
        name, value = ("list_id", list_id) if list_id is not None else ("id", object_id)
        raise detection(404, f'exception list {name}: "{value}" does not exist')
    return found


def _checked(call: Call, required: Mapping[str, tuple[str, ...] | None], key: str) -> Thing:
    """The body of a call, which gets the `key` that it lacks; raises the 400 that says what else it lacks."""
    problems = []
    for name, choice in required.items():
        value = call.fields.get(name)
        if value is None or (choice and value not in choice):
            problems.append(f'Invalid value "{"undefined" if value is None else value}" supplied to "{name}"')
    if problems:
        raise core(400, f"[request body]: {','.join(problems)}")
    return {key: str(uuid.uuid4()), **call.fields}


def _namespace(body: Thing) -> str:
    return str(body.get("namespace_type", "single"))


def _space(space: str, namespace_type: str) -> str:
    return things.ANYWHERE if namespace_type == "agnostic" else space


def as_filter(item: Thing) -> Json:
    """An item as Query DSL: the documents that it excepts."""
    return {"bool": {"filter": [_entry(entry) for entry in as_mappings(item["entries"])]}}


def _entry(entry: Thing) -> Json:
    field, value = str(entry["field"]), entry.get("value")
    if entry["type"] == "match":
        query: Json = {"match_phrase": {field: value}}
    elif entry["type"] == "match_any":
        query = {
            "bool": {"should": [{"match_phrase": {field: one}} for one in as_list(value)], "minimum_should_match": 1}
        }
    elif entry["type"] == "wildcard":
        query = {"wildcard": {field: {"value": value}}}
    elif entry["type"] == "exists":
        query = {"exists": {"field": field}}
    elif entry["type"] == "nested":
        inner = [_entry({**one, "field": f"{field}.{one['field']}"}) for one in as_mappings(entry["entries"])]
        query = {"nested": {"path": field, "query": {"bool": {"filter": inner}}, "score_mode": "none"}}
    else:  # value lists are not kept here
        query = {"match_none": {}}
    return {"bool": {"must_not": [query]}} if entry.get("operator") == "excluded" else query
