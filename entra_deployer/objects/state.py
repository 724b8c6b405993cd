"""What stands, or should stand, in one Kibana space: rules, saved searches, tags."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.core.json import Untyped as Json


class Kind(StrEnum):
    """The kinds of Kibana object that we manage, in the order of writing (what is referred to comes first)."""

    TAG = "tag"
    SAVED_SEARCH = "saved_search"
    RULE = "rule"

    @property
    def rank(self) -> int:
        """Position in the order of writing."""
        return list(Kind).index(self)


@dataclass(frozen=True)
class StateObject:
    """One object, canonical: what we want of it or what a server has of it, without what the server sets by itself.

    `key` is ours and stable: the `rule_id` of a rule, the saved object's id of a search or a tag. `payload` is the body
    in Kibana's own field names. A rule's payload holds every field of the API that is set, `rule_id` among them, and
    always `enabled`. A saved search ("Discover session" in newer Kibana) or a tag is {"attributes", "references"}.
    """

    kind: Kind
    key: str
    name: str
    payload: Mapping[str, Json]

    @property
    def order(self) -> tuple[int, str]:
        """What objects are sorted by, everywhere."""
        return (self.kind.rank, self.key)


@dataclass(frozen=True)
class LiveObject:
    """An object as read from a server, with what only the server knows.

    `object_id` is the server's own id (Kibana's `id`), `revision` what changes whenever the content does (a rule's
    revision, a saved object's version), `updated_at` is ISO 8601, `updated_by` a user name or "" where not told.
    `execution` is what Kibana says of a rule's last run ({"date", "status", "message", ...}), None before the first.
    """

    object: StateObject
    object_id: str
    revision: str
    updated_at: str = ""
    updated_by: str = ""
    immutable: bool = False
    execution: Json = None


@dataclass(frozen=True)
class State:
    """All desired objects of one space, sorted by `StateObject.order`."""

    space: str
    objects: tuple[StateObject, ...]
