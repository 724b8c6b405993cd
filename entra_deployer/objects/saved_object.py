"""What saved searches and tags have in common: Kibana's saved objects API."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import batched
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import (
    DoesNotFit,
    Json,
    as_mapping,
    as_mappings,
    canonical,
    decode_json,
    differing,
    is_canonical,
    same,
)
from entra_deployer.objects.kind import Mark, Merged, OwnerOf, Standing, Wanted, import_by_parts, plain_text
from entra_deployer.objects.state import TAG, FieldDiff, FieldKept, LiveObject, StateObject
from entra_deployer.stack.answers import (
    Nothing,
    SavedObjectBody,
    SavedObjectPage,
    SavedObjectsImported,
    missing_objects,
)

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient

_API = "/api/saved_objects"
_PAGE = 1000
"""Objects of one answer: Kibana exports 10,000 at most."""


class SavedObjectKind:
    """The fields of saved objects: their attributes and, beside them, their references.

    Ours wins, but for what we say nothing of. The name of a reference to a tag means nothing to Kibana.
    """

    def fields(self, payload: Mapping[str, Json]) -> Mapping[str, Json]:
        """The attributes and, beside them, the references in a fixed order."""
        references: list[Json] = [_plainly_named(one) for one in as_mappings(payload.get("references"))]
        return {**as_mapping(payload["attributes"]), "references": in_order(references)}

    def same(self, path: str, one: Json, other: Json) -> bool:  # noqa: ARG002 - the same for all fields
        """Whether two values say the same: line ends, and white space around a search's query, mean nothing."""
        return same(one, other) or same(comparable(one), comparable(other))

    def difference(self, existing: StateObject, desired: StateObject) -> tuple[FieldDiff, ...]:
        """The fields that differ; what we do not set is not ours to compare."""
        if existing.payload is desired.payload:
            return ()
        before, after = self.fields(existing.payload), self.fields(desired.payload)
        names = differing(before, after, sorted(after))
        return tuple(
            FieldDiff(name, before.get(name), after[name])
            for name in names
            if not self.same(name, before.get(name), after[name])
        )

    def merge(self, desired: StateObject, live: StateObject, base: StateObject | None, owner: OwnerOf) -> Merged:  # noqa: ARG002 - nobody owns a part of a search
        """Ours over what stands: an attribute that we say nothing of keeps its value, and so does an analyst's tag."""
        attributes = {**as_mapping(live.payload["attributes"]), **as_mapping(desired.payload["attributes"])}
        ours = as_mappings(desired.payload.get("references"))
        known = {one["id"] for one in ours if one["type"] == TAG}
        tags = [one for one in as_mappings(live.payload.get("references")) if one["type"] == TAG]
        references = in_order([*ours, *(one for one in tags if one["id"] not in known)])
        payload: Mapping[str, Json] = {"attributes": attributes, "references": references}
        return Merged(StateObject(desired.kind, desired.key, desired.name, payload))

    def ours(self, final: StateObject, kept: Iterable[FieldKept]) -> StateObject:  # noqa: ARG002 - nothing is told as kept
        """What was written is what is ours."""
        return final

    def was_pushed(self, live: StateObject) -> bool | None:  # noqa: ARG002 - a tag bears no witness
        """A saved object cannot tell."""
        return None

    def is_as_pushed(self, live: StateObject, path: str = "") -> bool | None:  # noqa: ARG002 - a tag bears no witness
        """A saved object cannot tell."""
        return None


class Form(Struct, frozen=True):
    """What one kind of saved objects is called by Kibana, and where its name stands.

    `migrated_from` is the version that an import claims to be of, "" for none.
    """

    kind: str
    type: str
    name_attribute: str
    migrated_from: str = ""


