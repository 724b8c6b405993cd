"""What every kind of Kibana object can do: it is all that planner, drift, push, recover and remove know of one."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.state import FieldDiff, FieldKept, LiveObject, StateObject

if TYPE_CHECKING:
    from entra_deployer.facts import KibanaFeature
    from entra_deployer.stack.kibana import KibanaClient

type OwnerOf = Callable[[str], str]
"""Who owns a field of one object: "git", "live", or "" for the kind's own default."""


@dataclass(frozen=True)
class Merged:
    """What is to stand after a write, and the fields of it whose live value stays."""

    final: StateObject
    kept: tuple[FieldKept, ...] = ()


class Mark(Struct, frozen=True):
    """How our objects are known in one space: by the name of our tag on rules, by its id on saved objects."""

    tag: str
    tag_id: str


class Standing(Struct, frozen=True):
    """The objects of one kind that a plan has to know: what bears our mark, what has a wanted key, or a wanted name.

    An object may stand in several.
    """

    marked: tuple[LiveObject, ...] = ()
    same_key: tuple[LiveObject, ...] = ()
    same_name: tuple[LiveObject, ...] = ()


type Wanted = Callable[[], tuple[Collection[str], Collection[str]]]
"""Gives the keys and the names that somebody wants; it may have to wait for them."""


class Handler(Protocol):
    """Reads and writes the objects of one kind in one space. Raises Refused or Unreachable where that fails."""

    deletes_at_once: int
    """How many `delete` can take in one request."""

    def marked(self, mark: Mark) -> list[LiveObject]:
        """Every object that bears our mark."""
        ...

    def by_key(self, keys: Iterable[str]) -> list[LiveObject]:
        """The objects under these keys: none, one, or (after a race of equal creates) several for one."""
        ...

    def by_name(self, names: Iterable[str]) -> list[LiveObject]:
        """The objects of exactly these names, whoever made them; [] for a kind whose names mean nothing."""
        ...

    def look(self, mark: Mark, wanted: Wanted, *, many: bool = False) -> Standing:
        """All of that, each object read once. `wanted` is asked as late as can be; `many` says that it is long."""
        ...

    def read(self, object_id: str) -> LiveObject | None:
        """One object by the server's own id, as it is this very moment (a search is up to a second old)."""
        ...

    def create(self, objects: Sequence[StateObject]) -> dict[str, str]:
        """Make new objects; what failed, by key. An answer of 200 says nothing: the caller reads back."""
        ...

    def update(self, live: LiveObject, desired: StateObject, paths: Collection[str]) -> None:
        """Write these fields of `desired`, and nothing else, on an object that was read just before."""
        ...

    def delete(self, live: Sequence[LiveObject]) -> None:
        """Remove objects by the server's own ids."""
        ...


def plain_text(text: str) -> str:
    """A text of several lines without what a text field of a browser adds: other line ends, white space around it."""
    return text.replace("\r\n", "\n").strip()


class Kind(Protocol):
    """A kind of object. Its laws stand in tests/objects/test_kinds.py and run for each member of KINDS."""

    name: str
    words: str
    """What people call one of it."""
    shared: bool
    """Whether it belongs to everybody: never foreign, never left over."""
    named_once: bool
    """Whether two of one name would be taken for each other."""
    feature: "KibanaFeature"
    """The feature of Kibana that must be allowed."""

    def handler(self, client: "KibanaClient", space: str, version: StackVersion) -> Handler:
        """Its reader and writer for one space."""
        ...

    def fields(self, payload: Mapping[str, Json]) -> Mapping[str, Json]:
        """The fields that are compared, by path."""
        ...

    def same(self, path: str, one: Json, other: Json) -> bool:
        """Whether two values of a field say the same."""
        ...

    def difference(self, existing: StateObject, desired: StateObject) -> tuple[FieldDiff, ...]:
        """The fields in which an object is not as desired. Planning and reading back both compare by it."""
        ...

    def merge(self, desired: StateObject, live: StateObject, base: StateObject | None, owner: OwnerOf) -> Merged:
        """What is to be sent where `live` stands: ours, but for what the live stack owns. `base`: the last push's."""
        ...

    def ours(self, final: StateObject, kept: Iterable[FieldKept]) -> StateObject:
        """What a write of `final` leaves of ours, without what an analyst added."""
        ...

    def was_pushed(self, live: StateObject) -> bool | None:
        """Whether the object itself bears witness that it was pushed under its very key; None: it cannot tell."""
        ...

    def is_as_pushed(self, live: StateObject, path: str = "") -> bool | None:
        """Whether, by its own witness, nobody edited it (or one field) since a push; None: it cannot tell."""
        ...


_TO_BE_CUT = frozenset({400, 404, 409, 413, 500})
"""Answers to a file of several objects that one of them may have caused."""


def import_by_parts(
    objects: Sequence[StateObject],
    send: Callable[[Sequence[StateObject]], Mapping[str, str]],
    standing: Callable[[Sequence[StateObject]], Collection[str]],
) -> dict[str, str]:
    """Import objects so that one that is refused keeps none of the others away, and its reason is known.

    Kibana tells neither which rule broke its schema nor takes a file with one bad connector or id: what is not there
    after a file was sent is sent again in halves, down to the bad one alone. `send` gives errors by key ("" for one
    that Kibana did not name); `standing` those keys that are there. Returns what failed, by key.
    """
    try:
        told = dict(send(objects))
    except Refused as error:
        if error.status not in _TO_BE_CUT:
            raise
        told = {"": error.message}
    if not told:
        return {}
    if len(objects) == 1:
        return {objects[0].key: "; ".join(dict.fromkeys(told.values()))}
    failed = {one.key: told[one.key] for one in objects if one.key in told}
    there = set(standing(objects))
    left = [one for one in objects if one.key not in there and one.key not in failed]
    if len(left) == len(objects):
        middle = len(left) // 2
        parts = [left[:middle], left[middle:]]
    else:
        parts = [left] if left else []
    for part in parts:
        failed |= import_by_parts(part, send, standing)
    return failed
