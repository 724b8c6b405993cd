"""`deploy new`: a further hunt, ready to be written on."""

import sys
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import drawn, say
from entra_deployer.reports import TEXT


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The rule's name, or the hunt's folder.")],
    from_query: Annotated[
        Path | None,
        typer.Option(
            "--from-query", metavar="FILE", help="The file of its ES|QL query, or - for stdin; else a template."
        ),
    ] = None,
    form: FormatOption = TEXT,
) -> None:
    """Make a further hunt, with a test made of its query.

    A folder with the hunt under a UUID of its own, rule.yaml and the test. The test is made offline; `deploy verify`
    proves whether it holds. Overwrites nothing.
    """
    from entra_deployer.api import new_hunt
    from entra_deployer.core.files import read_text
    from entra_deployer.reports.documents.project import new_hunt_document

    source, query = str(from_query or ""), None
    if from_query is not None:
        query = sys.stdin.read() if source == "-" else read_text(from_query)
    made = new_hunt(project.root(), name, uuid4(), query, source="stdin" if source == "-" else source)
    say(drawn(new_hunt_document(made), form))
