"""Whether Lucene can read a regular expression (RLIKE) or a query string (QSTR): its own grammars, nothing computed."""

import re
from string import ascii_letters

_ESCAPES = {
    **dict.fromkeys("bB", "RLIKE matches the whole value: write [^A-Za-z0-9_] for an edge of a word"),
    **dict.fromkeys("AZzG", "RLIKE matches the whole value: leave it out"),
    **dict.fromkeys(
        "nrtfv", 'in quotes "\\t", "\\n" and "\\r" with one backslash are the characters themselves; or write \\s'
    ),
}
"""What to write for escapes of other languages."""


class LuceneError(ValueError):
    """What cannot be read, and what to write instead where that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


def check_regexp(pattern: str) -> None:
    """LuceneError where Lucene's RegExp, with all its optional operators, refuses the pattern."""
    reader = _RegExp(pattern)
    if pattern:
        reader.union()
    if reader.more():
        raise LuceneError(f"`{pattern[reader.position]}` at {reader.position + 1} closes nothing")


class _RegExp:
    """Lucene's recursive descent, without making anything of it."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.position = 0

    def more(self) -> bool:
        return self.position < len(self.pattern)

    def peek(self, signs: str) -> bool:
        return self.more() and self.pattern[self.position] in signs

    def take(self, sign: str) -> bool:
        if self.peek(sign):
            self.position += 1
            return True
        return False

    def union(self) -> None:
        self.inter()
        while self.take("|"):
            self.inter()

    def inter(self) -> None:
        self.concat()
        while self.take("&"):
            self.concat()

    def concat(self) -> None:
        self.repeat()
        while self.more() and not self.peek(")|&"):
            self.repeat()

    def repeat(self) -> None:
        self.complement()
        while self.peek("?*+{"):
            if self.take("?") or self.take("*") or self.take("+"):
                continue
            self.position += 1
            self._count()

    def _count(self) -> None:
        found = re.compile(r"(\d+)(,(\d*))?\}").match(self.pattern, self.position)
        if not found:
            raise LuceneError(
                f"`{{` at {self.position} begins a count such as {{2,5}}", 'a brace itself is "\\\\{" in quotes'
            )
        if found[3] and int(found[1]) > int(found[3]):
            raise LuceneError(f"the count {{{found[0]} runs backwards")
        self.position = found.end()

    def complement(self) -> None:
        while self.take("~"):
            pass
        if self.take("["):
            self._class()
        else:
            self._simple()

    def _class(self) -> None:
        start = self.position
        self.take("^")
        first = True
        while first or (self.more() and not self.peek("]")):
            first = False
            if self.peek("\\") and self.pattern[self.position + 1 : self.position + 2] in tuple("dDwWsS"):
                self.position += 2
                continue
            low = self._character()
            if self.take("-"):
                high = self._character()
                if low > high:
                    raise LuceneError(
                        f"the range {low}-{high} in `[` at {start} runs backwards",
                        "put a `-` that means itself first, or a backslash before it",
                    )
        if not self.take("]"):
            raise LuceneError(f"`[` at {start} is not closed")

    def _character(self) -> str:
        escaped = self.take("\\")
        if not self.more():
            raise LuceneError("it ends where a character is expected")
        if escaped and self.peek(ascii_letters) and not self.peek("dDwWsS"):
            sign = self.pattern[self.position]
            hint = _ESCAPES.get(sign, "write the character itself, without a backslash")
            raise LuceneError(f"`\\{sign}` at {self.position} is no class of characters", hint)
        self.position += 1
        return self.pattern[self.position - 1]

    def _simple(self) -> None:
        if self.take(".") or self.take("#") or self.take("@"):
            return
        start = self.position + 1
        if self.take('"'):
            end = self.pattern.find('"', self.position)
            if end < 0:
                raise LuceneError(f'`"` at {start} is not closed', "a quote itself needs a backslash before it")
            self.position = end + 1
        elif self.take("("):
            if not self.take(")"):
                self.union()
                if not self.take(")"):
                    raise LuceneError(f"`(` at {start} is not closed")
        elif self.take("<"):
            self._interval(start)
        else:
            self._character()

    def _interval(self, start: int) -> None:
        end = self.pattern.find(">", self.position)
        if end < 0:
            raise LuceneError(f"`<` at {start} begins a range of numbers such as <1-100>", "put a backslash before it")
        inner = self.pattern[self.position : end]
        if not re.fullmatch(r"\d+-\d+", inner):
            raise LuceneError(f"<{inner}> is no range of numbers", "put a backslash before the `<`")
        self.position = end + 1


_TOKEN = re.compile(
    r'\s+|"(?:\\.|[^"\\])*"(?:~\d*)?|/(?:\\.|[^/\\])*/|&&|\|\||[()\[\]{}^:!+]|(?:\\.|[^\s()\[\]{}"^:!\\/])+|.',
    re.DOTALL,
)
_JOINTS = ("AND", "OR", "&&", "||")
_OPEN = (*_JOINTS, "NOT", ":", "+", "!")


def check_query_string(text: str) -> None:
    """LuceneError where the query string parser surely refuses a text: brackets, quotes, operators without a side."""
    pieces = [piece for piece in _TOKEN.findall(text) if not piece.isspace()]
    depth, before = 0, "("
    for position, piece in enumerate(pieces):
        _check_piece(pieces, position, before)
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if depth < 0:
            raise LuceneError("`)` closes nothing")
        before = piece
    if before in _OPEN:
        raise LuceneError(f"it ends behind `{before}`")
    if depth:
        raise LuceneError("`(` is not closed")


def _check_piece(pieces: list[str], position: int, before: str) -> None:
    piece = pieces[position]
    if piece in ('"', "/"):
        raise LuceneError(f"`{piece}` is not closed")
    if piece in ("[", "{") and not {"]", "}"} & set(pieces[position:]):
        raise LuceneError(f"`{piece}` is not closed")
    if piece in _JOINTS and before in (*_JOINTS, "(", "NOT", ":"):
        raise LuceneError(f"`{piece}` stands where a term is expected")
    if piece == ")" and before in (*_OPEN, "("):
        raise LuceneError("`)` stands where a term is expected")
