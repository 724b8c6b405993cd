"""What `deploy init` made."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class NewFile:
    """A file that was wanted: made now, or there already and left alone. `note` says what that one lacks."""

    name: str
    created: bool
    note: str = ""


@dataclass(frozen=True)
class NewProject:
    """The project's folder with what was made in it. `environment` is "" where none was named.

    `variable` is where the environment's file expects the API key.
    """

    root: Path
    is_new: bool
    files: tuple[NewFile, ...]
    environment: str = ""
    variable: str = ""
