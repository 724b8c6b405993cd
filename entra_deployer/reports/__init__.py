"""What a command tells as text, JSON, Markdown, HTML, SARIF, JUnit XML or GitHub annotations.

Pure: the same document gives the same bytes. Each form is a module of that name here with one function `render`, loaded
when it is asked for, and one entry in FORMS; `documents/` makes documents of what the rooms below found.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from entra_deployer.reports.document import Document

TEXT: Final = "text"
FORMS: Final = (TEXT, "json", "markdown", "html", "sarif", "junit", "github")
"""The forms that every document has."""


def render(document: "Document", form: str, *, width: int = 100, colour: bool = False) -> str:
    """The document in one of FORMS; width in columns and colour matter to text alone."""
    module = import_module(f"{__name__}.{form}")
    rendered: str = module.render(document, width=width, colour=colour) if form == TEXT else module.render(document)
    return rendered
