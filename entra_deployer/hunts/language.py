"""Telling ES|QL from the other languages that a hunt may hold: OSQuery's SQL, EQL, KQL, Lucene, YARA."""

import re
from collections.abc import Sequence

from entra_deployer.hunts.hunt import Hunt, Query

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
