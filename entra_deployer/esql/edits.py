"""Cut and paste in the text of a query: comments and layout are the author's and stay."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from entra_deployer.esql.tree import Span, Tree


@dataclass(frozen=True, order=True)
class Edit:
    """Put `text` in the place of what stands from `start` up to `end`."""

    start: int
    end: int
    text: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all edits made. An edit inside another one's place is dropped: what it wanted to change is gone."""
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start < done:
            continue
        parts += (text[done : edit.start], edit.text)
        done = edit.end
    return "".join((*parts, text[done:]))


def original_offset(text: str, edits: Iterable[Edit], offset: int) -> int:
    """Where in `text` that stands which stands at `offset` once the edits are made: for what one put in, its begin."""
    shift = done = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if edit.start < done:
            continue
        start = edit.start + shift
        if offset < start:
            break
        if offset < start + len(edit.text):
            return edit.start
        shift += len(edit.text) - (edit.end - edit.start)
        done = edit.end
    return min(offset - shift, len(text))


def touched_lines(text: str, edits: Sequence[Edit]) -> tuple[int, str, str]:
    """The 1-based line of the first edit, the lines that the edits touch, and those lines with the edits made."""
    first, last = min(edit.start for edit in edits), max(edit.end for edit in edits)
    start = text.rfind("\n", 0, first) + 1
    end = text.find("\n", max(last - (text[last - 1 : last] == "\n" and last > first), first))
    end = len(text) if end < 0 else end
    after = apply_edits(text, edits)
    changed = after[start : len(after) - (len(text) - end)]
    return text.count("\n", 0, first) + 1, text[start:end], changed.strip("\n")


def delete(tree: "Tree", pieces: "Sequence[Span]") -> tuple[Edit, ...]:
    """Edits that take the pieces out, and with them the white space between two of them and lines left blank.

    Comments stay. `pieces` are in the order of the text.
    """
    from entra_deployer.esql.tree import Span  # noqa: PLC0415 - who keeps edits need not load what reads queries

    joined: list[Span] = []
    for piece in pieces:
        if joined and not tree.text[joined[-1].end : piece.start].strip():
            joined[-1] = Span(joined[-1].start, piece.end)
        else:
            joined.append(piece)
    return tuple(_with_blank_line(tree.text, piece) for piece in joined)


def _with_blank_line(text: str, piece: "Span") -> Edit:
    start = text.rfind("\n", 0, piece.start) + 1
    newline = text.find("\n", piece.end)
    end = len(text) if newline < 0 else newline
    if text[start : piece.start].strip() or text[piece.end : end].strip():
        return _with_space(text, piece, start)
    if newline < 0:
        return Edit(max(start - 1, 0), end, "")
    return Edit(start, end + 1, "")


def _with_space(text: str, piece: "Span", line: int) -> Edit:
    """Of the white space on both sides one is enough; the indentation of the line stays."""
    before = text[line : piece.start]
    gap = len(before) - len(before.rstrip()) if before.strip() else 0
    if gap and (piece.end == len(text) or text[piece.end].isspace()):
        return Edit(piece.start - gap, piece.end, "")
    return Edit(piece.start, piece.end, "")


def find_word(tree: "Tree", word: str, start: int, end: int) -> "Span | None":
    """The first place of a keyword between two offsets, outside comments."""
    from entra_deployer.esql.tree import Span  # noqa: PLC0415 - see `delete`

    for found in re.finditer(rf"\b{word}\b", tree.text[start:end], re.IGNORECASE):
        span = Span(start + found.start(), start + found.end())
        if not any(comment.start <= span.start < comment.end for comment in tree.comments):
            return span
    return None
