"""A document as workflow commands of GitHub Actions, which shows them beside the line, and its summary in the log."""

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.text import visible
from entra_deployer.reports.document import Document

_COMMANDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def render(document: Document) -> str:
    """A line for each finding and each issue, and the summary as the last line."""
    lines = [_annotation(document, issue) for issue in (*document.findings, *document.issues)]
    return "".join(f"{line}\n" for line in (*lines, _log_line(document)))


def _annotation(document: Document, issue: Issue) -> str:
    values = {"title": issue.code}
    if issue.code in document.titles and not issue.code.startswith("DEP"):
        values["title"] = f"{document.title}: {document.titles[issue.code]}"
    if issue.location:
        values["file"] = issue.location.path
        if issue.location.line:
            values |= {"line": str(issue.location.line), "col": str(issue.location.column or 1)}
    properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in sorted(values.items()))
    text = f"{issue.message} ({issue.hint})" if issue.hint else issue.message
    return f"::{_COMMANDS[issue.level]} {properties}::{_escaped(text)}"


def _escaped(text: str, further: str = "") -> str:
    text = visible(text, keep="\n")
    for character in f"%\n{further}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _log_line(document: Document) -> str:
    """A line that begins as no command does, and holds none in the older form, which may stand anywhere in a line."""
    told = f"{document.title}: {document.summary}" if document.title else document.summary
    line = visible(told).replace("##[", "## [")
    return f"deploy {document.name}: {line}" if line.lstrip().startswith("::") else line
