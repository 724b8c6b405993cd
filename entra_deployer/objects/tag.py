"""Our mark: a tag on rules, and the saved-object tag of the same name on saved searches."""

from typing import TYPE_CHECKING
from uuid import UUID, uuid5

from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.facts import TAGS_FEATURE
from entra_deployer.objects.kind import Mark
from entra_deployer.objects.saved_object import Form, SavedObjectHandler, SavedObjectKind, plain_name
from entra_deployer.objects.state import TAG, LiveObject, StateObject

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient

OWNER_TAG = "Managed: entra-deployer"
"""The tag on every rule and saved search that is ours. (A rule's `meta` would not survive an edit in Kibana's UI.)"""

_TAG_NAMESPACE = UUID("2d5f6a0e-52a1-5d0b-9c1e-0f6b6f1f7a55")


class TagHandler(SavedObjectHandler):
    """The tags of a space."""

    def marked(self, mark: Mark) -> list[LiveObject]:  # noqa: ARG002 - the mark bears no mark
        """None: a tag is shared by all who use it."""
        return []


class TagKind(SavedObjectKind):
    """Saved-object tags. They belong to everybody: never foreign, never left over."""

    name = TAG
    words = "tag"
    shared = True
    named_once = False
    feature = TAGS_FEATURE

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> TagHandler:  # noqa: ARG002 - the same for all versions
        """The tags of a space."""
        return TagHandler(client, space, Form(TAG, "tag", "name"))


def reference_to(tag: StateObject) -> dict[str, Json]:
    """How a saved object says that it bears a tag."""
    return {"id": tag.key, "name": plain_name(tag.key), "type": "tag"}


def mark_of(space: str) -> Mark:
    """How our objects are known in a space."""
    return Mark(OWNER_TAG, str(uuid5(_TAG_NAMESPACE, space)))


def owner_tag(space: str) -> StateObject:
    """The saved-object tag that marks our saved searches in a space."""
    attributes = {"name": OWNER_TAG, "description": "Deployed from a repository of hunts", "color": "#0B64DD"}
    return StateObject(TAG, mark_of(space).tag_id, OWNER_TAG, {"attributes": attributes, "references": []})
