"""Telling ES|QL from the other languages that a hunt may hold: OSQuery's SQL, EQL, KQL, Lucene, YARA."""

import re
from collections.abc import Sequence

LANGUAGE = "ES|QL"

_SOURCE_COMMANDS = ("from", "row", "show", "ts", "set", "promql", "explain")
_FIRST_WORD = re.compile(r"\A(?:\s|//[^\n]*|/\*.*?\*/)*([A-Za-z_]+)\b(?!\s*[:=<>!])", re.DOTALL)


def is_esql(text: str, languages: Sequence[str]) -> bool:
    """Whether a query of a hunt in these languages is ES|QL.

    All are where ES|QL is the only one. Else the first word behind comments tells: no other language of hunts starts
    with a source command.
    """
    if tuple(languages) == (LANGUAGE,):
        return True
    found = _FIRST_WORD.match(text)
    return found is not None and found[1].lower() in _SOURCE_COMMANDS
