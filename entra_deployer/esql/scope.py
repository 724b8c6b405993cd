"""What the columns of a query are made of, at one place of its pipe."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.patterns.extraction import Pattern


@dataclass(frozen=True)
class Derived:
    """A column that EVAL or RENAME made: its expression, in the scope where it was made."""

    value: nodes.Expression
    scope: "Scope"


@dataclass(frozen=True)
class Taken:
    """A column that a DISSECT or GROK made: `number` of the pattern in the query, `name` of the output."""

    number: int
    name: str

    @property
    def key(self) -> str:
        """What it is called among the fields; no field has such a name."""
        return f"%{self.number}%{self.name}"


@dataclass(frozen=True)
class Extraction:
    """A DISSECT or GROK: the field (or the key of a Taken) that it reads, and its pattern.

    `made` is what the query makes of the field before the pattern sees it; None where that is the field itself.
    """

    field: str
    pattern: Pattern
    made: Derived | None = None


@dataclass(frozen=True)
class Scope:
    """The columns that were made so far; any other is a field of the documents."""

    columns: Mapping[str, Derived | Taken] = field(default_factory=dict)

    @cached_property
    def programs(self) -> dict[object, tuple[object, Any]]:
        """What the evaluation made of the expressions that stand here."""
        return {}

    def with_column(self, name: str, made: Derived | Taken) -> "Scope":
        """The scope behind a command that made a column."""
        return replace(self, columns={**self.columns, name: made})

    def get(self, name: str) -> Derived | Taken | None:
        """How a column was made; None for a field."""
        return self.columns.get(name)


@dataclass(frozen=True)
class Goal:
    """A condition that must be true, in the scope where it stands."""

    predicate: nodes.Expression
    scope: Scope
