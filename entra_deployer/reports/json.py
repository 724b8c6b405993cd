"""A document as JSON: its format's version first and its issues last, the keys in the order in which they stand."""

import json
import re

from entra_deployer.core.text import visible
from entra_deployer.plan.serial import issue_to_json
from entra_deployer.reports.document import Document

FORMAT_VERSION = 1


def render(document: Document) -> str:
    """The one JSON document that a command prints, indented, one newline at its end."""
    issues = [issue_to_json(issue) for issue in document.issues]
    return dumped({"format_version": FORMAT_VERSION, **document.content, "issues": issues})


def dumped(value: object) -> str:
    r"""JSON, indented, with what a terminal would obey or hide written as JSON writes it: \u009b."""
    return escaped(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def escaped(text: str) -> str:
    """JSON in which nothing is left that a terminal would obey or hide."""
    return re.sub(r"[^\n -~]", lambda found: _escaped(found[0]), text)


def _escaped(character: str) -> str:
    if visible(character) == character:
        return character
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
