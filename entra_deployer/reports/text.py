"""A document for a person at a terminal. Nothing in it but our own colour codes can move a cursor or hide a letter."""

from collections.abc import Iterator

from entra_deployer.core.text import visible
from entra_deployer.reports.document import Document, Gap, Line

_LEAST_WIDTH = 20


def render(document: Document, *, width: int = 100, colour: bool = False) -> str:
    """The whole document, wrapped at `width` columns, its summary near the end."""
    width = max(width, _LEAST_WIDTH)
    if not colour and (lines := _short_lines(document, width)) is not None:
        return "".join(f"{line.rstrip()}\n" for line in lines)
    from entra_deployer.reports.layout import laid_out  # noqa: PLC0415 - what lays out takes longer to load than to draw

    return laid_out(document, width, colour=colour)


def _short_lines(document: Document, width: int) -> list[str] | None:
    """The lines of a document that is the same however it is laid out: short ones, in no columns; None for another."""
    lines: list[str] = []
    for line in _lines(document):
        if line is None or len(line) > width or not line.isascii():
            return None
        lines.append(line)
    return lines


def _lines(document: Document) -> Iterator[str | None]:
    """Each line; None for what is no single line without columns."""
    if document.title:
        yield visible(document.title) + (visible(f"  {document.stack}") if document.stack else "")
    if document.about:
        yield visible(document.about)
    for block in document.blocks:
        yield "" if isinstance(block, Gap) else _line(block) if isinstance(block, Line) else None
    if document.summary:
        yield visible(document.summary)
    yield from map(_line, document.closing)


def _line(line: Line) -> str | None:
    text = "".join(visible(span.text) for span in line.words)
    return None if line.lead else f"{' ' * line.indent}{text}"
