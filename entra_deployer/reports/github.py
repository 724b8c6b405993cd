"""Workflow commands of GitHub Actions: lines of a log that become annotations."""

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Level

_WORDS = {Level.ERROR: "error", Level.WARNING: "warning", Level.NOTE: "notice"}


def annotation(level: Level, message: str, *, title: str, place: Location | None = None) -> str:
    """One annotation, at a place where there is one; a message may have several lines."""
    values = {"title": title}
    if place:
        values["file"] = place.path
        if place.line:
            values |= {"line": str(place.line), "col": str(place.column or 1)}
    properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in sorted(values.items()))
    return f"::{_WORDS[level]} {properties}::{_escaped(message)}"


def _escaped(text: str, further: str = "") -> str:
    for character in f"%\r\n{further}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
