"""The fields that rules read from their sources, and how an environment maps them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True)
class FieldCap:
    """A field in the indices of a pattern: the types that it is mapped as and the indices that lack it, both sorted."""

    types: tuple[str, ...]
    unmapped_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldCaps:
    """What Elasticsearch tells of a pattern: the indices that it matches, and how these map the fields asked for."""

    indices: tuple[str, ...] = ()
    fields: Mapping[str, FieldCap] = field(default_factory=dict)


class Grade(StrEnum):
    """How a source has a field: everywhere as it should be, in some of its indices only, nowhere, or otherwise."""

    MAPPED = "mapped"
    PARTLY_MAPPED = "partly mapped"
    ABSENT = "absent"
    OTHER_TYPE = "of another type"


@dataclass(frozen=True)
class SourceField:
    """A field that a rule reads, as a source has it. Types are those of ES|QL, and several stand with a comma between.

    `wanted` is the type that it had at the rule's last push, or else the documented one: "" where neither is known.
    `found` is the one that it has, "" for none; `unmapped_in` are the indices that lack it, of `indices` in all.
    """

    name: str
    wanted: str
    found: str
    unmapped_in: tuple[str, ...] = ()
    indices: int = 1

    @property
    def grade(self) -> Grade:
        """Several types are another type than any wanted one: ES|QL refuses such a field."""
        if not self.found:
            return Grade.ABSENT
        if "," in self.found or self.found != (self.wanted or self.found):
            return Grade.OTHER_TYPE
        return Grade.PARTLY_MAPPED if self.unmapped_in else Grade.MAPPED
