"""What servers tell: results of queries and previews, fields of sources, who we are, the license."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from entra_deployer.core.json import Json


class Column(Struct, frozen=True):
    """A column of a result: its name and its Elasticsearch type."""

    name: str
    type: str


class QueryResult(Struct, frozen=True):
    """Rows of an ES|QL query. `warnings` are the texts of the server's Warning headers, unquoted.

    `took` is how many milliseconds the server worked, `documents` how many it read; None where it does not tell.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Json, ...], ...]
    warnings: tuple[str, ...] = ()
    is_partial: bool = False
    took: int | None = None
    documents: int | None = None

    def records(self) -> list[dict[str, Json]]:
        """The rows as mappings from column name to value."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class RunningQuery(Struct, frozen=True):
    """A query that was begun: its `result` where it is done, else the `query_id` to ask for it by."""

    query_id: str = ""
    result: QueryResult | None = None


class Searcher(Protocol):
    """Runs an ES|QL query. Raises Refused with the server's own text where the query is refused."""

    def query(self, text: str, *, filter: Mapping[str, Json] | None = None, params: Sequence[Json] = ()) -> QueryResult:  # noqa: A002
        """Run `text`; `filter` is a Query DSL filter applied before it."""
        ...


class PreviewResult(Struct, frozen=True):
    """What Kibana's rule preview wrote: its alerts' sources, and its log (errors and warnings, one line each)."""

    alerts: tuple[Mapping[str, Json], ...]
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


class Previewer(Protocol):
    """Runs a rule as Kibana would, without deploying it."""

    def preview(self, rule: Mapping[str, Json], *, timeframe_end: str, invocations: int = 1) -> PreviewResult:
        """Run the rule's payload for `invocations` consecutive schedules ending at `timeframe_end` (ISO 8601)."""
        ...


@dataclass(frozen=True)
class Identity:
    """Who a server takes us for.

    `key_id` and `key_name` are "" for a user with a password or a token; `expires` is None for what never does.
    """

    user: str
    roles: tuple[str, ...] = ()
    key_id: str = ""
    key_name: str = ""
    expires: datetime | None = None


class License(Struct, frozen=True):
    """A license: Elastic's word for its type, whether it is in force, and until when (None: for ever)."""

    type: str
    active: bool = True
    expires: datetime | None = None


class FieldCap(Struct, frozen=True):
    """A field in the indices of a pattern: the types that it is mapped as and the indices that lack it, both sorted."""

    types: tuple[str, ...]
    unmapped_in: tuple[str, ...] = ()


class FieldCaps(Struct, frozen=True):
    """What Elasticsearch tells of a pattern: the indices that it matches, and how these map the fields asked for."""

    indices: tuple[str, ...] = ()
    fields: Mapping[str, FieldCap] = field(default_factory=dict)


class Grade(StrEnum):
    """How a source has a field: everywhere as it should be, in some of its indices only, nowhere, or otherwise."""

    MAPPED = "mapped"
    PARTLY_MAPPED = "partly mapped"
    ABSENT = "absent"
    OTHER_TYPE = "of another type"


class SourceField(Struct, frozen=True):
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
