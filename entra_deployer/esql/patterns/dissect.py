"""DISSECT patterns: the text that one makes of values, and the values that it takes out of a text."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from entra_deployer.esql.patterns.extraction import Form
from entra_deployer.esql.patterns.regex import UnreadablePattern

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


def read(pattern: str) -> Dissect:
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
