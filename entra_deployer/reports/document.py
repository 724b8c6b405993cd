"""What a command has to tell, before a renderer gives it a form.

A Document is plain data: lines, items, tables, diffs and code for readers, cases and issues for programs. Its texts are
as they came; each renderer makes them safe by its own rules.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Struct

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json

TAB = 4
"""Columns between the stops of a tab, in what people wrote."""


class Tone(StrEnum):
    """How a text is meant. The value is the terminal's style for it."""

    PLAIN = ""
    STRONG = "bold"
    DIM = "dim"
    GOOD = "green"
    BAD = "red"
    DOUBT = "yellow"
    NEWS = "cyan"
    VERY_GOOD = "bold green"
    VERY_BAD = "bold red"
    VERY_DOUBTFUL = "bold yellow"


class Span(Struct, frozen=True):
    """A piece of text in one tone; `literal` is a name or a place that Markdown sets as code."""

    text: str
    tone: Tone = Tone.PLAIN
    literal: bool = False


type Words = tuple[Span, ...]


def words(*parts: str | Span | tuple[str, Tone]) -> Words:
    """Spans from texts, plain or with a tone; empty ones are left out."""
    made = (Span(part) if isinstance(part, str) else part if isinstance(part, Span) else Span(*part) for part in parts)
    return tuple(span for span in made if span.text)


class Line(Struct, frozen=True):
    """One line. `lead` are short columns before it, each as wide as it is; a long line goes on below itself."""

    words: Words
    indent: int = 0
    lead: Words = ()


class Gap(Struct, frozen=True):
    """An empty line on a terminal."""


class Diff(Struct, frozen=True):
    """Lines that begin with +, - or @@ behind their indent; `notes` are about what did not change."""

    lines: tuple[str, ...]
    notes: tuple[str, ...] = ()
    indent: int = 0


class Code(Struct, frozen=True):
    """A query, or another text whose lines are as somebody wrote them."""

    text: str
    language: str = ""
    tone: Tone = Tone.PLAIN
    indent: int = 0


class Cell(Struct, frozen=True):
    """One cell of a table; `more` are further lines where a table can hold them."""

    words: Words
    more: tuple[str, ...] = ()


class Table(Struct, frozen=True):
    """Rows of cells. Without `columns` they have no heads, and `wide` is the column that takes what room there is.

    `notes` say on a terminal what `more` of the cells says elsewhere; on one narrower than `narrow`, `instead` takes
    the table's place.
    """

    rows: tuple[tuple[Cell, ...], ...]
    columns: tuple[str, ...] = ()
    wide: int | None = None
    indent: int = 0
    notes: tuple[Line, ...] = ()
    narrow: int = 0
    instead: tuple[Line, ...] = ()


class Issues(Struct, frozen=True):
    """Issues for readers, in their order; as a `table` where they are what the document is about."""

    issues: tuple[Issue, ...]
    indent: int = 0
    table: bool = False


class Item(Struct, frozen=True):
    """One of the things that a document lists.

    `line` tells of it on a terminal, with `notes` below it; `cells` is its row in a table, which holds the notes too.
    `body` is all that there is to see of it, behind `name` where that can be folded.
    """

    name: str
    line: Line
    cells: tuple[Cell, ...]
    notes: tuple[Line, ...] = ()
    body: tuple["Block", ...] = ()


class Section(Struct, frozen=True):
    """Items of one sort. Neighbours with the same `columns` are one table where a form has tables."""

    items: tuple[Item, ...]
    columns: tuple[str, ...]
    title: Words = ()


type Block = Line | Gap | Diff | Code | Table | Issues | Section


class FaultKind(StrEnum):
    """JUnit's words: what was looked at is wrong; it could not be looked at; nobody looked."""

    FAILURE = "failure"
    ERROR = "error"
    SKIPPED = "skipped"


class Fault(Struct, frozen=True):
    """Why a case did not pass."""

    kind: FaultKind
    message: str
    text: str = ""


class Case(Struct, frozen=True):
    """One thing that was looked at, as a test case; without faults it passed. `suite` groups cases."""

    classname: str
    name: str
    faults: tuple[Fault, ...] = ()
    output: str = ""
    suite: str = ""


@dataclass(frozen=True)
class Document:
    """The whole of what a command tells.

    `name` is the command's, `title` what it is about (an environment), `stack` the servers, `about` a line on what was
    read. `summary` is the last line, `is_good` whether it is good news; `closing` are lines behind it. `heading` is a
    title for a page, made of title and summary where it is empty. `content` is the JSON document without its issues.
    `findings` are what programs are told beside the `issues`, in the same form; `titles` says in a few words what their
    codes mean.
    """

    name: str
    title: str = ""
    stack: str = ""
    about: str = ""
    blocks: tuple[Block, ...] = ()
    summary: str = ""
    is_good: bool = True
    summary_tone: Tone | None = None
    closing: tuple[Line, ...] = ()
    heading: str = ""
    content: Mapping[str, Json] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()
    findings: tuple[Issue, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()


def cells(*texts: str) -> tuple[Cell, ...]:
    """Plain cells."""
    return tuple(Cell(words(text)) for text in texts)


def issue_faults(issues: Iterable[Issue]) -> tuple[Fault, ...]:
    """The errors among issues, as reasons why something could not be looked at."""
    return tuple(
        Fault(FaultKind.ERROR, issue.message, issue.hint or "") for issue in issues if issue.level is Level.ERROR
    )
