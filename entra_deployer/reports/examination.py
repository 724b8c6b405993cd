"""What `deploy doctor` found: a line a finding for a person, and one JSON document."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from entra_deployer.doctor.examination import Examination, Finding, Health
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.json_document import json_document
from entra_deployer.reports.words import counted

_SIGNS = {Health.OK: ("✓", "green"), Health.WARNING: ("!", "yellow"), Health.ERROR: ("✗", "bold red")}


def examination_as_json(examination: Examination) -> str:
    """The document."""
    content = {
        "environment": examination.environment,
        "findings": [
            {"about": one.about, "health": one.health.value, "message": one.message, "hint": one.hint or None}
            for one in examination.findings
        ],
    }
    return json_document(content, examination.issues)


def examination_as_text(examination: Examination, *, width: int = 100, colour: bool = False) -> str:
    """A line a finding, the next step below it, and the counts as the last line."""
    return draw(_lines(examination), width=width, colour=colour)


def _lines(examination: Examination) -> Iterator[RenderableType]:
    yield Text(examination.environment, "bold")
    yield Text()
    column = max((len(finding.about) for finding in examination.findings), default=0)
    for finding in examination.findings:
        yield from _finding(finding, column)
    yield Text()
    yield _closing(examination)


def _finding(finding: Finding, column: int) -> Iterator[RenderableType]:
    sign, style = _SIGNS[finding.health]
    line = Table.grid("", "", "", Column(overflow="fold"), padding=(0, 1))
    word = f"{finding.health.value:<{len(Health.WARNING)}}"
    line.add_row(Text(sign, style), Text(word, style), Text(f"{finding.about:<{column}}", "dim"), Text(finding.message))
    yield line
    if finding.hint:
        yield Padding(Text(f"-> {finding.hint}", "dim"), (0, 0, 0, 6))


def _closing(examination: Examination) -> Text:
    errors, warnings = examination.count(Health.ERROR), examination.count(Health.WARNING)
    if errors:
        return Text(f"{counted(errors, 'error')}, {counted(warnings, 'warning')}: not ready.", "bold red")
    also = f", {counted(warnings, 'warning')}" if warnings else ""
    return Text(f"Ready to be pushed to{also}.", "bold green")
