"""The part of KQL that filters of rules and saved objects are written in, as Query DSL.

`field: value`, `field: "value"`, `field: (a or b)`, `field >= value`, wildcards in bare values, and, or, not, brackets.
"""

import re
from collections.abc import Callable
from typing import Final

from entra_deployer.model.values import Json

TOKEN: Final = re.compile(
    r"""\s*(?:(?P<quoted>"(?:\\.|[^"\\])*")|(?P<mark><=|>=|[():<>])|(?P<bare>(?:\\.|[^\s():<>"{}\\])+))""", re.DOTALL
)
RANGES: Final = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
LITERALS: Final = {"true": True, "false": False}


class SyntaxProblem(Exception):
    """A filter that is no KQL; the text says what was found instead of what."""


class KeyProblem(Exception):
    """A filter on a key that the kind of saved object does not have."""


def translate(text: str, kind: str, known: Callable[[str], bool]) -> Json:
    """The Query DSL of a filter whose keys start with `kind`. `known` says which of them exist.

    Raises SyntaxProblem and KeyProblem.
    """
    return _Parser(text, kind, known).whole() if text.strip() else {"match_all": {}}


class _Parser:
    def __init__(self, text: str, kind: str, known: Callable[[str], bool]) -> None:
        self._kind = kind
        self._known = known
        self._text = text
        self._tokens = _tokens(text)
        self._next = 0

    def whole(self) -> Json:
        query = self._either()
        if self._peek():
            raise self._unexpected("AND, OR, end of input, whitespace")
        return query

    def _either(self) -> Json:
        return self._joined("or", self._both, "should")

    def _both(self) -> Json:
        return self._joined("and", self._negated, "filter")

    def _joined(self, word: str, part: Callable[[], Json], clause: str) -> Json:
        parts = [part()]
        while self._peek().lower() == word:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else {"bool": {clause: parts}}

    def _negated(self) -> Json:
        if self._peek().lower() == "not":
            self._take()
            return {"bool": {"must_not": [self._negated()]}}
        if self._peek() == "(":
            return self._bracketed(self._either)
        return self._comparison()

    def _bracketed(self, inner: Callable[[], Json]) -> Json:
        self._take()
        query = inner()
        if self._peek() != ")":
            raise self._unexpected('")", AND, OR, whitespace')
        self._take()
        return query

    def _comparison(self) -> Json:
        key = self._word()
        mark = self._peek()
        if mark not in {":", *RANGES}:
            raise self._unexpected('":", "<", "<=", ">", ">=", AND, OR, end of input, whitespace')
        self._take()
        name = self._checked(key)
        if mark == ":":
            return self._value(name)
        return {"range": {name: {RANGES[mark]: _plain(self._word())}}}

    def _value(self, name: str) -> Json:
        if self._peek() == "(":
            return self._bracketed(lambda: self._joined("or", lambda: self._negated_value(name), "should"))
        return self._one_value(name)

    def _negated_value(self, name: str) -> Json:
        if self._peek().lower() == "not":
            self._take()
            return {"bool": {"must_not": [self._value(name)]}}
        return self._value(name)

    def _one_value(self, name: str) -> Json:
        words = [self._word()]
        if not words[0].startswith('"'):
            while self._bare_follows():
                words.append(self._take())
        return _matching(name, " ".join(words))

    def _bare_follows(self) -> bool:
        token = self._peek()
        return bool(token) and token[0] not in '"():<>' and token.lower() not in {"and", "or", "not"}

    def _word(self) -> str:
        token = self._peek()
        if not token or token in {"(", ")", ":", *RANGES} or token.lower() in {"and", "or"}:
            raise self._unexpected('"(", NOT, value, whitespace')
        return self._take()

    def _checked(self, key: str) -> str:
        if not key.startswith(f"{self._kind}."):
            raise KeyProblem(
                f"This key '{key}' need to be wrapped by a saved object type like {self._kind}: Bad Request"
            )
        if not self._known(key):
            raise KeyProblem(
                f"This key '{key}' does NOT exist in {self._kind} saved object index patterns: Bad Request"
            )
        return key

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1]

    def _unexpected(self, expected: str) -> SyntaxProblem:
        found = f'"{self._peek()[0]}"' if self._peek() else "end of input"
        return SyntaxProblem(f"Expected {expected} but {found} found.\n{self._text}")


def _tokens(text: str) -> list[str]:
    tokens, position = [], 0
    while text[position:].strip():
        found = TOKEN.match(text, position)
        if not found:
            rest = text[position:].lstrip()
            raise SyntaxProblem(f'Expected AND, OR, value, whitespace but "{rest[0]}" found.\n{text}')
        tokens.append(found.group().strip())
        position = found.end()
    return tokens


def _matching(name: str, value: str) -> Json:
    if value.startswith('"'):
        return {"match_phrase": {name: _plain(value)}}
    if value == "*":
        return {"exists": {"field": name}}
    if "*" in value:
        escaped = re.sub(r'([+\-=&|!(){}\[\]^"~?:\\/ ])', r"\\\1", value)
        return {"query_string": {"fields": [name], "query": escaped}}
    return {"match": {name: _plain(value)}}


def _plain(value: str) -> Json:
    if value.startswith('"'):
        return re.sub(r"\\(.)", r"\1", value[1:-1])
    return LITERALS.get(value, re.sub(r"\\(.)", r"\1", value))
