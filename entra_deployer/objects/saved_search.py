"""Saved ES|QL searches; newer Kibana calls one a Discover session."""

from typing import TYPE_CHECKING

from entra_deployer.core.target import StackVersion
from entra_deployer.objects.saved_object import Form, SavedObjectHandler, SavedObjectKind
from entra_deployer.objects.state import SAVED_SEARCH
from entra_deployer.stack.privileges import SEARCHES

if TYPE_CHECKING:
    from entra_deployer.stack.kibana import KibanaClient

_MIGRATED_FROM = "8.0.0"
"""The version that a search in an import claims to be of. Without one, 8.12 takes its data view for one of old and
refuses it; a newer one makes an older server refuse the whole file. Every server migrates from this one."""


class SavedSearchKind(SavedObjectKind):
    """Saved searches. They bear no witness: what was pushed is known by the ledger alone."""

    name = SAVED_SEARCH
    words = "saved search"
    shared = False
    named_once = False
    feature = SEARCHES

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> SavedObjectHandler:  # noqa: ARG002 - the same for all versions
        """The saved searches of a space."""
        return SavedObjectHandler(client, space, Form(SAVED_SEARCH, "search", "title", _MIGRATED_FROM))
