"""Saved objects from and to files: _import and _export (records 807-862, 979-1012, 1143)."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from entra_deployer.core.json import Json, as_mapping, as_mappings
from entra_deployer.local.kibana import bodies, objects
from entra_deployer.local.kibana.errors import Fault, core, not_served
from entra_deployer.local.kibana.object_routes import must_write
from entra_deployer.local.kibana.objects import Draft, Object
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import OBJECTS, Stored

MOST: Final = 10_000
CHECKED_REFERENCES: Final = {"index-pattern", "search"}
ICONS: Final = {"search": "discoverApp", "tag": "tag"}
BLOCKING: Final = {"conflict", "missing_references"}  # with one of these nothing of a file is written
BROKEN: Final = "An internal server error occurred. Check Kibana server logs for details."


@dataclass
class Item:
    """A line of the file on its way: where it goes, and what stands in its way."""

    line: Mapping[str, Json]
    destination: str | None = None
    over: Stored | None = None
    error: Mapping[str, Json] = field(default_factory=dict)
    made: Object | None = None

    @property
    def name(self) -> tuple[str, str]:
        """The type and the id that the file gives it."""
        return str(self.line.get("type")), str(self.line["id"])

    def head(self) -> Mapping[str, Json]:
        """What every result says of the object."""
        title = as_mapping(self.line.get("attributes")).get("name" if self.name[0] == "tag" else "title")
        icon = ICONS.get(self.name[0])
        meta = {**({"title": title} if title is not None else {}), **({"icon": icon} if icon else {})}
        kind = {"type": self.line["type"]} if "type" in self.line else {}
        return {**kind, "id": self.line["id"], "meta": meta}

    def tail(self) -> Mapping[str, Json]:
        """What results say of where the object went."""
        overwrite = {"overwrite": True} if self.over else {}
        return {**overwrite, **({"destinationId": self.destination} if self.destination else {})}


def import_objects(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/_import."""
    if not call.query.keys() <= {"overwrite"}:
        raise not_served("objects are imported as they are, each under its id")
    items = [Item(line) for line in _lines(call)]
    if items:
        must_write(call, "bulk_create", "search")
    _check_references(kibana, call, items)
    fine = [item for item in items if not item.error]
    standing = objects.get_all(kibana, (item.name for item in fine))
    for item in fine:
        _place(kibana, call, item, standing.get(item.name), overwrite=call.one("overwrite") == "true")
    if not any(item.error and item.error["type"] in BLOCKING for item in items):
        _write(kibana, call, items)
    return _answer(items)


def export_objects(kibana: Kibana, call: Call) -> Answer:
    """POST /api/saved_objects/_export."""
    body = call.fields
    if "type" in body and "objects" in body:
        raise core(400, 'Can\'t specify both "types" and "objects" properties when exporting')
    if "type" in body or body.get("includeReferencesDeep"):
        raise not_served("every object that is exported is named")
    if "objects" not in body:
        raise core(400, "Either `type` or `objects` are required.")
    lines = [_line(stored) for stored in _wanted(kibana, call, as_mappings(body["objects"]))]
    if not body.get("excludeExportDetails"):
        counts: dict[str, Json] = {"exportedCount": len(lines), "missingRefCount": 0, "missingReferences": []}
        lines.append({"excludedObjects": [], "excludedObjectsCount": 0, **counts})
    text = "\n".join(json.dumps(line, separators=(",", ":"), sort_keys=True, ensure_ascii=False) for line in lines)
    headers = {"content-type": "application/ndjson", "content-disposition": 'attachment; filename="export.ndjson"'}
    return Answer(text, headers=headers)


def _lines(call: Call) -> list[Mapping[str, Json]]:
    if not call.is_multipart:
        raise core(415, "Unsupported Media Type")
    if not call.upload:
        raise core(400, "[request body.file]: expected value of type [Stream] but got [undefined]")
    kind = bodies.extension(call.upload)
    if kind != ".ndjson":
        raise core(400, f"Invalid file extension {kind}")
    lines = bodies.lines(call.upload)
    for line in lines:
        if line.problem:
            raise core(400, line.problem)
    values = [value for line in lines if "exportedCount" not in (value := as_mapping(line.value))]
    if len(values) > MOST:
        raise core(400, f"Can't import more than {MOST} objects")
    if any(
        not value.get("id") or (value.get("type") in objects.TYPES and "attributes" not in value) for value in values
    ):
        raise core(500, BROKEN)
    names = Counter(f"{value.get('type')}:{value['id']}" for value in values)
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise core(400, f"Non-unique import objects detected: [{','.join(twice)}]")
    return values


