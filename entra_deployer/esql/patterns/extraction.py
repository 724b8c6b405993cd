"""What DISSECT and GROK have in common: a pattern on a text, and the texts that satisfy several of them at once."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


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
        return found


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
        front = "".join(one.fill(values) for one, values in fixed)
        behind = "".join(one.fill(values) for one, values in order)
        extra = "".join(piece for piece in pieces if piece not in front + behind)
        for space in ("", " "):
            orders = ((front, behind, extra), (front, extra, behind), (extra, front, behind))
            texts += [space.join(filter(None, order)) for order in orders]
    return list(dict.fromkeys(texts))
