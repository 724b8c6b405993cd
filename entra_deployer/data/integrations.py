"""What Elastic's integrations put into their data streams: fields, types, arrays, constants, values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from entra_deployer.core.json import Json


@dataclass(frozen=True)
class Stream:
    """One data stream of a package, as its package describes it.

    `closed`: a field that is not listed cannot be searched; else an unlisted field is mapped when it comes. `complete`:
    the list of fields is the package's whole list.
    """

    name: str
    package: str
    index: str
    complete: bool
    closed: bool
    raw: Mapping[str, Json] = field(repr=False, compare=False)

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The type of each field that is listed."""
        return {name: kind for kind, names in self._texts("fields").items() for name in names.split()}

    @cached_property
    def constants(self) -> Mapping[str, str]:
        """The fields that have one value in every document."""
        return self._texts("constants")

    @cached_property
    def always(self) -> frozenset[str]:
        """The fields that every document that was read has."""
        return frozenset((*self.single, "@timestamp", "event.kind"))

    @cached_property
    def single(self) -> frozenset[str]:
        """The fields that hold one value, where others may hold several."""
        return frozenset((*self.constants, *self._names("single"), *self._names("one_value")))

    @cached_property
    def arrays(self) -> frozenset[str]:
        """The fields that hold several values."""
        return frozenset(self._names("arrays"))

    @cached_property
    def absent(self) -> frozenset[str]:
        """The fields that no document that was read has, though others of its kind do."""
        return frozenset(self._names("absent"))

    @cached_property
    def values(self) -> Mapping[str, tuple[str, ...]]:
        """All values that a field may have, by field."""
        found = self.raw.get("values")
        return {name: tuple(map(str, some)) for name, some in found.items()} if isinstance(found, Mapping) else {}  # type: ignore[arg-type]

    @cached_property
    def without_user(self) -> tuple[str, tuple[str, ...]]:
        """A field and its values for which a document has no user.*; ("", ()) where there is none."""
        found = self.raw.get("variants")
        if not isinstance(found, Mapping):
            return "", ()
        names = found.get("without_user")
        return str(found.get("field")), tuple(map(str, names)) if isinstance(names, Sequence) else ()

    def is_open(self, name: str) -> bool:
        """Whether a field lies in a group whose fields are not listed."""
        groups = self._names("open")
        wild = self.raw.get("wildcards")
        patterns = tuple(wild) if isinstance(wild, Mapping) else ()
        listed = name in self._names("seen_in_rules")
        return (
            listed
            or any(name.startswith(f"{group}.") for group in groups)
            or any(fnmatchcase(name, pattern) for pattern in patterns)
        )

    def _names(self, key: str) -> tuple[str, ...]:
        found = self.raw.get(key, ())
        return tuple(map(str, found)) if isinstance(found, Sequence) else ()

    def _texts(self, key: str) -> Mapping[str, str]:
        found = self.raw.get(key)
        return {str(name): str(text) for name, text in found.items()} if isinstance(found, Mapping) else {}


def read_streams(raw: Mapping[str, Mapping[str, Json]]) -> Mapping[str, Stream]:
    """The streams by their names ("azure.signinlogs")."""
    return {
        name: Stream(
            name, str(item["package"]), str(item["index"]), bool(item.get("complete")), bool(item.get("closed")), item
        )
        for name, item in raw.items()
    }
