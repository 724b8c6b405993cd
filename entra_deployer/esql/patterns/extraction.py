"""What DISSECT and GROK have in common: a pattern on a text, the texts that satisfy several at once; and DISSECT."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from entra_deployer.esql.patterns import regex
from entra_deployer.esql.patterns.regex import UnreadablePattern


def number_of(mark: str) -> int:
    """A number from 1 to 250 that differs from case to case, mostly."""
    return sum(ord(character) * (position + 1) for position, character in enumerate(mark)) % 250 + 1


@dataclass(frozen=True)
class Form:
    """What a value has to look like: a regular expression of Python's for all of it, and texts that are so.

    In `examples` stands {mark} for the case's mark, {word} for it in letters and digits, {number} for a number from it
    ({number:3} and {number:12} with leading zeros, {number:x} in two hexadecimal digits).
    """

    expression: str
    examples: tuple[str, ...]

    def texts(self, mark: str) -> list[str]:
        """The examples, made a case's own."""
        number = number_of(mark)
        tokens = {
            "{mark}": mark,
            "{word}": re.sub(r"\W", "x", mark),
            "{number}": f"{number}",
            "{number:3}": f"{number:03}",
            "{number:12}": f"{number:012}",
            "{number:x}": f"{number:02x}",
        }
        found = list(self.examples)
        for token, text in tokens.items():
            found = [example.replace(token, text) for example in found]
        other = regex.try_example(self.expression, "", number)
        seeds = [*found, other] if other else found
        own = [text for seed in seeds for text in _numbered(seed, number) if regex.matches(self.expression, text)]
        return list(dict.fromkeys([*found, *own, *seeds]))


def _numbered(text: str, number: int) -> Iterator[str]:
    """A text with a number, and with another one, in the place of its last digits, or of its last letters."""
    digits, letters = sum(map(str.isdigit, text)), sum(map(str.isalpha, text))
    for value in (number, number + 250):
        if digits >= len(str(value)):
            yield _from_behind(text, str(value), str.isdigit)
        if letters:
            yield _from_behind(text, "".join("bcdfghjklm"[int(digit)] for digit in str(value)), str.isalpha)


def _from_behind(text: str, new: str, fits: Callable[[str], bool]) -> str:
    """A text whose last characters of a kind are those of another one."""
    waiting, found = list(new), list(text)
    for place in range(len(found) - 1, -1, -1):
        if waiting and fits(found[place]):
            found[place] = waiting.pop()
    return "".join(found)


class Pattern(Protocol):
    """Takes values out of a text, each under the name of a column."""

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns that it makes."""

    @property
    def floats(self) -> bool:
        """Whether it drops what stands before its match, so that it can come behind other text."""

    def type_of(self, output: str) -> str:
        """The Elasticsearch type of a column."""

    def form_of(self, output: str) -> Form | None:
        """What the values of a column look like; None where any text will do."""

    def fill(self, values: Mapping[str, str]) -> str:
        """A text of which the pattern takes these values, as far as there is one."""

    def take(self, text: str) -> dict[str, str] | None:
        """The values by column, as Elasticsearch takes them; None where the pattern does not match."""


def compose(patterns: Sequence[tuple[Pattern, Mapping[str, str]]], pieces: Sequence[str]) -> list[str]:
    """Texts that may satisfy several patterns at once and hold some pieces: one after the other, in each order."""
    floating = [(one, values) for one, values in patterns if one.floats]
    fixed = [(one, values) for one, values in patterns if not one.floats]
    texts: list[str] = []
    for order in (floating, floating[::-1]):
        for space in ("", " ", "\n"):
            front = space.join(one.fill(values) for one, values in fixed)
            behind = space.join(one.fill(values) for one, values in order)
            extra = space.join(piece for piece in pieces if piece not in front + behind)
            orders = ((front, behind, extra), (front, extra, behind), (extra, front, behind))
            texts += [space.join(filter(None, order)) for order in orders]
    return list(dict.fromkeys(texts))


# -- DISSECT ---------------------------------------------------------------------------------------------------------

_KEY = re.compile(r"%\{([^}]*)\}")


@dataclass(frozen=True)
class Dissect:
    """A pattern: text, then a key and the text behind it, and so on. A key without a name takes and drops."""

    lead: str
    keys: tuple[str, ...]
    delimiters: tuple[str, ...]

    @property
    def outputs(self) -> tuple[str, ...]:
        """The names of the columns that it makes."""
        return tuple(name for key in self.keys if (name := _name(key)))

    @property
    def floats(self) -> bool:
        """Whether its first key drops what stands before it."""
        return not self.lead and bool(self.keys) and not _name(self.keys[0])

    def type_of(self, _: str) -> str:
        """All that it takes is text."""
        return "keyword"

    def form_of(self, _: str) -> Form | None:
        """Any text will do."""
        return None

    def fill(self, values: Mapping[str, str]) -> str:
        """A text of which the pattern takes these values."""
        parts = [self.lead]
        for number, (key, delimiter) in enumerate(zip(self.keys, self.delimiters, strict=True)):
            if name := _name(key):
                parts.append(values.get(name, name))
            else:
                parts.append(key.lstrip("?") or ("" if number == 0 else "x"))
            parts.append(delimiter)
        return "".join(parts)

    def take(self, text: str) -> dict[str, str] | None:
        """The values by column, as Elasticsearch takes them; None where the pattern does not match."""
        if not text.startswith(self.lead):
            return None
        found: dict[str, str] = {}
        position = len(self.lead)
        for key, delimiter in zip(self.keys, self.delimiters, strict=True):
            end = text.find(delimiter, position) if delimiter else len(text)
            if end < 0:
                return None
            if name := _name(key):
                found[name] = text[position:end]
            position = end + len(delimiter)
        return found


def read_dissect(pattern: str) -> Dissect:
    """Read a pattern. Raises UnreadablePattern for keys that are put together, and for two without text between."""
    pieces = _KEY.split(pattern)
    found = Dissect(pieces[0], tuple(pieces[1::2]), tuple(pieces[2::2]))
    if len(set(found.outputs)) < len(found.outputs) or any(key.startswith(("*", "&")) for key in found.keys):
        raise UnreadablePattern("DISSECT that puts keys together")
    if not all(found.delimiters[:-1]):
        raise UnreadablePattern("DISSECT without text between two keys")
    return found


def _name(key: str) -> str:
    """The column of a key; "" for one that is dropped."""
    return "" if not key or key.startswith("?") else key.removesuffix("->").lstrip("+").partition("/")[0]
