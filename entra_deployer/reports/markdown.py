"""A document as Markdown, for a comment on a pull request or the summary of a job.

Text from outside stays text: no markup, no HTML, no link, no image, no mention of a person, and no fence is left by it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby

from entra_deployer.core.issue import Issue
from entra_deployer.core.text import visible
from entra_deployer.reports.document import (
    Block,
    Cell,
    Code,
    Diff,
    Document,
    Gap,
    Issues,
    Line,
    Section,
    Span,
    Table,
    Words,
    cells,
)

_APART = "<!-- -->"
"""Stands where two letters together would be more than text for the host, and shows nothing."""
_TAB = 4
_ACTIVE = re.compile(
    r"""(?P<html><)
      | (?P<entity>&(?=[#\w]))
      | (?P<marks>[\\`*~$]|\](?=[(\[])|\[(?=[\[^]))
      | (?P<underscore>_)
      | (?P<hash>(?:(?<=\s)|^)\#|\#(?=\d|\s*$))
      | (?P<mention>@(?=[\w]))
      | (?P<link>://|(?<=mailto):|(?<=xmpp):)
      | (?P<www>(?<=www)\.)
      | (?P<emoji>:(?=(?:[+-]1|100|1234|\w*[a-z_]\w*):))
      | (?P<issue>(?<=\bGH)-(?=\d))""",
    re.VERBOSE | re.IGNORECASE,
)
_OPENING = re.compile(r"^([->]|\+(?=\s)|\d+[.)](?=\s|$)|\[)")


def render(document: Document) -> str:
    """A heading with the counts, then each block; what is long is folded."""
    return "\n".join(_lines(document)).rstrip() + "\n"


def inline(text: str) -> str:
    """A text on one line, within a paragraph, an item or a heading."""
    return _ACTIVE.sub(_apart, _flat(text))


def cell(text: str) -> str:
    """A text in a cell of a table, which ends neither the cell nor the row."""
    return inline(text).replace("|", "\\|")


def literal(text: str) -> str:
    """A text as code within a line."""
    text = _flat(text)
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if text[:1] in ("`", " ") or text[-1:] in ("`", " ") else ""
    return f"{fence}{edge}{text}{edge}{fence}" if text else ""


def fenced(lines: Iterable[str], language: str) -> Iterator[str]:
    """Lines in a fence that none of them closes."""
    body = [visible(line.expandtabs(_TAB)) for line in lines]
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}{language}"
    yield from body
    yield fence


def _lines(document: Document) -> Iterator[str]:
    title = f"{document.title}: " if document.title else ""
    heading = document.heading or f"{title}{document.summary}"
    if heading:
        yield f"### {inline(heading)}"
        yield ""
    if read := "; ".join(filter(None, (document.stack, document.about))):
        yield f"{_opened(inline(read))}."
        yield ""
    yield from _blocks(document.blocks)
    for line in document.closing:
        yield _opened(_words(line.words))
        yield ""


def _blocks(blocks: Iterable[Block]) -> Iterator[str]:
    """The blocks; neighbouring lines are one list, neighbouring sections with the same columns one table."""
    told = (block for block in blocks if not isinstance(block, Gap))
    for _, some in groupby(told, key=lambda block: (type(block), getattr(block, "columns", ()))):
        neighbours = list(some)
        if sections := [block for block in neighbours if isinstance(block, Section)]:
            yield from _sections(sections)
            continue
        for block in neighbours:
            yield from _block(block)
        yield ""


def _block(block: Block) -> Iterator[str]:
    match block:
        case Line():
            yield f"- {_opened(' '.join((_words(block.lead, apart=' '), _words(block.words))))}"
        case Diff():
            lines = (line.removeprefix("  ") for line in block.lines)
            yield from fenced((*lines, *block.notes), "diff")
        case Code():
            yield from fenced(block.text.split("\n"), block.language)
        case Table():
            yield from _table(block.columns, block.rows)
        case Issues(table=True):
            yield from _table(("", "code", "place", "issue"), [_issue_row(issue) for issue in block.issues])
        case Issues():
            yield from map(_issue, block.issues)
        case _:
            pass


def _sections(sections: Sequence[Section]) -> Iterator[str]:
    """One table of all items, then what is to be seen of each behind its name."""
    items = [item for section in sections for item in section.items]
    yield from _table(sections[0].columns, [item.cells for item in items])
    yield ""
    for item in items:
        if item.body:
            yield f"<details><summary>{_in_html(item.name)}</summary>"
            yield ""
            yield from _blocks(item.body)
            yield "</details>"
            yield ""


def _table(columns: Sequence[str], rows: Sequence[tuple[Cell, ...]]) -> Iterator[str]:
    count = len(columns) or max((len(row) for row in rows), default=0)
    heads = [*(cell(column) for column in columns), *([""] * (count - len(columns)))]
    yield "|" + "|".join(f" {head} " if head else " " for head in heads) + "|"
    yield "|---" * count + "|"
    for row in rows:
        yield f"| {' | '.join(_cell(one) for one in row)} |"


def _cell(one: Cell) -> str:
    return "<br>".join(part for part in (_words(one.words).replace("|", "\\|"), *map(cell, one.more)) if part)


def _words(spans: Words, apart: str = "") -> str:
    return apart.join(_span(span) for span in spans)


def _span(span: Span) -> str:
    return literal(span.text) if span.literal else inline(span.text)


def _issue(issue: Issue) -> str:
    place = str(issue.location or issue.subject)
    hint = f" ({issue.hint})" if issue.hint else ""
    about = f" {inline(place)}" if place else ""
    return f"- **{issue.level.value}** {literal(issue.code)}{about}: {inline(f'{issue.message}{hint}')}"


def _issue_row(issue: Issue) -> tuple[Cell, ...]:
    place = Span(str(issue.location or issue.subject), literal=True)
    more = (issue.hint,) if issue.hint else ()
    return (*cells(issue.level.value, issue.code), Cell((place,)), Cell((Span(issue.message),), more))


def _flat(text: str) -> str:
    return visible(text.replace("\n", " ").replace("\t", " "))


def _opened(text: str) -> str:
    """A line whose first letters begin no list, quote or heading."""
    return _OPENING.sub(lambda found: f"{found[1][:-1]}\\{found[1][-1]}", text.strip())


def _apart(found: re.Match[str]) -> str:
    text, kind = found[0], found.lastgroup
    match kind:
        case "html" | "entity":
            return escape(text)
        case "underscore":
            around = (found.string[: found.start()][-1:], found.string[found.end() :][:1])
            return "_" if all(one.isalnum() for one in around) else "\\_"
        case "marks":
            return f"\\{text}"
        case "hash":
            return f"\\#{_APART}"
        case "link":
            return f":{_APART}{text[1:]}"
        case _:
            return f"{text}{_APART}"


def _in_html(text: str) -> str:
    """A text within an HTML block, where Markdown is not read but mentions are."""
    return re.sub(r"@(?=\w)|:(?=//)", lambda found: f"{found[0]}{_APART}", escape(_flat(text), quote=False))
