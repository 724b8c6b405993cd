"""Workflow commands of GitHub Actions: lines of a log that become annotations."""


def annotation(level: str, message: str, *, title: str = "", file: str = "", line: int = 0) -> str:
    """One annotation: `level` is error, warning or notice; a message may have several lines."""
    values = {"file": file, "line": str(line) if line else "", "title": title}
    properties = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in values.items() if value)
    return f"::{level}{' ' if properties else ''}{properties}::{_escaped(message)}"


def _escaped(text: str, further: str = "") -> str:
    for character in f"%\r\n{further}":
        text = text.replace(character, f"%{ord(character):02X}")
    return text
