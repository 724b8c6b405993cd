"""The part of KQL that filters of rules are written in, as Query DSL.

`key: value`, `key: "value"`, `key: (a or b)`, `key: *`, wildcards in bare values, and, or, not, brackets.
"""

import re
from collections.abc import Callable
from typing import Final

from entra_deployer.core.json import Untyped as Json

TOKEN: Final = re.compile(r'\s*("(?:\\.|[^"\\])*"|[():]|[<>]=?|(?:\\.|[^\s():<>"{}\\])+|\Z|(?P<strange>\S))', re.DOTALL)
QUOTE: Final = '"'
MARKS: Final = {"", "(", ")", ":", "<", "<=", ">", ">=", "and", "or"}


class SyntaxProblem(Exception):
    """A filter that is no KQL; the text says what was found instead of what."""


def translate(text: str, field_of: Callable[[str], str]) -> Json:
    """The Query DSL of a filter; `field_of` gives the field of a key, or raises. Raises SyntaxProblem."""
    return _Parser(text, field_of).whole() if text.strip() else {"match_all": {}}


class _Parser:
    def __init__(self, text: str, field_of: Callable[[str], str]) -> None:
        self._text = text
        self._field_of = field_of
        self._at = 0
        self._next = ""
        self._next = self._token()

    def whole(self) -> Json:
        query = self._either("")
        return query if not self._next else self._fail("AND, OR, end of input, whitespace")

    def _either(self, field: str) -> Json:
        return self._joined("or", "should", lambda: self._joined("and", "filter", lambda: self._one(field)))

    def _joined(self, word: str, clause: str, part: Callable[[], Json]) -> Json:
        parts = [part()]
        while self._next.lower() == word:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else {"bool": {clause: parts}}

    def _one(self, field: str) -> Json:
        """A comparison, or a value of the field that is compared; either may be denied or in brackets."""
        if self._next.lower() == "not":
            self._take()
            return {"bool": {"must_not": [self._one(field)]}}
        if self._next == "(":
            self._take()
            query = self._either(field)
            return query if self._take() == ")" else self._fail('")", AND, OR, whitespace')
        if self._next.lower() in MARKS:
            self._fail('"(", NOT, value, whitespace')
        word = self._take()
        if field:
            return _matching(field, word)
        if self._next != ":":
            self._fail('":", AND, OR, end of input, whitespace')
        self._take()
        return self._one(self._field_of(word))

    def _take(self) -> str:
        taken, self._next = self._next, ""
        self._next = self._token() if taken else ""
        return taken

    def _token(self) -> str:
        found = TOKEN.match(self._text, self._at)
        if not found or found["strange"]:
            return self._fail("AND, OR, value, whitespace")
        self._at = found.end()
        return found[1]

    def _fail(self, expected: str) -> str:
        rest = self._next or self._text[self._at :].strip()
        found = f'"{rest[0]}"' if rest else "end of input"
        raise SyntaxProblem(f"Expected {expected} but {found} found.\n{self._text}")


def _matching(field: str, word: str) -> Json:
    bare = word[1:-1] if word[0] == QUOTE else word
    value = re.sub(r"\\(.)", r"\1", bare, flags=re.DOTALL)
    if word[0] == QUOTE:
        return {"match_phrase": {field: value}}
    if word == "*":
        return {"exists": {"field": field}}
    return {"wildcard": {field: {"value": word}}} if "*" in word else {"match": {field: value}}
