"""What is printed and where: results on stdout, progress and errors on stderr."""

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Never

import typer

from entra_deployer.core.errors import DeployError
from entra_deployer.core.text import visible
from entra_deployer.reports import TEXT, render

if TYPE_CHECKING:
    from entra_deployer.api import Report
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.issue import Issue
    from entra_deployer.reports.document import Document

_PIPED_WIDTH = 100
APART = 5.0
"""Seconds between two lines about one piece of work in a log."""

quiet: ContextVar[bool] = ContextVar("quiet", default=False)
"""Whether progress is not to be told."""

type Step = Callable[[int, int], None]


def show[Result](
    form: str,
    work: Callable[[], Result],
    document: "Callable[[Result], Document]",
    code: "Callable[[Result], ExitCode]",
    unable: "Callable[[tuple[Issue, ...]], Document]",
) -> Never:
    """Do the work, print its document in the form asked for, and leave with its exit code."""
    with told_in(form, unable):
        found = work()
    say(drawn(document(found), form))
    raise typer.Exit(code(found))


@contextmanager
def told_in(form: str, unable: "Callable[[tuple[Issue, ...]], Document]") -> Iterator[None]:
    """Give programs a document even where the work could not be done: `unable` makes one of what kept it from that.

    The error itself goes its own way.
    """
    try:
        yield
    except DeployError as error:
        if form != TEXT:
            say(render(unable(_as_issues(error)), form))
        raise


def drawn(document: "Document", form: str = TEXT) -> str:
    """The document for the terminal at hand."""
    return render(document, form, width=width(), colour=coloured())


def width() -> int:
    """Columns of the terminal on stdout; a fixed number where there is none."""
    return shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns if sys.stdout.isatty() else _PIPED_WIDTH


def coloured() -> bool:
    """Whether stdout wants colour: a terminal, and nobody said no (https://no-color.org)."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print a result that a renderer made; nothing where it is empty."""
    sys.stdout.write(text if not text or text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def say_lines(text: str) -> None:
    """Print lines as a result that no renderer made; what they hold from outside is shown without controls."""
    say(visible(text, keep="\n"))


def note(text: str) -> None:
    """Print a line about what is going on; what it holds from outside cannot move the cursor or begin another line."""
    note_block(visible(text))


def note_block(text: str) -> None:
    """Print lines that were drawn for a terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(issues: "tuple[Issue, ...]") -> None:
    """Print issues on stderr, one line each."""
    for issue in issues:
        place = f"{issue.location or issue.subject}: " if issue.location or issue.subject else ""
        hint = f" ({issue.hint})" if issue.hint else ""
        note(f"{issue.level.value}: {place}{issue.message}{hint}")


def agreement(name: str, *, yes: bool) -> "Callable[[Report], str]":
    """Shows what a command is about to do and asks on a terminal; it says why not, or "". Nobody is asked elsewhere."""

    def ask(report: "Report") -> str:
        from entra_deployer.reports.documents.plan import plan_document

        if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return ""
        note_block(drawn(plan_document(name)(report)))
        return "" if typer.confirm("Go on?", err=True) else "you said no"

    return ask


@contextmanager
def working(text: str, clock: Callable[[], float] = time.monotonic) -> Iterator[Step]:
    """Show what is going on and since when, on a terminal; in a pipe say now and then how far it is.

    What it gives is told how much is done, and of how much.
    """
    if quiet.get():
        yield lambda _done, _total: None
        return
    if not sys.stderr.isatty():
        yield _Lines(text, clock).step
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(visible(text), total=None)
        yield lambda done, total: bars.update(task, description=f"{visible(text)}: {done} of {total}")


class _Lines:
    """How far it is, as lines for a log, at most one in so many seconds."""

    def __init__(self, text: str, clock: Callable[[], float]) -> None:
        self._text, self._clock = text, clock
        self._start = self._last = clock()

    def step(self, done: int, total: int) -> None:
        """Tell it where it is time, and the end where anything was told."""
        now = self._clock()
        if now - self._last >= APART or (done == total and self._last > self._start):
            note(f"{self._text}: {done} of {total}, {now - self._start:.0f} s")
            self._last = now


def _as_issues(error: DeployError) -> "tuple[Issue, ...]":
    from entra_deployer.core.issue import Issue, Level

    issues: tuple[Issue, ...] = getattr(error, "issues", ())
    return issues or (Issue("DEP000", Level.ERROR, error.message, "", error.location, error.hint),)
