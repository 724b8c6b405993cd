"""Made events as the rows that a query is computed over: what was computed for one is kept for all that are like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import NOW
from entra_deployer.esql.functions import Value
from entra_deployer.esql.simulation import Row
from entra_deployer.verify.generate.documents import Document

MOST_KEPT = 20_000
"""So many rows are kept at most."""


@dataclass
class Rows:
    """Makes rows of documents, whose ages count from `now`.

    Documents of the same `values` (the very same object) and age are one row.
    """

    now: datetime = NOW
    _kept: dict[tuple[int, float], tuple[Mapping[str, Value], Row]] = field(default_factory=dict)

    def of(self, documents: Sequence[Document]) -> list[Row]:
        """A row for each document, in their order."""
        return [self._row(one) for one in documents]

    def _row(self, document: Document) -> Row:
        key = (id(document.values), document.age)
        if (found := self._kept.get(key)) is None:
            if len(self._kept) > MOST_KEPT:
                self._kept.clear()
            row = Row({**document.values, TIMESTAMP: self.now - timedelta(seconds=document.age)})
            found = self._kept[key] = (document.values, row)  # the values are kept too, so that their id is theirs
        return found[1] if document.count == 1 else found[1].times(document.count)
