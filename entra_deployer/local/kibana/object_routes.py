"""The routes of single saved objects, and the search for those that refer to something."""

import json
import uuid
from collections.abc import Mapping
from typing import Final

from entra_deployer.core.json import Json, as_mapping, as_mappings
from entra_deployer.local.kibana import objects
from entra_deployer.local.kibana.auth import OBJECTS_ALL, OBJECTS_READ
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.errors import core, not_served
from entra_deployer.local.kibana.objects import MISSING, Draft, wrong_type
from entra_deployer.local.kibana.server import Answer, Call, Kibana, text_of
from entra_deployer.local.kibana.store import OBJECTS

CREATE: Final = {
    *("attributes", "references", "initialNamespaces"),
    *("migrationVersion", "coreMigrationVersion", "typeMigrationVersion"),
}
UPDATE: Final = {"attributes", "references", "version"}
FIND: Final = {"type", "page", "per_page", "has_reference"}
WINDOW: Final = 10_000


def create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/{type} and /api/saved_objects/{type}/{id}."""
    for name in call.query.keys() - {"overwrite"}:
        raise core(400, f"[request query.{name}]: definition for this key is missing")
    kind, object_id = call.params["type"], call.params.get("id", str(uuid.uuid4()))
    must_write(call, "create", kind)
    body = _checked(call.fields)
    if kind not in objects.TYPES:
        raise core(400, f"Unsupported saved object type: '{kind}': Bad Request")
    elsewhere = objects.get(kibana, kind, object_id)
    if elsewhere and not objects.is_in(call.space, elsewhere):
        raise core(409, f"Saved object [{kind}/{object_id}] conflict")
    made = objects.built(kibana, call.space, Draft.of(kind, object_id, body))
    return Answer(objects.shown(objects.save(kibana, made, create=call.one("overwrite") != "true")))


def read(kibana: Kibana, call: Call) -> Answer:
    """GET /api/saved_objects/{type}/{id}."""
    call.must(OBJECTS_READ, core(403, f"Unable to get {call.params['type']}"))
    return Answer(objects.shown(objects.existing(kibana, call.space, call.params["type"], call.params["id"])))


def update(kibana: Kibana, call: Call) -> Answer:
    """PUT /api/saved_objects/{type}/{id}: some attributes over what stands, unchecked (records 908-912, 1324-1330)."""
    kind, object_id = call.params["type"], call.params["id"]
    must_write(call, "update", kind)
    body = call.fields
    if not isinstance(body.get("attributes"), dict):
        raise core(400, wrong_type("request body.attributes", "object", body.get("attributes", MISSING)))
    for name in body.keys() - UPDATE:
        raise core(400, f"[request body.{name}]: definition for this key is missing")
    found = objects.existing(kibana, call.space, kind, object_id)
    objects.check_unchanged(found, text_of(body, "version"))
    references = {name: body[name] for name in ("references",) if name in body}
    old = found.part("object")
    attributes = {**as_mapping(old["attributes"]), **as_mapping(body["attributes"])}
    changed = {**old, **references, "attributes": attributes, "updated_at": iso(kibana.clock())}
    shown = objects.shown(objects.save(kibana, changed, over=found))
    told = {name: shown[name] for name in ("id", "type", "updated_at", "version", "namespaces")}
    return Answer({**told, **references, "attributes": body["attributes"]})


def delete(kibana: Kibana, call: Call) -> Answer:
    """DELETE /api/saved_objects/{type}/{id}."""
    must_write(call, "delete", call.params["type"])
    found = objects.existing(kibana, call.space, call.params["type"], call.params["id"])
    kibana.store.delete(OBJECTS, found.id)
    return Answer({})


def find(kibana: Kibana, call: Call) -> Answer:
    """GET /api/saved_objects/_find."""
    if not call.query.keys() <= FIND:
        raise not_served(f"objects are found by {', '.join(sorted(FIND))}")
    if "type" not in call.query:
        raise core(400, "[request query.type]: expected at least one defined value but got [undefined]")
    page, size = int(call.one("page") or 1), int(call.one("per_page") or 20)
    if page * size > WINDOW:
        limit = f"from + size must be less than or equal to: [{WINDOW}] but was [{page * size}]"
        raise core(400, f"all shards failed: illegal_argument_exception: Result window is too large, {limit}.")
    filters: list[Json] = [
        {"term": {"namespaces": call.space}},
        {"terms": {"type": readable(call, call.query["type"])}},
    ]
    if wanted := call.one("has_reference"):
        one = json.loads(wanted)
        filters.append({"term": {"refs": f"{one['type']}:{one['id']}"}})
    window = {"from": (page - 1) * size, "size": size, "sort": [{"_seq_no": "asc"}]}
    found, total = kibana.store.search(OBJECTS, {"bool": {"filter": filters}}, **window)
    shown = [{**objects.shown(stored), "score": 0} for stored in found]
    return Answer({"page": page, "per_page": size, "total": total, "saved_objects": shown})


def readable(call: Call, types: list[str]) -> list[str]:
    """Those of some types of objects that are kept here and that the caller may read (record 15)."""
    return [one for one in types if one in objects.TYPES and OBJECTS_READ in call.rights]


def must_write(call: Call, verb: str, kind: str) -> None:
    """Raise the 403 of a caller who may not change objects (records 13, 856)."""
    call.must(OBJECTS_ALL, core(403, f"Unable to {verb} {kind}"))


def _checked(body: Mapping[str, Json]) -> Mapping[str, Json]:
    if not isinstance(body.get("attributes"), dict):
        raise core(400, wrong_type("request body.attributes", "object", body.get("attributes", MISSING)))
    for name in body:
        if name not in CREATE:
            raise core(400, f"[request body.{name}]: definition for this key is missing")
    for number, one in enumerate(as_mappings(body.get("references"))):
        for name in ("name", "type", "id"):
            if not isinstance(one.get(name), str):
                where = f"request body.references.{number}.{name}"
                raise core(400, wrong_type(where, "string", one.get(name, MISSING)))
    return body
