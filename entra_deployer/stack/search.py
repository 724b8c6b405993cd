"""What an Elasticsearch answers to an ES|QL query, and the small part of it that the pure code may ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from entra_deployer.core.json import Json


@dataclass(frozen=True)
class Column:
    """A column of a result: its name and its Elasticsearch type."""

    name: str
    type: str


@dataclass(frozen=True)
class QueryResult:
    """Rows of an ES|QL query. `warnings` are the texts of the server's Warning headers, unquoted."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Json, ...], ...]
    warnings: tuple[str, ...] = ()
    is_partial: bool = False

    def records(self) -> list[dict[str, Json]]:
        """The rows as mappings from column name to value."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


class Searcher(Protocol):
    """Runs an ES|QL query. Raises Refused with the server's own text where the query is refused."""

    def query(self, text: str, *, filter: Mapping[str, Json] | None = None, params: Sequence[Json] = ()) -> QueryResult:  # noqa: A002
        """Run `text`; `filter` is a Query DSL filter applied before it."""
        ...


@dataclass(frozen=True)
class PreviewResult:
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


@dataclass(frozen=True)
class License:
    """A license: Elastic's word for its type, whether it is in force, and until when (None: for ever)."""

    type: str
    active: bool = True
    expires: datetime | None = None
