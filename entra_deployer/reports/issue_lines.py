"""An issue in a report for people."""

from collections.abc import Iterator

from rich.padding import Padding
from rich.text import Text

from entra_deployer.model.issue import Issue, Level

_LEVELS = {Level.ERROR: "bold red", Level.WARNING: "yellow", Level.NOTE: "dim"}


def issue_lines(issue: Issue) -> Iterator[Text | Padding]:
    """Level, code, place and message on the first line; the next step below it."""
    line = Text()
    line.append(f"{issue.level.value} ", _LEVELS[issue.level])
    line.append(f"{issue.code} ", "dim")
    line.append(f"{issue.location}: " if issue.location else f"{issue.subject}: " if issue.subject else "")
    line.append(issue.message)
    yield line
    if issue.hint:
        yield Padding(Text(issue.hint, "dim"), (0, 0, 0, 6))
