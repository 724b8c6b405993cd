"""`deploy init`: a new project, or the file of a new environment."""

from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from entra_deployer.commands import terminal


def init(
    env: Annotated[
        str | None, typer.Argument(metavar="[ENV]", help="A new environment, whose file deploy/ENV.yaml is wanted.")
    ] = None,
) -> None:
    """Start a project with a first hunt, or give it the commented file of an environment. Overwrites nothing."""
    from entra_deployer.project.init import init_project
    from entra_deployer.reports.new_project import new_project_as_text

    made = init_project(Path.cwd(), env, uuid4())
    terminal.say(new_project_as_text(made, width=terminal.width(), colour=terminal.coloured()))
