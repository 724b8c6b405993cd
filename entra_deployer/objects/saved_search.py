"""Saved ES|QL searches; newer Kibana calls one a Discover session."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import UUID

from entra_deployer import facts
from entra_deployer.core.json import Json, as_mapping, as_mappings, canonical
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.kind import Merged, OwnerOf
from entra_deployer.objects.saved_object import (
    Form,
    SavedObjectHandler,
    SavedObjectKind,
    comparable,
    in_order,
    plain_name,
)
from entra_deployer.objects.state import SAVED_SEARCH, TAG, StateObject

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient


_OF_A_NAME = 5
"""The version of such a UUID."""
WITNESSED: Final = (
    *("title", "description", "columns", "sort", "grid", "hideChart", "isTextBasedQuery", "usesAdHocDataView"),
    *("timeRestore", "timeRange", "kibanaSavedObjectMeta"),
)
"""The attributes that a push writes: those in the digest. Kibana, and whoever works there, may add others."""


class SavedSearchKind(SavedObjectKind):
    """Saved searches. Our ids are UUIDs made of the hunt's, Kibana's own are random.

    Kibana takes no attribute that it does not know, so the digest of what a push left is in the name of the reference
    to our tag, which Kibana keeps and never reads. Discover writes its own name there when somebody saves the search.
    """

    name = SAVED_SEARCH
    words = "saved search"
    shared = False
    named_once = False
    feature = facts.SEARCHES_FEATURE

    def merge(self, desired: StateObject, live: StateObject, base: StateObject | None, owner: OwnerOf) -> Merged:
        """Ours over what stands, with the digest of what that makes where the desired one bears a digest."""
        merged = super().merge(desired, live, base, owner)
        return replace(merged, final=with_digest(merged.final)) if _digest_of(desired) else merged

    def was_pushed(self, live: StateObject) -> bool | None:
        """True where the id is one that is made of a name, as ours are; None where that tells nothing."""
        try:
            return UUID(live.key).version == _OF_A_NAME or None
        except ValueError:
            return None

    def is_as_pushed(self, live: StateObject, path: str = "") -> bool | None:
        """What the digest says of the whole search, or of an attribute that is in it."""
        if path and path not in WITNESSED:
            return None
        return _digest_of(live) == search_digest(live)

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> SavedObjectHandler:  # noqa: ARG002 - the same for all versions
        """The saved searches of a space."""
        return SavedObjectHandler(client, space, Form(SAVED_SEARCH, "search", "title", facts.MIGRATED_FROM))


def with_digest(search: StateObject, content: str = "") -> StateObject:
    """The search with its own digest in the name of the reference to our tag; `content` is its `content_digest`.

    That reference is the one that bears a digest already, else the only one.
    """
    references = as_mappings(search.payload["references"])
    tags = [one for one in references if one["type"] == TAG]
    ours = next((one for one in tags if _digest_in(one)), tags[0])
    named = {**ours, "name": f"{plain_name(str(ours['id']))}:{search_digest(search, content)}"}
    changed = in_order([named if one is ours else one for one in references])
    return StateObject(search.kind, search.key, search.name, {**search.payload, "references": changed})


def _digest_of(search: StateObject) -> str:
    """The digest that a search bears, "" where it bears none."""
    return next(filter(None, map(_digest_in, as_mappings(search.payload["references"]))), "")


def _digest_in(reference: Mapping[str, Json]) -> str:
    name, plain = str(reference["name"]), plain_name(str(reference["id"]))
    return name.removeprefix(f"{plain}:") if reference["type"] == TAG and name.startswith(f"{plain}:") else ""


def search_digest(search: StateObject, content: str = "") -> str:
    """The digest of a search under its id; `content` is its `content_digest` where that is known."""
    text = f"{search.key} {content or content_digest(search)}"
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def content_digest(search: StateObject) -> str:
    """The digest of what a push decides on of a search, the same in every space: not of tags, which analysts add."""
    attributes = as_mapping(search.payload["attributes"])
    ours: Json = {
        "attributes": {name: comparable(attributes[name]) for name in WITNESSED if attributes.get(name) is not None},
        "references": [one for one in as_mappings(search.payload["references"]) if one["type"] != TAG],
    }
    return hashlib.sha256(canonical(ours).encode()).hexdigest()
