"""Text from outside made safe to show, and the word that somebody may have meant."""

import re
import unicodedata
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache

_MOST_TOLD = 12
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what moves the cursor, changes a terminal or is not seen: controls, formats (bidi among
them), halves of surrogate pairs, separators of lines."""
_JOINERS = "\u200c\u200d"
"""Formats that Persian, Indic scripts and emoji need to be written right."""
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def visible(text: str, *, keep: str = "") -> str:
    r"""The text with each control, invisible or direction-changing character in its written form: \x1b, \u202e.

    `keep` holds those that may stay, such as "\n" where a text has lines.
    """
    plain = text
    for character in keep:
        plain = plain.replace(character, "")
    if plain.isascii() and plain.isprintable():
        return text
    return "".join(_seen(character) if character not in keep else character for character in text)


def one_line(text: str) -> str:
    """A foreign message on one line."""
    return re.sub(r"\s+", " ", text).strip()


def closest(word: str, known: Sequence[str]) -> str:
    """The known word that an unknown one is like, "" for none."""
    exact = {name.lower(): name for name in known}
    return exact.get(word.lower()) or next(iter(get_close_matches(word, known, n=1)), "")


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """A hint for an unknown word: the one that is like it, else the first few of those that there are."""
    if close := closest(word, known):
        return f"did you mean {close!r}?"
    rest = f" and {len(known) - _MOST_TOLD} more" if len(known) > _MOST_TOLD else ""
    return f"known: {', '.join(known[:_MOST_TOLD])}{rest}"


@lru_cache(maxsize=4096)
def _seen(character: str) -> str:
    if character in _JOINERS or unicodedata.category(character) not in _HIDDEN:
        return character
    number = ord(character)
    return _SHORT.get(character) or (
        f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    )
