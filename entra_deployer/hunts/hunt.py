"""A threat hunt as its author wrote it, whichever format it came in, and which of its queries become rules."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from entra_deployer.core.errors import Location


@dataclass(frozen=True)
class Query:
    """One query of a hunt.

    `text` is the query without its surrounding blank lines, byte for byte otherwise; `line` is the 1-based line of the
    hunt's file on which the text's first line stands, `column` the 1-based column of its first character, so that
    line l, column c of the text is line `line + l - 1`, column c (plus `column - 1` where l is 1) of the file.
    """

    text: str
    line: int
    column: int = 1

    def place(self, source: str, line: int, column: int) -> Location:
        """Where a 1-based line and column of the text stand in the hunt's file `source`."""
        return Location(source, self.line + line - 1, column + (self.column - 1 if line == 1 else 0))


@dataclass(frozen=True)
class Hunt:
    """A hunt: what to look for (queries), why (description, ATT&CK), and what an analyst does next (notes).

    `languages` are as written, e.g. ("ES|QL",); `mitre` holds technique ids; `source` is the path of the file as the
    user would type it, for messages. `places` holds the 1-based line of each field ("language") and of each item of a
    list ("mitre[0]"), as far as the format tells; it is no part of what makes two hunts equal.
    """

    name: str
    author: str
    description: str
    uuid: str
    integrations: tuple[str, ...]
    languages: tuple[str, ...]
    queries: tuple[Query, ...]
    notes: tuple[str, ...]
    mitre: tuple[str, ...]
    references: tuple[str, ...]
    license: str
    source: str
    places: Mapping[str, int] = field(default_factory=dict, compare=False)

    def at(self, line: int, column: int = 1) -> Location:
        """A place in the hunt's own file."""
        return Location(self.source, line, column)

    def at_field(self, name: str) -> Location:
        """Where a field ("language"), or an item of it ("mitre[1]"), stands; the file alone where that is not known."""
        line = self.places.get(name) or self.places.get(name.partition("[")[0], 0)
        return Location(self.source, line, 1 if line else 0)


# -- telling ES|QL from the other languages that a hunt may hold: OSQuery's SQL, EQL, KQL, Lucene, YARA --------------

LANGUAGE = "ES|QL"

_SOURCE_COMMANDS = ("from", "row", "show", "ts", "set", "promql", "explain")
_FIRST_WORD = re.compile(r"\A(?:\s|//[^\n]*|/\*.*?\*/)*([A-Za-z_]+)\b(?!\s*[:=<>!])", re.DOTALL)

_FENCE_WORD = re.compile(r"\A\s*(?:sql|esql|es\|ql)[ \t]*\n\s*from\b", re.IGNORECASE)


def is_esql(text: str, languages: Sequence[str]) -> bool:
    """Whether a query of a hunt in these languages is ES|QL.

    All are where ES|QL is the only one. Else the first word behind comments tells: no other language of hunts starts
    with a source command.
    """
    if tuple(languages) == (LANGUAGE,):
        return True
    found = _FIRST_WORD.match(text)
    return found is not None and found[1].lower() in _SOURCE_COMMANDS


def esql_queries(hunt: Hunt) -> tuple[Query, ...]:
    """The queries of a hunt that become rules."""
    return tuple(query for query in hunt.queries if is_esql(query.text, hunt.languages))


def is_behind_a_fence_word(text: str) -> bool:
    """Whether it would be ES|QL but for its first line, which says what a code fence would: `sql`."""
    return _FENCE_WORD.match(text) is not None
