"""Saved ES|QL searches; newer Kibana calls one a Discover session."""

from typing import TYPE_CHECKING
from uuid import UUID

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.saved_object import Form, SavedObjectHandler, SavedObjectKind
from entra_deployer.objects.state import SAVED_SEARCH, StateObject

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient


_OF_A_NAME = 5
"""The version of such a UUID."""


class SavedSearchKind(SavedObjectKind):
    """Saved searches. Their witness is their id: ours are UUIDs made of the hunt's, Kibana's own are random."""

    name = SAVED_SEARCH
    words = "saved search"
    shared = False
    named_once = False
    feature = facts.SEARCHES_FEATURE

    def was_pushed(self, live: StateObject) -> bool | None:
        """True where the id is one that is made of a name, as ours are; None where that tells nothing."""
        try:
            return UUID(live.key).version == _OF_A_NAME or None
        except ValueError:
            return None

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> SavedObjectHandler:  # noqa: ARG002 - the same for all versions
        """The saved searches of a space."""
        return SavedObjectHandler(client, space, Form(SAVED_SEARCH, "search", "title", facts.MIGRATED_FROM))
