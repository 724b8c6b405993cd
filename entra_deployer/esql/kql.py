"""KQL, as the KQL function of ES|QL and the filters of Kibana's rules speak it.

`key: value`, `key: "phrase"`, `key: (a or b)`, `key: *`, wildcards in bare values, `key >= 3`, and, or, not, brackets.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from entra_deployer.esql import tree as nodes

TOKEN: Final = re.compile(r'\s*("(?:\\.|[^"\\])*"|[():]|[<>]=?|(?:\\.|[^\s():<>"{}\\])+|\Z|(?P<strange>\S))', re.DOTALL)
QUOTE: Final = '"'
MARKS: Final = {"", "(", ")", ":", "<", "<=", ">", ">=", "and", "or"}
RANGES: Final = ("<", "<=", ">", ">=")
MOST_NESTED: Final = 100


class SyntaxProblem(Exception):
    """A text that is no KQL; it says what was found instead of what."""


@dataclass(frozen=True)
class Asked:
    """A field's value is asked for. `way` is `:` or a comparison; `field` is "" for any field.

    `phrase`: the value stood in quotes. A bare value may hold `*`; a lone `*` asks whether there is any value.
    """

    field: str
    way: str
    value: str
    phrase: bool


@dataclass(frozen=True)
class Denied:
    """NOT."""

    part: "Kql"


@dataclass(frozen=True)
class Joined:
    """AND or OR of at least two parts; `word` in lower case."""

    word: str
    parts: tuple["Kql", ...]


type Kql = Asked | Denied | Joined


def parse_kql(text: str, field_of: Callable[[str], str] = str) -> Kql | None:
    """The query; None for an empty one. `field_of` gives the field of a key, or raises. Raises SyntaxProblem."""
    return _Parser(text, field_of).whole() if text.strip() else None


class _Parser:
    def __init__(self, text: str, field_of: Callable[[str], str]) -> None:
        self._text = text
        self._field_of = field_of
        self._at = 0
        self._depth = 0
        self._next = ""
        self._next = self._token()

    def whole(self) -> Kql:
        query = self._either("")
        if self._next:
            self._fail("AND, OR, end of input, whitespace")
        return query

    def _either(self, field: str) -> Kql:
        self._depth += 1
        if self._depth > MOST_NESTED:
            raise SyntaxProblem(f"more than {MOST_NESTED} brackets within each other")
        found = self._joined("or", lambda: self._joined("and", lambda: self._one(field)))
        self._depth -= 1
        return found

    def _joined(self, word: str, part: Callable[[], Kql]) -> Kql:
        parts = [part()]
        while self._next.lower() == word:
            self._take()
            parts.append(part())
        return parts[0] if len(parts) == 1 else Joined(word, tuple(parts))

    def _one(self, field: str) -> Kql:
        """A comparison, or a value of the field that is compared; either may be denied or in brackets."""
        denials = 0
        while self._next.lower() == "not":
            self._take()
            denials += 1
        found = self._plain(field)
        for _ in range(denials):
            found = Denied(found)
        return found

    def _plain(self, field: str) -> Kql:
        if self._next == "(":
            self._take()
            query = self._either(field)
            if self._take() != ")":
                self._fail('")", AND, OR, whitespace')
            return query
        if self._next.lower() in MARKS:
            self._fail('"(", NOT, value, whitespace')
        word = self._take()
        if field:
            return _asked(field, ":", word)
        if self._next in RANGES:
            way = self._take()
            if self._next.lower() in MARKS:
                self._fail("literal, whitespace")
            return _asked(self._field_of(word), way, self._take())
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
            self._fail("AND, OR, value, whitespace")
            return ""
        self._at = found.end()
        return found[1]

    def _fail(self, expected: str) -> None:
        rest = self._next or self._text[self._at :].strip()
        found = f'"{rest[0]}"' if rest else "end of input"
        raise SyntaxProblem(f"Expected {expected} but {found} found.\n{self._text}")


def _asked(field: str, way: str, word: str) -> Asked:
    phrase = word[0] == QUOTE
    if phrase or "*" not in word:
        bare = word[1:-1] if phrase else word
        return Asked(field, way, re.sub(r"\\(.)", r"\1", bare, flags=re.DOTALL), phrase)
    return Asked(field, way, word, phrase)


def as_expression(query: Kql, span: nodes.Span) -> nodes.Expression:
    """What a query asks for as a condition of ES|QL, all of it at one place of the text.

    Raises SyntaxProblem for a value that is asked of any field.
    """
    match query:
        case Denied(part=part):
            return nodes.Unary(span, "not", as_expression(part, span))
        case Joined(word=word, parts=parts):
            found = as_expression(parts[0], span)
            for part in parts[1:]:
                found = nodes.Binary(span, word, found, as_expression(part, span))
            return nodes.Group(span, found)
    if not query.field:
        raise SyntaxProblem("a value of any field")
    column, literal = nodes.Column(span, query.field), nodes.Literal(span, "string", query.value)
    if query.way != ":":
        number = int(query.value) if query.value.lstrip("-").isdigit() else query.value
        kind = "string" if isinstance(number, str) else "integer"
        return nodes.Binary(span, query.way, column, nodes.Literal(span, kind, number))
    if query.phrase or "*" not in query.value:
        return nodes.Match(span, column, literal)
    if query.value == "*":
        return nodes.IsNull(span, column, negated=True)
    return nodes.Like(span, "like", column, (literal,))


_QUOTED: Final = re.compile(r'("(?:\\.|[^"\\])*")', re.DOTALL)
_RANGE: Final = re.compile(r"([\w.@-]+):([\[{])\s*([^\s\[\]{}]+)\s+TO\s+([^\s\[\]{}]+)\s*([\]}])")
_BOUND: Final = re.compile(r"([\w.@-]+):([<>]=?)")
_STRANGE: Final = re.compile(r"(?<!\\)[?~^/\[\]{}]|(?<!\S)[+-]")
"""What means something to Lucene alone: a sign for one letter, likeness, weights, expressions, what is required."""


def _as_kql(text: str) -> str:
    """A query string of Lucene as KQL. Raises SyntaxProblem for what KQL does not have."""
    pieces = _QUOTED.split(text)
    for place in range(0, len(pieces), 2):
        piece = _RANGE.sub(_bounds, pieces[place])
        piece = _BOUND.sub(r"\1 \2", piece)
        piece = re.sub(r"_exists_:([\w.@-]+)", r"\1:*", piece).replace("&&", " AND ").replace("||", " OR ")
        pieces[place] = re.sub(r"!(?=[\w(])", " NOT ", piece)
        if _STRANGE.search(pieces[place]):
            raise SyntaxProblem(f"a query string of Lucene's own\n{text}")
    return "".join(pieces)


def _bounds(found: re.Match[str]) -> str:
    """`a:[1 TO 9}` as comparisons; `*` is no bound."""
    name, first, low, high, last = found.groups()
    asked = [f"{name} {'>=' if first == '[' else '>'} {low}"] if low != "*" else []
    asked += [f"{name} {'<=' if last == ']' else '<'} {high}"] if high != "*" else []
    return f"({' and '.join(asked) or f'{name}:*'})"


def condition_of(call: nodes.Call) -> nodes.Expression | None:
    """The condition of KQL("...") or QSTR("..."); None where it is not read here, or asks for nothing."""
    text = call.arguments[0] if call.arguments else None
    if not (isinstance(text, nodes.Literal) and isinstance(text.value, str)):
        return None
    try:
        query = parse_kql(_as_kql(text.value) if call.name == "qstr" else text.value)
        return as_expression(query, call.span) if query else None
    except SyntaxProblem:
        return None
