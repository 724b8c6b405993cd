"""The lines of an uploaded NDJSON file, and what JavaScript says of a broken one (records 602-649, 833)."""

import json
from dataclasses import dataclass
from pathlib import PurePosixPath

from entra_deployer.local.kibana.server import Upload
from entra_deployer.model.values import Json


@dataclass(frozen=True)
class Line:
    """One line: its value, or what is wrong with it."""

    value: Json = None
    problem: str | None = None


def extension(upload: Upload) -> str:
    """The extension of the file's name, in lower case, with its dot."""
    return PurePosixPath(upload.name).suffix.lower()


def lines(upload: Upload) -> list[Line]:
    """The lines of a file that are not empty."""
    text = upload.content.decode("utf-8", "replace")
    return [_read(line.strip("\r")) for line in text.split("\n") if line.strip(" \r\t")]


def _read(text: str) -> Line:
    try:
        return Line(json.loads(text))
    except json.JSONDecodeError as error:
        unfinished = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        return Line(
            problem="Unexpected end of JSON input"
            if unfinished
            else f"Unexpected token {text[error.pos]} in JSON at position {error.pos}"
        )
