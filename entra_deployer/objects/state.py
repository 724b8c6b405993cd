"""What stands, or should stand, in one Kibana space, and how two states of one object differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from entra_deployer.core.json import Json
from entra_deployer.stack.answers import LastExecution

RULE: Final = "rule"
SAVED_SEARCH: Final = "saved_search"
TAG: Final = "tag"
"""Names of kinds, as documents and the ledger have them; `objects.KINDS` knows all of them."""

type Key = tuple[str, str]
"""The name of a kind, and the key of an object of it."""


@dataclass(frozen=True)
class StateObject:
    """One object, canonical: what we want of it or what a server has of it, without what the server sets by itself.

    `kind` names one of KINDS. `key` is ours and stable: the `rule_id` of a rule, the saved object's id of a search or a
    tag. `payload` is the body in Kibana's own field names. A rule's payload holds every field of the API that is set,
    `rule_id` among them, and always `enabled`. A saved search or a tag is {"attributes", "references"}.
    """

    kind: str
    key: str
    name: str
    payload: Mapping[str, Json]

    @property
    def at(self) -> Key:
        """Its kind and key."""
        return (self.kind, self.key)


class LiveObject(Struct, frozen=True):
    """An object as read from a server, with what only the server knows.

    `object_id` is the server's own id (Kibana's `id`), `revision` the server's count or version of it (a rule's moves
    by itself: two readings are compared by their content), `updated_at` and `created_at` are ISO 8601, `updated_by` a
    user name, each "" where not told. `execution` is a rule's last run, None before the first.
    """

    object: StateObject
    object_id: str
    revision: str
    updated_at: str = ""
    updated_by: str = ""
    immutable: bool = False
    execution: LastExecution | None = None
    created_at: str = ""


@dataclass(frozen=True)
class State:
    """All desired objects of one space, in the order of writing (`objects.order_of`)."""

    space: str
    objects: tuple[StateObject, ...]


@dataclass(frozen=True)
class FieldDiff:
    """One field that differs; None stands for "not set". `path` is in Kibana's names, dotted.

    `edited` says that the existing value is not what the last push left: somebody changed it in Kibana.
    """

    path: str
    existing: Json
    desired: Json
    edited: bool = False


class FieldKept(Struct, frozen=True):
    """A field whose live value stays, with the reason: who owns it."""

    path: str
    existing: Json
    reason: str
