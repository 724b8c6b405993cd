"""`deploy init`: a new project, or the file of a new environment."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from entra_deployer.commands.terminal import drawn, say


def init(
    env: Annotated[
        str | None, typer.Argument(metavar="ENV", help="A new environment, whose file deploy/ENV.yaml is made.")
    ] = None,
) -> None:
    """Start a project, or make an environment's file.

    A project begins with a first hunt, the file of an environment with comments. Overwrites nothing.
    """
    from entra_deployer.api import init_project
    from entra_deployer.reports.documents.project import project_document

    say(drawn(project_document(init_project(Path.cwd(), env, uuid4()))))
