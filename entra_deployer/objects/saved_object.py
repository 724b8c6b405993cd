"""Saved searches ("Discover sessions" in newer Kibana) and the tags that mark them."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from urllib.parse import quote

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.json import canonical
from entra_deployer.objects.state import Kind, LiveObject, StateObject
from entra_deployer.stack.answers import (
    Nothing,
    SavedObjectBody,
    SavedObjectPage,
    SavedObjectsImported,
    missing_objects,
)
from entra_deployer.stack.kibana import KibanaClient

_TYPES = {Kind.SAVED_SEARCH: "search", Kind.TAG: "tag"}
_NAMES = {Kind.SAVED_SEARCH: "title", Kind.TAG: "name"}
_PAGE = 1000
_MIGRATED_FROM = "8.0.0"
"""The version that a search in an import claims to be of. Without one, 8.12 takes its data view for one of old and
refuses it; a newer one makes an older server refuse the whole file. Every server migrates from this one."""


class SavedObjectHandler:
    """The saved objects of one kind in one space of one Kibana."""

    def __init__(self, client: KibanaClient, space: str, kind: Kind) -> None:
        self._client = client
        self._space = space
        self.kind = kind
        self._type = _TYPES[kind]

    def marked(self, tag_id: str) -> list[LiveObject]:
        """Every object that refers to the tag with this id."""
        found: list[LiveObject] = []
        page = 1
        while True:
            params: dict[str, str | int] = {
                "type": self._type,
                "per_page": _PAGE,
                "page": page,
                "has_reference": json.dumps({"type": "tag", "id": tag_id}),
            }
            answer = self._client.get("/api/saved_objects/_find", SavedObjectPage, space=self._space, params=params)
            found += (self._live(item) for item in answer.saved_objects)
            if page * _PAGE >= answer.total:
                return found
            page += 1

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The objects with these ids that exist, by Kibana's export (which names those that do not)."""
        wanted = sorted(set(keys))
        while wanted:
            body = {"objects": [{"type": self._type, "id": key} for key in wanted], "excludeExportDetails": True}
            try:
                lines = self._client.export("/api/saved_objects/_export", body, SavedObjectBody, space=self._space)
            except Refused as error:
                missing = missing_objects(error.attributes)
                if not missing & set(wanted):
                    raise
                wanted = [key for key in wanted if key not in missing]
            else:
                return [self._live(line) for line in lines if line.get("type") == self._type]
        return []

    def replace(self, one: StateObject, fields: Collection[str] = ()) -> None:  # noqa: ARG002 - it is written whole
        """Replace one object. Refused with Kibana's reason where it is not taken."""
        for error in self.create([one]).values():
            raise Refused(error, status=400)

    def create(self, objects: Sequence[StateObject]) -> dict[str, str]:
        """Create or replace; what failed, by key. With one conflict nothing of the file is written: all fail then."""
        lines = [self._line(one) for one in objects]
        params = {"overwrite": "true"}
        path = "/api/saved_objects/_import"
        answer = self._client.upload(path, lines, SavedObjectsImported, space=self._space, params=params)
        errors = {item.id: _reason(item.error) for item in answer.errors}
        for item in answer.success_results:
            if item.destination_id:
                errors[item.id] = "the id is taken in another space: Kibana made a copy under a new id"
        if errors and not answer.success:
            first = next(iter(errors.values()))
            return {one.key: errors.get(one.key, f"not written with the others: {first}") for one in objects}
        return errors

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Delete by id; one that is gone already is as good."""
        for one in live:
            try:
                path = f"/api/saved_objects/{self._type}/{quote(one.object_id, safe='')}"
                self._client.delete(path, Nothing, space=self._space)
            except Refused as error:
                if error.status != 404:
                    raise

    def _line(self, one: StateObject) -> Json:
        line = {"type": self._type, "id": one.key, **one.payload}
        if self.kind is Kind.SAVED_SEARCH:
            line["typeMigrationVersion"] = _MIGRATED_FROM
        return line

    def _live(self, item: Mapping[str, Json]) -> LiveObject:
        attributes = _flat(item["attributes"])
        payload = {"attributes": attributes, "references": _sorted_references(item.get("references", ()))}
        return LiveObject(
            object=StateObject(self.kind, item["id"], attributes.get(_NAMES[self.kind], ""), payload),
            object_id=item["id"],
            revision=str(item.get("version", "")),
            updated_at=item.get("updated_at", ""),
            updated_by=item.get("updated_by", ""),
            immutable=bool(item.get("managed")),
        )


def _flat(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """The attributes in the shape from before Discover had tabs, with the search source in canonical JSON."""
    flat = {name: value for name, value in attributes.items() if name != "tabs"}
    if tabs := attributes.get("tabs"):
        flat = {**tabs[0]["attributes"], **{name: flat[name] for name in ("title", "description") if name in flat}}
    source = flat.get("kibanaSavedObjectMeta")
    if isinstance(source, Mapping) and "searchSourceJSON" in source:
        flat["kibanaSavedObjectMeta"] = {"searchSourceJSON": _canonical_text(source["searchSourceJSON"])}
    return flat


def _canonical_text(text: str) -> str:
    try:
        return canonical(json.loads(text))
    except ValueError:
        return text


def _sorted_references(references: Iterable[Mapping[str, Json]]) -> list[Json]:
    return sorted(({"id": r["id"], "name": r["name"], "type": r["type"]} for r in references), key=canonical)


def _reason(error: Mapping[str, Json]) -> str:
    payload = error.get("output", {}).get("payload", {}) if isinstance(error.get("output"), Mapping) else {}
    return str(payload.get("message") or error.get("message") or error.get("type") or "unknown")
