"""DISSECT patterns: the text that one makes of values, and the values that it takes out of a text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def read(pattern: str) -> Dissect:
    """Read a pattern."""
    pieces = _KEY.split(pattern)
    return Dissect(pieces[0], tuple(pieces[1::2]), tuple(pieces[2::2]))


def _name(key: str) -> str:
    """The column of a key; "" for one that is dropped."""
    return "" if not key or key.startswith("?") else key.removesuffix("->").lstrip("+").partition("/")[0]


def fill(dissect: Dissect, values: Mapping[str, str], *, lead: str = "") -> str:
    """A text of which the pattern takes these values; `lead` is what its first key takes where that is dropped."""
    parts = [dissect.lead]
    for number, (key, delimiter) in enumerate(zip(dissect.keys, dissect.delimiters, strict=True)):
        if name := _name(key):
            parts.append(values.get(name, name))
        else:
            parts.append(key.lstrip("?") or (lead if number == 0 else "x"))
        parts.append(delimiter)
    return "".join(parts)


def take(dissect: Dissect, text: str) -> dict[str, str] | None:
    """The values by column, as Elasticsearch takes them; None where the pattern does not match."""
    if not text.startswith(dissect.lead):
        return None
    found: dict[str, str] = {}
    position = len(dissect.lead)
    for key, delimiter in zip(dissect.keys, dissect.delimiters, strict=True):
        end = text.find(delimiter, position) if delimiter else len(text)
        if end < 0:
            return None
        if name := _name(key):
            found[name] = text[position:end]
        position = end + len(delimiter)
    return found


def compose(dissects: Sequence[tuple[Dissect, Mapping[str, str]]], pieces: Sequence[str]) -> list[str]:
    """Texts that may satisfy several patterns at once and hold some pieces: one after the other, in each order.

    A pattern whose first key drops what stands before it can come behind the others.
    """
    floating = [(one, values) for one, values in dissects if not one.lead and one.keys and not _name(one.keys[0])]
    fixed = [(one, values) for one, values in dissects if (one, values) not in floating]
    texts: list[str] = []
    for order in (floating, floating[::-1]):
        front = "".join(fill(one, values) for one, values in fixed)
        behind = "".join(fill(one, values) for one, values in order)
        extra = "".join(piece for piece in pieces if piece not in front + behind)
        texts += [f"{front}{behind}{extra}", f"{front}{extra}{behind}", f"{extra}{front}{behind}"]
    return list(dict.fromkeys(texts))