class SavedObjectHandler:
    """The saved objects of one kind in one space of one Kibana."""

    deletes_at_once = 1

    def __init__(self, client: "KibanaClient", space: str, form: "Form") -> None:
        self._client = client
        self._space = space
        self._kind = form.kind
        self._type = form.type
        self._name_attribute = form.name_attribute
        self._migrated_from = form.migrated_from

    def marked(self, mark: Mark) -> list[LiveObject]:
        """Every object that refers to our tag."""
        found: list[LiveObject] = []
        reference = json.dumps({"type": "tag", "id": mark.tag_id})
        page = 1
        while True:
            window = {"per_page": _PAGE, "page": page}
            params: dict[str, str | int] = {"type": self._type, **window, "has_reference": reference}
            answer = self._client.get(f"{_API}/_find", SavedObjectPage, space=self._space, params=params)
            found += map(self._live, answer.saved_objects)
            if page * _PAGE >= answer.total or not answer.saved_objects:
                return found
            page += 1

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The objects with these ids that exist, by Kibana's export (which names those that do not)."""
        return [live for some in batched(sorted(set(keys)), _PAGE) for live in self._exported(list(some))]

    def _exported(self, wanted: list[str]) -> list[LiveObject]:
        while wanted:
            body: Json = {"objects": [{"type": self._type, "id": key} for key in wanted], "excludeExportDetails": True}
            try:
                lines = self._client.export(f"{_API}/_export", body, SavedObjectBody, space=self._space)
            except Refused as error:
                gone = missing_objects(error.attributes)
                if not gone & set(wanted):
                    raise
                wanted = [key for key in wanted if key not in gone]
            else:
                return [self._live(line) for line in lines if line.read["type"] == self._type]
        return []

    def by_name(self, names: Iterable[str]) -> list[LiveObject]:  # noqa: ARG002 - several may be called the same
        """Names mean nothing."""
        return []

    def look(self, mark: Mark, wanted: Wanted, *, many: bool = False) -> Standing:  # noqa: ARG002 - each is named by its id
        """Our objects, and those with these ids that do not refer to our tag."""
        marked = self.marked(mark)
        keys = set(wanted()[0])
        mine = [live for live in marked if live.object.key in keys]
        others = self.by_key(keys.difference(live.object.key for live in mine))
        return Standing(tuple(marked), (*mine, *others))

    def read(self, object_id: str) -> LiveObject | None:
        """One object by its id; None where it is gone."""
        try:
            answer = self._client.get(self._path(object_id), SavedObjectBody, space=self._space)
        except Refused as error:
            if error.status == 404:
                return None
            raise
        return self._live(answer)

    def create(self, objects: Sequence[StateObject]) -> dict[str, str]:
        """Import new objects; what failed, by key."""
        return import_by_parts(
            objects,
            lambda some: self._import(some, overwrite=False),
            lambda some: [live.object.key for live in self.by_key(one.key for one in some)],
        )

    def update(self, live: LiveObject, desired: StateObject, paths: Collection[str]) -> None:
        """Write these attributes by PUT, which Kibana refuses where somebody wrote since `live` was read.

        An object of a newer Kibana, which keeps the attributes of a search in tabs, is imported over as a whole.
        """
        if live.revision:
            attributes = as_mapping(desired.payload["attributes"])
            body: dict[str, Json] = {
                "attributes": {path: attributes[path] for path in paths if path in attributes},
                "version": live.revision,
            }
            references = desired.payload["references"] if "references" in paths else _with_our_names(live, desired)
            if references != live.object.payload["references"]:
                body["references"] = references
            self._client.put(self._path(desired.key), body, SavedObjectBody, space=self._space)
            return
        for error in self._import([desired], overwrite=True).values():
            raise Refused(error, status=400)

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Delete by id; one that is gone already is as good."""
        for one in live:
            try:
                self._client.delete(self._path(one.object_id), Nothing, space=self._space)
            except Refused as error:
                if error.status != 404:
                    raise

    def _import(self, objects: Sequence[StateObject], *, overwrite: bool) -> dict[str, str]:
        """What Kibana says against some of them, by key; with one conflict it writes nothing of the file."""
        params = {"overwrite": str(overwrite).lower()}
        lines = [self._line(one) for one in objects]
        answer = self._client.upload(f"{_API}/_import", lines, SavedObjectsImported, space=self._space, params=params)
        errors = {item.id: _reason(item.error) for item in answer.errors}
        for item in answer.success_results:
            if item.destination_id:
                errors[item.id] = "the id is taken in another space: Kibana made a copy under a new id"
        return errors

    def _path(self, object_id: str) -> str:
        return f"{_API}/{self._type}/{quote(object_id, safe='')}"

    def _line(self, one: StateObject) -> Json:
        line = {"type": self._type, "id": one.key, **one.payload}
        if self._migrated_from:
            line["typeMigrationVersion"] = self._migrated_from
        return line

    def _live(self, item: SavedObjectBody) -> LiveObject:
        read, whole = item.read, as_mapping(item.whole["attributes"])
        attributes = _flat(whole)
        payload: Mapping[str, Json] = {
            "attributes": attributes,
            "references": _sorted_references(read.get("references", ())),
        }
        return LiveObject(
            object=StateObject(self._kind, read["id"], str(attributes.get(self._name_attribute, "")), payload),
            object_id=read["id"],
            revision="" if "tabs" in whole else str(read.get("version", "")),
            updated_at=read.get("updated_at", ""),
            updated_by=read.get("updated_by") or "",
            immutable=bool(read.get("managed")),
            created_at=read.get("created_at", ""),
        )


def _flat(attributes: Mapping[str, Json]) -> dict[str, Json]:
    """The attributes in the shape from before Discover had tabs, with the search source in canonical JSON."""
    flat = {name: value for name, value in attributes.items() if name != "tabs"}
    tabs = attributes.get("tabs")
    if isinstance(tabs, list) and tabs and isinstance(tabs[0], Mapping):
        inner = tabs[0].get("attributes")
        if isinstance(inner, Mapping):
            flat = {**inner, **{name: flat[name] for name in ("title", "description") if name in flat}}
    source = flat.get("kibanaSavedObjectMeta")
    if isinstance(source, Mapping) and isinstance(text := source.get("searchSourceJSON"), str):
        flat["kibanaSavedObjectMeta"] = {"searchSourceJSON": _canonical_text(text)}
    return flat


def _plainly_named(reference: Mapping[str, Json]) -> Mapping[str, Json]:
    """A reference to a tag by the name that Kibana gives it; any other as it is."""
    return {**reference, "name": plain_name(str(reference["id"]))} if reference["type"] == TAG else reference


def in_order(references: Sequence[Json]) -> list[Json]:
    """References in a fixed order: Kibana gives them in any."""
    return sorted(references, key=canonical) if len(references) > 1 else list(references)


def plain_name(tag_id: str) -> str:
    """The name that Kibana gives the reference to a tag. It finds tags by type and id alone."""
    return f"tag-ref-{tag_id}"


def _with_our_names(live: LiveObject, desired: StateObject) -> list[Json]:
    """The references that stand, those to our tag by the name that is desired: it may bear a witness."""
    ours = {one["id"]: one for one in as_mappings(desired.payload["references"]) if one["type"] == TAG}
    standing = as_mappings(live.object.payload["references"])
    return in_order([ours.get(one["id"], one) if one["type"] == TAG else one for one in standing])


def comparable(value: Json) -> Json:
    """A value as it is compared: a search's source with the query as a text field of a browser would not change it."""
    text = value.get("searchSourceJSON") if isinstance(value, Mapping) else None
    try:
        source: Json = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return value
    if not isinstance(source, Mapping) or not isinstance(query := source.get("query"), Mapping):
        return value
    esql = query.get("esql")
    return {**source, "query": {**query, "esql": plain_text(esql)}} if isinstance(esql, str) else value


def query_of_search(meta: Json) -> str:
    """The ES|QL text in the `kibanaSavedObjectMeta` of a saved search, "" where there is none."""
    text = as_mapping(meta).get("searchSourceJSON")
    try:
        return decode_json(text, _SearchSource).query.esql if isinstance(text, str) else ""
    except DoesNotFit:
        return ""


class _SearchQuery(Struct, frozen=True):
    esql: str = ""


class _SearchSource(Struct, frozen=True):
    query: _SearchQuery = _SearchQuery()


def _canonical_text(text: str) -> str:
    if is_canonical(text):
        return text
    try:
        return canonical(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _sorted_references(references: Iterable[Mapping[str, object]]) -> list[Json]:
    return in_order([{key: str(r.get(key, "")) for key in ("id", "name", "type")} for r in references])


def _reason(error: Mapping[str, Json]) -> str:
    output = error.get("output")
    payload = output.get("payload") if isinstance(output, Mapping) else None
    inner = payload.get("message") if isinstance(payload, Mapping) else None
    if error.get("type") == "conflict":
        return "somebody made an object with this id meanwhile"
    return str(inner or error.get("message") or error.get("type") or "unknown")
