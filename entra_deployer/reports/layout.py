"""A document laid out for a terminal, its lines wrapped, its tables in columns, with its colours."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import StringIO

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Column
from rich.table import Table as Grid
from rich.text import Text

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.text import visible
from entra_deployer.reports.document import (
    TAB,
    Block,
    Code,
    Diff,
    Document,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Table,
    Tone,
    Words,
    words,
)

_LEVELS = {Level.ERROR: Tone.VERY_BAD, Level.WARNING: Tone.DOUBT, Level.NOTE: Tone.DIM}
_SIGNS = {"+": Tone.GOOD, "-": Tone.BAD, "@": Tone.NEWS}
_HINT_INDENT = 6


def laid_out(document: Document, width: int, *, colour: bool = False) -> str:
    """The whole document, wrapped at `width` columns."""
    out = StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
        legacy_windows=False,
    )
    for line in draw(document, width):
        console.print(line)
    return "\n".join(text.rstrip() for text in out.getvalue().split("\n"))


def draw(document: Document, width: int) -> Iterator[RenderableType]:
    """The lines of the document with their styles, for a terminal of `width` columns."""
    if document.title:
        stack = f"  {document.stack}" if document.stack else ""
        yield Text(visible(document.title), Tone.STRONG).append(visible(stack), Tone.DIM)
    if document.about:
        yield Text(visible(document.about), Tone.DIM)
    for block in document.blocks:
        yield from _block(block, width)
    if document.summary:
        tone = document.summary_tone
        usual = Tone.VERY_GOOD if document.is_good else Tone.VERY_BAD
        yield Text(visible(document.summary), usual if tone is None else tone)
    for line in document.closing:
        yield _line(line)


def _block(block: Block, width: int) -> Iterator[RenderableType]:
    match block:
        case Line():
            yield _line(block)
        case Gap():
            yield Text()
        case Diff():
            yield from _diff(block)
        case Code():
            for text in block.text.split("\n"):
                yield Padding(Text(visible(text.expandtabs(TAB)), block.tone), _left(block.indent))
        case Table():
            yield from _table(block, width)
        case Issues():
            lines = issue_lines(block.issues)
            yield from (Padding(line, _left(block.indent)) for line in lines) if block.indent else lines
        case Section():
            yield from _section(block, width)


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    if section.title:
        yield _text(section.title)
    for item in section.items:
        yield from _item(item, width)


def _item(item: Item, width: int) -> Iterator[RenderableType]:
    yield _line(item.line)
    for note in item.notes:
        yield _line(note)
    for block in item.body:
        yield from _block(block, width)


def _line(line: Line) -> RenderableType:
    text: RenderableType = _text(line.words)
    if line.lead:
        grid = Grid.grid(*("" for _ in line.lead), Column(overflow="fold"), padding=(0, 1))
        grid.add_row(*(_text((span,)) for span in line.lead), text)
        text = grid
    return Padding(text, _left(line.indent)) if line.indent else text


def _text(spans: Words) -> Text:
    text = Text()
    for span in spans:
        text.append(visible(span.text), span.tone)
    return text


def _left(indent: int) -> tuple[int, int, int, int]:
    return (0, 0, 0, indent)


def _diff(diff: Diff) -> Iterator[RenderableType]:
    for line in diff.lines:
        tone = _SIGNS.get(line[2:3], Tone.PLAIN) if line.startswith("  ") else Tone.PLAIN
        yield Padding(Text(visible(line.expandtabs(TAB)), tone), _left(diff.indent))
    for note in diff.notes:
        yield Padding(Text(visible(note), Tone.DIM), _left(diff.indent))


def _table(table: Table, width: int) -> Iterator[RenderableType]:
    if table.instead and width < table.narrow:
        yield from map(_line, table.instead)
        return
    grid = Grid(
        box=None,
        padding=(0, 2, 0, 0),
        pad_edge=False,
        show_edge=False,
        show_header=bool(table.columns),
        header_style=Tone.DIM,
    )
    count = max((len(row) for row in table.rows), default=0)
    for number in range(count):
        head = Text(visible(table.columns[number])) if table.columns else ""
        folds = table.wide is None or number in (table.wide, count - 1)
        grid.add_column(head, overflow="fold", ratio=1 if number == table.wide else None, no_wrap=not folds)
    for row in table.rows:
        grid.add_row(*(_text(cell.words) for cell in row))
    yield Padding(grid, _left(table.indent))
    yield from map(_line, table.notes)


@dataclass(frozen=True)
class FoldedIssue:
    """Issues of one file that say the same: the first of them, all next steps, and where the others are."""

    issue: Issue
    hints: tuple[str, ...]
    others: tuple[Location, ...] = ()


def fold_issues(issues: Iterable[Issue]) -> tuple[FoldedIssue, ...]:
    """Issues that say the same of one file as one, at the place of the first. Nothing is lost.

    Several next steps for one place (each version of the stack may have its own) are put together first; what is folded
    has the same ones.
    """
    at_one_place: defaultdict[Issue, dict[str, None]] = defaultdict(dict)
    for issue in issues:
        at_one_place[_without_hint(issue, issue.location)] |= {issue.hint: None} if issue.hint else {}
    alike: defaultdict[tuple[Issue, tuple[str, ...]], list[Issue]] = defaultdict(list)
    for issue, hints in at_one_place.items():
        place = issue.location and Location(issue.location.path)
        alike[_without_hint(issue, place), tuple(hints)].append(issue)
    return tuple(
        FoldedIssue(first, hints, tuple(other.location for other in others if other.location))
        for (_, hints), (first, *others) in alike.items()
    )


def _without_hint(issue: Issue, place: Location | None) -> Issue:
    return Issue(issue.code, issue.level, issue.message, issue.subject, place)


def issue_lines(issues: Iterable[Issue]) -> Iterator[RenderableType]:
    """Level, code, place and message of each on a line; the next steps below it, and where the same is too."""
    for folded in fold_issues(issues):
        issue = folded.issue
        place = f"{issue.location or issue.subject}: " if issue.location or issue.subject else ""
        yield _text(
            words((f"{issue.level.value} ", _LEVELS[issue.level]), (f"{issue.code} ", Tone.DIM), place, issue.message)
        )
        below = (
            [f"the same at {', '.join(f'{one.line}:{one.column or 1}' for one in folded.others)}"]
            if folded.others
            else []
        )
        for text in (*below, *(line for hint in folded.hints for line in hint.split("\n"))):
            yield Padding(Text(visible(text), Tone.DIM), _left(_HINT_INDENT))
