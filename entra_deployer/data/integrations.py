"""What Elastic's integrations put into their data streams: fields, types, arrays, constants, values."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cached_property

import msgspec


class _Variants(msgspec.Struct, frozen=True):
    field: str
    without_user: tuple[str, ...]


class Stream(msgspec.Struct, frozen=True, dict=True):
    """One data stream of a package ("azure.signinlogs"), as its package describes it.

    `closed`: a field that is not listed cannot be searched; else an unlisted field is mapped when it comes. `complete`:
    the list of fields is the package's whole list. `names_by_type` are the fields, with a space between. `constants`
    are those that have one value in every document; of the documents that were read none has one of the `absent`,
    though others of its kind do. `options` are all values that a field may have, by field.
    """

    package: str
    index: str
    name: str = ""
    complete: bool = False
    closed: bool = False
    names_by_type: dict[str, str] = msgspec.field(name="fields", default_factory=dict)
    constants: dict[str, str] = {}
    single_in_package: tuple[str, ...] = msgspec.field(name="single", default=())
    one_value: tuple[str, ...] = ()
    arrays: frozenset[str] = frozenset()
    absent: frozenset[str] = frozenset()
    open: tuple[str, ...] = ()
    seen_in_rules: frozenset[str] = frozenset()
    wildcards: dict[str, str] = {}
    options: dict[str, tuple[str | int, ...]] = msgspec.field(name="values", default_factory=dict)
    variants: _Variants | None = None

    @cached_property
    def fields(self) -> Mapping[str, str]:
        """The type of each field that is listed."""
        return {name: kind for kind, names in self.names_by_type.items() for name in names.split()}

    @cached_property
    def always(self) -> frozenset[str]:
        """The fields that every document that was read has."""
        return frozenset((*self.single, "@timestamp", "event.kind"))

    @cached_property
    def single(self) -> frozenset[str]:
        """The fields that hold one value, where others may hold several."""
        return frozenset((*self.constants, *self.single_in_package, *self.one_value))

    @cached_property
    def values(self) -> Mapping[str, tuple[str, ...]]:
        """All values that a field may have, by field."""
        return {name: tuple(map(str, some)) for name, some in self.options.items()}

    @cached_property
    def without_user(self) -> tuple[str, tuple[str, ...]]:
        """A field and its values for which a document has no user.*; ("", ()) where there is none."""
        return (self.variants.field, self.variants.without_user) if self.variants else ("", ())

    def is_open(self, name: str) -> bool:
        """Whether a field lies in a group whose fields are not listed."""
        return (
            name in self.seen_in_rules
            or any(name.startswith(f"{group}.") for group in self.open)
            or any(fnmatchcase(name, pattern) for pattern in self.wildcards)
        )
