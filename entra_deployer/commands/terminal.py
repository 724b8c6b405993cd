"""What is printed and where: results on stdout, progress and errors on stderr."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from entra_deployer.core.text import visible

if TYPE_CHECKING:
    from entra_deployer.core.issue import Issue

_PIPED_WIDTH = 100


def width() -> int:
    """Columns of the terminal on stdout; a fixed number where there is none."""
    return shutil.get_terminal_size((_PIPED_WIDTH, 24)).columns if sys.stdout.isatty() else _PIPED_WIDTH


def coloured() -> bool:
    """Whether stdout wants colour: a terminal, and nobody said no (https://no-color.org)."""
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print a result; nothing where it is empty."""
    sys.stdout.write(text if not text or text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Print a line about what is going on; what it holds from outside cannot move the cursor or begin another line."""
    note_block(visible(text))


def note_block(text: str) -> None:
    """Print lines that were drawn for a terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def complain(issues: "Iterator[Issue] | tuple[Issue, ...]") -> None:
    """Print issues on stderr, one line each."""
    for issue in issues:
        place = issue.location or issue.subject
        hint = f" ({issue.hint})" if issue.hint else ""
        note(
            f"{issue.level.value}: {place}: {issue.message}{hint}"
            if place
            else f"{issue.level.value}: {issue.message}{hint}"
        )


@contextmanager
def working(text: str) -> Iterator[None]:
    """Show that something is going on, on a terminal; say nothing in a pipe."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True, markup=False).status(visible(text)):
        yield
