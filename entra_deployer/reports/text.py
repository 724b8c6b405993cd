"""A document for a person at a terminal. Nothing in it but our own colour codes can move a cursor or hide a letter."""

import re
from collections.abc import Iterator

from entra_deployer.core.text import visible
from entra_deployer.reports.document import TAB, Block, Diff, Document, Gap, Line, Section, Span

_LEAST_WIDTH = 20
_NARROW = re.compile("[\x00-\x7f✓✗·]*")
"""A text of characters that take one column each, as nearly all are that this tool tells."""


def render(document: Document, *, width: int = 100, colour: bool = False) -> str:
    """The whole document, wrapped at `width` columns, its summary near the end."""
    width = max(width, _LEAST_WIDTH)
    if not colour and (lines := _short_lines(document, width)) is not None:
        return "".join(f"{line.rstrip()}\n" for line in lines)
    from entra_deployer.reports.layout import laid_out  # noqa: PLC0415 - what lays out takes longer to load than to draw

    return laid_out(document, width, colour=colour)


def _short_lines(document: Document, width: int) -> list[str] | None:
    """The lines of a document that is the same however it is laid out: short ones, in no table; None for another."""
    lines: list[str] = []
    for line in _lines(document):
        if line is None or len(line) > width or not _NARROW.fullmatch(line):
            return None
        lines.append(line)
    return lines


def _lines(document: Document) -> Iterator[str | None]:
    """Each line; None for what is no single line."""
    if document.title:
        yield visible(document.title) + (visible(f"  {document.stack}") if document.stack else "")
    if document.about:
        yield visible(document.about)
    for block in document.blocks:
        yield from _block(block)
    if document.summary:
        yield visible(document.summary)
    yield from map(_line, document.closing)


def _block(block: Block) -> Iterator[str | None]:
    match block:
        case Gap():
            yield ""
        case Line():
            yield _line(block)
        case Section():
            if block.title:
                yield _line(Line(block.title))
            for item in block.items:
                yield from map(_line, (item.line, *item.notes))
                for part in item.body:
                    yield from _block(part)
        case Diff():
            for text in (*(line.expandtabs(TAB) for line in block.lines), *block.notes):
                yield _line(Line((Span(text),), block.indent))
        case _:
            yield None


def _line(line: Line) -> str | None:
    """A line behind its short columns, each as wide as it is."""
    lead = [visible(span.text) for span in line.lead]
    if not all(text.strip() for text in lead):
        return None
    return " " * line.indent + "".join(f"{text} " for text in lead) + "".join(visible(span.text) for span in line.words)
