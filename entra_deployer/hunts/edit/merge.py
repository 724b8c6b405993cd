"""A three-way merge: two edits of one text, brought together where they touch different parts of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class _Hunk:
    """`base[start:end]` is replaced by `new`."""

    start: int
    end: int
    new: tuple[str, ...]

    def clashes(self, other: "_Hunk") -> bool:
        """Whether both change the same place, which for two insertions is the same point."""
        if self.start == other.start:
            return True
        return max(self.start, other.start) < min(self.end, other.end)


def merge_lines(base: str, ours: str, theirs: str) -> str | None:
    """`ours` with what `theirs` changed of `base`, line by line; None where both changed the same lines."""
    return _merge(*(text.splitlines(keepends=True) for text in (base, ours, theirs)))


def merge_words(base: str, ours: str, theirs: str) -> str | None:
    """The same word by word, for edits within one line."""
    return _merge(*(_TOKEN.findall(text) for text in (base, ours, theirs)))


def _merge(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> str | None:
    mine = _hunks(base, ours)
    hunks = list(mine)
    for hunk in _hunks(base, theirs):
        if hunk in mine:
            continue
        if any(hunk.clashes(other) for other in mine):
            return None
        hunks.append(hunk)
    merged = list(base)
    for hunk in sorted(hunks, key=lambda hunk: (hunk.start, hunk.end), reverse=True):
        merged[hunk.start : hunk.end] = hunk.new
    return "".join(merged)


def _hunks(base: Sequence[str], changed: Sequence[str]) -> list[_Hunk]:
    codes = SequenceMatcher(None, base, changed, autojunk=False).get_opcodes()
    return [_Hunk(start, end, tuple(changed[first:last])) for tag, start, end, first, last in codes if tag != "equal"]
