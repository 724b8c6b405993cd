"""Texts that a regular expression matches: of Lucene's dialect that RLIKE speaks, what queries use of it."""

import re
from dataclasses import dataclass
from functools import cache

_CLASSES = {"d": "0", "w": "a", "s": " "}
_LUCENE = re.compile(
    r"""(?P<escaped>\\.)|(?P<quoted>"[^"]*")|(?P<set>\[\^?(?:\\.|[^]\\\[&])+\])|(?P<group>\((?!\?)|\)|\||\.)"""
    r"""|(?P<signs>[*+?]+)|(?P<times>\{\d+(?:,\d*)?\})|(?P<plain>[^\\"\[\]()|.*+?{}@~#&<])""",
    re.DOTALL,
)
"""What is read of Lucene's dialect, piece by piece."""

_QUANTIFIER = re.compile(r"\{(\d+)(?:,(\d*))?\}")


def example(pattern: str, filler: str = "") -> str:
    """A text that matches all of `pattern`; "anything" (`.*`) becomes `filler`. ValueError for what is not read."""
    reader = _Reader(pattern, filler)
    text = reader.alternatives()
    if reader.position != len(pattern):
        raise ValueError(f"cannot read {pattern!r} from its character {reader.position + 1} on")
    return text


def try_example(pattern: str, filler: str = "") -> str | None:
    """As `example`; None for a pattern that is not read."""
    try:
        return example(pattern, filler)
    except (ValueError, IndexError, StopIteration):
        return None


def matches(pattern: str, text: str) -> bool:
    """Does a pattern of Python's match all of the text. ValueError for what is none."""
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern, re.DOTALL)
    except re.error as error:
        raise ValueError(f"cannot read {pattern!r}") from error


@cache
def from_lucene(pattern: str) -> str:
    """The same in Python's dialect. ValueError for what is not read: complements, intersections, intervals and so on.

    To Lucene `^` and `$` are plain characters, quotes hold plain text, and `.+*` is `(.+)*`.
    """
    parts: list[str] = []
    rest = pattern
    while rest:
        found = _LUCENE.match(rest)
        if found is None:
            raise ValueError(f"cannot read {pattern!r} from {rest!r} on")
        parts.append(_in_python(found))
        rest = rest[found.end() :]
    return "".join(parts)


def _in_python(found: re.Match[str]) -> str:
    text = found[0]
    match found.lastgroup:
        case "escaped":
            return text if text[1] in "dDsSwW" else re.escape(text[1])
        case "quoted":
            return re.escape(text[1:-1])
        case "signs":
            return text[0] if len(set(text)) == 1 else "*"
        case "plain":
            return re.escape(text)
        case _:
            return text


@dataclass
class _Reader:
    """Reads a pattern from left to right and writes the shortest text for it."""

    pattern: str
    filler: str
    position: int = 0

    def alternatives(self) -> str:
        """The first of alternatives; the others are read over."""
        first = self._sequence()
        while self._take("|"):
            self._sequence()
        return first

    def _sequence(self) -> str:
        parts: list[str] = []
        while self.position < len(self.pattern) and self.pattern[self.position] not in "|)":
            parts.append(self._repeated(self._atom()))
        return "".join(parts)

    def _atom(self) -> tuple[str, bool]:
        """One unit, and whether it is "any character"."""
        character = self.pattern[self.position]
        self.position += 1
        match character:
            case "(":
                self._take("?:")
                inner = self.alternatives()
                if not self._take(")"):
                    raise ValueError(f"{self.pattern!r} lacks a )")
                return inner, False
            case "[":
                return self._set(), False
            case ".":
                return "x", True
            case "^" | "$":
                return "", False
            case "\\":
                escaped = self.pattern[self.position]
                self.position += 1
                return _CLASSES.get(escaped, escaped), False
            case _:
                return character, False

    def _set(self) -> str:
        end = self.pattern.index("]", self.position + 1)
        content = self.pattern[self.position : end]
        self.position = end + 1
        if content.startswith("^"):
            taken = re.compile(f"[{content}]")
            return next(character for character in "xyz019-_ " if taken.fullmatch(character))
        return _CLASSES.get(content[1], content[1]) if content.startswith("\\") else content[0]

    def _repeated(self, atom: tuple[str, bool]) -> str:
        text, is_any = atom
        for sign, repeated in (("*", self.filler if is_any else ""), ("+", self.filler if is_any else text), ("?", "")):
            if self._take(sign):
                self._take("?")  # as few as possible: what is made is short anyway
                return repeated or (text if sign == "+" else "")
        if found := _QUANTIFIER.match(self.pattern, self.position):
            self.position = found.end()
            return text * int(found[1])
        return text

    def _take(self, text: str) -> bool:
        found = self.pattern.startswith(text, self.position)
        if found:
            self.position += len(text)
        return found
