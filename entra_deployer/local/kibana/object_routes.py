"""The routes of single saved objects and of searches among them."""

import json
import uuid
from typing import Final

from entra_deployer.local.kibana import kql, objects
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.errors import Fault, core
from entra_deployer.local.kibana.object_schema import MISSING, wrong_type
from entra_deployer.local.kibana.objects import Draft, Object
from entra_deployer.local.kibana.privileges import OBJECTS_ALL, OBJECTS_READ
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import OBJECTS, Stored
from entra_deployer.model.values import Json

CREATE: Final = (
    "attributes",
    "migrationVersion",
    "coreMigrationVersion",
    "typeMigrationVersion",
    "references",
    "initialNamespaces",
)
FIND: Final = (
    "per_page",
    "page",
    "type",
    "search",
    "default_search_operator",
    "search_fields",
    "sort_field",
    "has_reference",
    "has_reference_operator",
    "has_no_reference",
    "has_no_reference_operator",
    "fields",
    "filter",
    "aggs",
    "namespaces",
)
WINDOW: Final = 10_000
SORTED: Final = ("updated_at", "created_at", "type")


def create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/{type} and /api/saved_objects/{type}/{id}."""
    check_query(call, ("overwrite",))
    must_write(call, "create", call.params["type"])
    body = _checked(call.body, CREATE)
    draft = Draft.of(call.params["type"], call.params.get("id", str(uuid.uuid4())), body)
    return Answer(objects.shown(_created(kibana, call, draft, overwrite=call.one("overwrite") == "true")))


def bulk_create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/_bulk_create."""
    overwrite = call.one("overwrite") == "true"
    must_write(call, "bulk_create", "search")
    return Answer({"saved_objects": [_created_or_error(kibana, call, body, overwrite) for body in call.body]})


def read(kibana: Kibana, call: Call) -> Answer:
    """GET /api/saved_objects/{type}/{id}."""
    call.must(OBJECTS_READ, core(403, f"Unable to get {call.params['type']}"))
    return Answer(objects.shown(objects.existing(kibana, call.space, call.params["type"], call.params["id"])))


def resolve(kibana: Kibana, call: Call) -> Answer:
    """GET /api/saved_objects/resolve/{type}/{id}: nothing has aliases here."""
    found = objects.existing(kibana, call.space, call.params["type"], call.params["id"])
    return Answer({"saved_object": objects.shown(found), "outcome": "exactMatch"})


