"""Whether the KQL in a string can be read: the grammar of Elasticsearch's KQL, nothing computed."""

import re
from collections.abc import Callable

_TOKEN = re.compile(r'\s+|"(?:\\.|[^"\\])*"|<=|>=|[(){}:<>]|(?:\\.|[^\s(){}:<>"\\])+|.', re.DOTALL)
_WORDS = ("and", "or", "not")


class KqlError(ValueError):
    """What cannot be read, in words."""


def check_kql(text: str) -> None:
    """KqlError where KQL's parser refuses the text. An empty one matches everything."""
    tokens = [piece for piece in _TOKEN.findall(text) if not piece.isspace()]
    for piece in tokens:
        if piece in ('"', "\\"):
            raise KqlError("a quote is not closed" if piece == '"' else "a backslash stands at the end")
    if tokens:
        reader = _Reader(tokens)
        reader.either()
        if reader.here():
            raise KqlError(f"`{reader.here()}` is not expected there")


def has_list(text: str) -> bool:
    """Whether a text that can be read asks a field for one of several values: `field:(a or b)`."""
    reader = _Reader([piece for piece in _TOKEN.findall(text) if not piece.isspace()])
    if reader.tokens:
        reader.either()
    return reader.lists


class _Reader:
    """Goes over the tokens; `lists` tells whether AND, OR or brackets stood among the values of a field."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens
        self.position = 0
        self.lists = False

    def here(self, ahead: int = 0) -> str:
        place = self.position + ahead
        return self.tokens[place] if place < len(self.tokens) else ""

    def word(self) -> str:
        """The operator that stands here; the last word of a text is a value."""
        found = self.here().lower()
        return found if found in _WORDS and self.here(1) else ""

    def either(self) -> None:
        self.both()
        while self.word() == "or":
            self.position += 1
            self.both()

    def both(self) -> None:
        self.unless()
        while self.word() == "and":
            self.position += 1
            self.unless()

    def unless(self) -> None:
        while self.word() == "not":
            self.position += 1
        self.one()

    def one(self) -> None:
        piece = self.here()
        if not piece:
            raise KqlError("it ends where a condition is expected")
        if piece == "(":
            self._enclosed(")", self.either)
        elif self.here(1) == ":":
            self._literal()
            self.position += 1
            self._value()
        elif self.here(1) in ("<", "<=", ">", ">="):
            self._literal()
            self.position += 1
            self._literal()
        else:
            self._literals()

    def _value(self) -> None:
        if self.here() == "(":
            self._enclosed(")", self._list)
        elif self.here() == "{":
            self._enclosed("}", self.either)
        else:
            self._literals()

    def _list(self) -> None:
        while True:
            while self.word() == "not":
                self.position += 1
                self.lists = self.lists or self.here().startswith('"')
            if self.here() == "(":
                self.lists = True
                self._enclosed(")", self._list)
            else:
                self._literals()
            if self.word() not in ("and", "or"):
                return
            self.lists = True
            self.position += 1

    def _enclosed(self, end: str, inner: Callable[[], None]) -> None:
        start = self.here()
        self.position += 1
        inner()
        if self.here() != end:
            found = f"`{self.here()}` is not expected there" if self.here() else f"`{start}` is not closed"
            raise KqlError(found)
        self.position += 1

    def _literals(self) -> None:
        self._literal()
        while self.here() and self.here() not in tuple("(){}:<>") and not self.word() and self.here(1) != ":":
            if self.here() in ("<=", ">="):
                return
            self.position += 1

    def _literal(self) -> None:
        piece = self.here()
        if not piece:
            raise KqlError("it ends where a value is expected")
        if piece in ("(", ")", "{", "}", ":", "<", ">", "<=", ">=") or self.word():
            raise KqlError(f"`{piece}` stands where a value is expected")
        self.position += 1