def _check_references(kibana: Kibana, call: Call, items: list[Item]) -> None:
    in_file = {item.name for item in items}
    for item in items:
        if item.name[0] not in objects.TYPES:
            item.error = {"type": "unsupported_type"}
            continue
        missing = [
            {"type": kind, "id": name}
            for kind, name in _names(as_mappings(item.line.get("references")))
            if kind in CHECKED_REFERENCES
            and (kind, name) not in in_file
            and not objects.in_space(kibana, call.space, kind, name)
        ]
        if missing:
            item.error = {"type": "missing_references", "references": missing}


def _place(kibana: Kibana, call: Call, item: Item, standing: Stored | None, *, overwrite: bool) -> None:
    """Decide under which id an object is written, and whether one is in the way. `standing` has its id."""
    item.over = standing if objects.is_in(call.space, standing) else None
    if standing and not item.over:  # the id is taken in another space
        origin = {"term": {"originId": item.line["id"]}}
        query = {"bool": {"filter": [{"term": {"namespaces": call.space}}, origin]}}
        before, _ = kibana.store.search(OBJECTS, query, size=1)
        item.over = before[0] if before else None
        item.destination = str(before[0].part("object")["id"]) if before else str(uuid.uuid4())
    if item.over and not overwrite:
        item.error = {"type": "conflict", **({"destinationId": item.destination} if item.destination else {})}
        item.over = item.destination = None


def _write(kibana: Kibana, call: Call, items: list[Item]) -> None:
    for item in items:
        if item.error:
            continue
        draft = Draft.of(*item.name, item.line)
        try:
            item.made = objects.built(kibana, call.space, draft, migrate=True)
        except Fault as fault:
            if fault.status == 422:
                raise
            item.error = _boom(fault)
            continue
        if item.destination:
            origin = item.line.get("originId", item.line["id"])
            item.made = {**item.made, "id": item.destination, "originId": origin}
    ready = [item.made for item in items if item.made]
    kibana.store.write_all(OBJECTS, [(f"{one['type']}:{one['id']}", objects.document(one)) for one in ready])


def _boom(fault: Fault) -> Mapping[str, Json]:
    output: dict[str, Json] = {"statusCode": fault.status, "payload": fault.body, "headers": {}}
    return {"isBoom": True, "isServer": False, "data": None, "output": output, "type": "unknown"}


def _answer(items: list[Item]) -> Answer:
    fine = [item for item in items if not item.error]
    errors = [{**item.head(), "error": item.error, **item.tail()} for item in items if item.error]
    results = [{**item.head(), "managed": item.line.get("managed", False), **item.tail()} for item in fine]
    body: dict[str, Json] = {
        "successCount": len(results),
        "success": not errors,
        "warnings": [],
        **({"successResults": results} if results else {}),
        **({"errors": errors} if errors else {}),
    }
    return Answer(body)


def _names(references: Sequence[Mapping[str, Json]]) -> Iterator[tuple[str, str]]:
    return ((str(one["type"]), str(one["id"])) for one in references)


def _wanted(kibana: Kibana, call: Call, named: Sequence[Mapping[str, Json]]) -> list[Stored]:
    wanted = list(dict.fromkeys(_names(named)))
    standing = objects.get_all(kibana, wanted)
    found = {name: standing[name] for name in wanted if objects.is_in(call.space, standing.get(name))}
    missing: list[Json] = [
        {"id": name, "type": kind, "error": core(404, f"Saved object [{kind}/{name}] not found").body}
        for kind, name in wanted
        if (kind, name) not in found
    ]
    if missing:
        raise core(400, "Error fetching objects to export", attributes={"objects": missing})
    return list(found.values())


def _line(stored: Stored) -> Mapping[str, Json]:
    shown = objects.shown(stored)
    return {name: value for name, value in shown.items() if name not in {"namespaces", "migrationVersion"}}
