"""Where a rule's query comes from, so that what is said of it can be said of the hunt's own file."""

from dataclasses import dataclass
from difflib import SequenceMatcher

from entra_deployer.core.errors import Location
from entra_deployer.hunts.hunt import Query


@dataclass(frozen=True)
class Origin:
    """The hunt's file and the query in it that a rule was compiled from."""

    source: str
    query: Query

    def place(self, text: str, offset: int) -> Location | None:
        """Where an offset of the rule's query `text` stands in the hunt; None for what the compiler put there.

        The compiler cuts and pastes: most lines are the hunt's own; of a line that it changed the rest is looked for.
        """
        line = text.count("\n", 0, offset)
        column = offset - (text.rfind("\n", 0, offset) + 1)
        lines, own = text.split("\n"), self.query.text.split("\n")
        for block in SequenceMatcher(None, lines, own, autojunk=False).get_matching_blocks():
            if block.a <= line < block.a + block.size:
                return self._at(line - block.a + block.b, column)
        rest = lines[line][column:]
        found = [(number, other.find(rest)) for number, other in enumerate(own) if rest and rest in other]
        return self._at(*found[0]) if len(found) == 1 else None

    def _at(self, line: int, column: int) -> Location:
        return Location(self.source, self.query.line + line, column + (1 if line else self.query.column))