def bulk_get(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/_bulk_get."""
    return Answer({"saved_objects": [_shown_or_error(kibana, call, one["type"], one["id"]) for one in call.body]})


def update(kibana: Kibana, call: Call) -> Answer:
    """PUT /api/saved_objects/{type}/{id}: merged, not checked, and only what was sent comes back."""
    must_write(call, "update", call.params["type"])
    body = _checked(call.body, ("attributes", "version", "references", "upsert"))
    kind, object_id = call.params["type"], call.params["id"]
    old = objects.in_space(kibana, call.space, kind, object_id)
    if old is None and "upsert" in body:
        stored = _created(kibana, call, Draft(kind, object_id, body["upsert"], body.get("references", [])))
        return Answer(_echo(stored, body["upsert"], body))
    old = old or objects.existing(kibana, call.space, kind, object_id)
    seen = objects.version_read(old, body["version"]) if "version" in body else old
    made: Object = old.source["object"]
    made = {
        **made,
        "attributes": {**made["attributes"], **body["attributes"]},
        "references": body.get("references", made["references"]),
        "updated_at": iso(kibana.clock()),
    }
    return Answer(_echo(objects.save(kibana, made, over=seen), body["attributes"], body))


def delete(kibana: Kibana, call: Call) -> Answer:
    """DELETE /api/saved_objects/{type}/{id}."""
    must_write(call, "delete", call.params["type"])
    found = objects.existing(kibana, call.space, call.params["type"], call.params["id"])
    kibana.store.delete(OBJECTS, found.id)
    return Answer({})


def bulk_delete(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/_bulk_delete."""
    must_write(call, "bulk_delete", "search")
    return Answer({"statuses": [_deleted_or_error(kibana, call, one["type"], one["id"]) for one in call.body]})


def find(kibana: Kibana, call: Call) -> Answer:
    """GET /api/saved_objects/_find."""
    check_query(call, FIND)
    if "type" not in call.query:
        raise core(400, "[request query.type]: expected at least one defined value but got [undefined]")
    page, size = int(call.one("page") or 1), int(call.one("per_page") or 20)
    if page * size > WINDOW:
        limit = f"from + size must be less than or equal to: [{WINDOW}] but was [{page * size}]"
        raise core(400, f"all shards failed: illegal_argument_exception: Result window is too large, {limit}.")
    query = {"bool": {"filter": [{"term": {"namespaces": call.space}}, *_filters(call)], "must": _text_query(call)}}
    more: dict[str, object] = {"from": (page - 1) * size, "size": size}
    sort = call.one("sort_field")
    if sort and sort not in SORTED:
        raise core(400, f"all shards failed: illegal_argument_exception: Fielddata is disabled on [search.{sort}].")
    more["sort"] = [{sort: "asc"}] if sort else [{"_score": "desc"}, {"_seq_no": "asc"}]
    found, total = kibana.store.search(OBJECTS, query, **more)
    fields = call.query.get("fields")
    shown = [{**_only(objects.shown(stored), fields), "score": _score(stored)} for stored in found]
    return Answer({"page": page, "per_page": size, "total": total, "saved_objects": shown})


def readable(call: Call, types: list[str]) -> list[str]:
    """Those of some types of objects that are kept here and that the caller may read (record 15)."""
    return [one for one in types if one in objects.TYPES and OBJECTS_READ in call.rights]


def must_write(call: Call, verb: str, kind: str) -> None:
    """Raise the 403 of a caller who may not change objects (records 13, 856)."""
    call.must(OBJECTS_ALL, core(403, f"Unable to {verb} {kind}"))


def check_query(call: Call, known: tuple[str, ...]) -> None:
    """Refuse query parameters that a route does not have."""
    for name in call.query:
        if name not in known:
            raise core(400, f"[request query.{name}]: definition for this key is missing")


def _checked(body: Json, known: tuple[str, ...]) -> dict[str, Json]:
    body = body if isinstance(body, dict) else {}
    if not isinstance(body.get("attributes"), dict):
        raise core(400, wrong_type("request body.attributes", "object", body.get("attributes", MISSING)))
    for name in body:
        if name not in known:
            raise core(400, f"[request body.{name}]: definition for this key is missing")
    for number, one in enumerate(body.get("references", [])):
        for name in ("name", "type", "id"):
            if not isinstance(one.get(name), str):
                where = f"request body.references.{number}.{name}"
                raise core(400, wrong_type(where, "string", one.get(name, MISSING)))
    return dict(body)


def _created(kibana: Kibana, call: Call, draft: Draft, *, overwrite: bool = False) -> Stored:
    if draft.type not in objects.TYPES:
        raise core(400, f"Unsupported saved object type: '{draft.type}': Bad Request")
    elsewhere = objects.get(kibana, draft.type, draft.id)
    if elsewhere and call.space not in elsewhere.source["namespaces"]:
        raise core(409, f"Saved object [{draft.type}/{draft.id}] conflict")
    return objects.save(kibana, objects.built(kibana, call.space, draft), create=not overwrite)


def _created_or_error(kibana: Kibana, call: Call, body: Json, overwrite: bool) -> Json:  # noqa: FBT001
    draft = Draft.of(body["type"], body.get("id", str(uuid.uuid4())), body)
    try:
        return objects.shown(_created(kibana, call, draft, overwrite=overwrite))
    except Fault as fault:
        return {"id": draft.id, "type": draft.type, "error": fault.body}


def _shown_or_error(kibana: Kibana, call: Call, kind: str, object_id: str) -> Json:
    if kind not in objects.TYPES:
        message = f"Unsupported saved object type: '{kind}': Bad Request"
        return {"id": object_id, "type": kind, "error": core(400, message).body}
    try:
        return objects.shown(objects.existing(kibana, call.space, kind, object_id))
    except Fault as fault:
        return {"id": object_id, "type": kind, "error": fault.body}


def _deleted_or_error(kibana: Kibana, call: Call, kind: str, object_id: str) -> Json:
    try:
        found = objects.existing(kibana, call.space, kind, object_id)
    except Fault as fault:
        return {"success": False, "id": object_id, "type": kind, "error": fault.body}
    kibana.store.delete(OBJECTS, found.id)
    return {"success": True, "id": object_id, "type": kind}


def _echo(stored: Stored, attributes: Json, body: Json) -> Json:
    made = stored.source["object"]
    references = {"references": body["references"]} if "references" in body else {}
    same = {name: made[name] for name in ("id", "type", "updated_at", "namespaces")}
    return {**same, "version": objects.version_of(stored), **references, "attributes": attributes}


def _filters(call: Call) -> list[Json]:
    filters: list[Json] = [{"terms": {"type": readable(call, call.query["type"])}}]
    wanted = call.one("has_reference")
    if wanted:
        references = json.loads(wanted)
        several = references if isinstance(references, list) else [references]
        filters.append({"terms": {"refs": [f"{one['type']}:{one['id']}" for one in several]}})
    text, kind = call.one("filter"), call.query["type"][0]
    if text:
        try:
            filters.append(kql.translate(text, kind, lambda key: key.startswith(f"{kind}.attributes.")))
        except kql.KeyProblem as error:
            raise core(400, str(error)) from error
        except kql.SyntaxProblem as error:
            raise core(400, f"KQLSyntaxError: {error}: Bad Request") from error
    return filters


def _text_query(call: Call) -> list[Json]:
    text = call.one("search")
    if not text:
        return []
    names = [name.split("^")[0] for name in call.query.get("search_fields", ["title", "name"])]
    fields = [f"{kind}.attributes.{name}" for kind in call.query["type"] for name in names]
    operator = call.one("default_search_operator") or "OR"
    return [{"simple_query_string": {"query": text, "fields": fields, "default_operator": operator}}]


def _score(stored: Stored) -> float:
    return int(stored.score) if stored.score == int(stored.score) else stored.score


def _only(made: Object, fields: list[str] | None) -> Object:
    if not fields:
        return made
    return {**made, "attributes": {name: value for name, value in made["attributes"].items() if name in fields}}
