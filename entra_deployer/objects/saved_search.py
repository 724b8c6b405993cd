"""Saved ES|QL searches; newer Kibana calls one a Discover session."""

from typing import TYPE_CHECKING

from entra_deployer import facts
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.saved_object import Form, SavedObjectHandler, SavedObjectKind
from entra_deployer.objects.state import SAVED_SEARCH

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient


class SavedSearchKind(SavedObjectKind):
    """Saved searches. They bear no witness: what was pushed is known by the ledger alone."""

    name = SAVED_SEARCH
    words = "saved search"
    shared = False
    named_once = False
    feature = facts.SEARCHES_FEATURE

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> SavedObjectHandler:  # noqa: ARG002 - the same for all versions
        """The saved searches of a space."""
        return SavedObjectHandler(client, space, Form(SAVED_SEARCH, "search", "title", facts.MIGRATED_FROM))
