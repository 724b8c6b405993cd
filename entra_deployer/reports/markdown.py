"""What every Markdown report needs."""

import re
from collections.abc import Iterable, Iterator

from entra_deployer.core.issue import Issue


def cell(text: str) -> str:
    """A text that ends no cell of a table and no row, and is not taken for HTML."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def fenced(lines: Iterable[str]) -> Iterator[str]:
    """The lines as a diff in a fence that none of them closes."""
    body = list(lines)
    longest = max((len(run) for line in body for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield f"{fence}diff"
    yield from body
    yield fence


def folded(summary: str, body: Iterable[str]) -> Iterator[str]:
    """Lines behind a summary that a reader opens."""
    yield f"<details><summary>{cell(summary)}</summary>"
    yield ""
    yield from body
    yield ""
    yield "</details>"
    yield ""


def issue_item(issue: Issue) -> str:
    """An issue as an item of a list."""
    place = issue.location or issue.subject
    hint = f" ({issue.hint})" if issue.hint else ""
    return f"- **{issue.level.value}** `{issue.code}` {place}: {issue.message}{hint}"
