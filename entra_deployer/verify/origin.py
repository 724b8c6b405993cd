"""Where a rule's query comes from, so that what is said of it can be said of the hunt's own file."""

from dataclasses import dataclass

from entra_deployer.errors import Location
from entra_deployer.model.hunt import Query


@dataclass(frozen=True)
class Origin:
    """The hunt's file and the query in it that a rule was compiled from."""

    source: str
    query: Query

    def find(self, text: str) -> Location | None:
        """Where a part of the rule's query stands in the hunt: the compiler leaves most of a query as it is."""
        offset = self.query.text.find(text)
        return self.at(offset) if offset >= 0 else None

    def at(self, offset: int) -> Location:
        """The place of an offset in the hunt's query."""
        line = self.query.text.count("\n", 0, offset)
        column = offset - (self.query.text.rfind("\n", 0, offset) + 1)
        return Location(self.source, self.query.line + line, column + (1 if line else self.query.column))
