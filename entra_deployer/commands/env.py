"""`deploy env list` and `deploy config show`: which environments there are, and what holds for one."""

import os
from typing import Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import environments
from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import drawn, say
from entra_deployer.commands.usage import Command, Group, closing
from entra_deployer.core.errors import ExitCode
from entra_deployer.reports import TEXT

env_app = typer.Typer(
    cls=Group,
    help="Tell which environments there are.\n\nNo server is asked.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
config_app = typer.Typer(
    cls=Group,
    help="Tell what holds for an environment, and where it is said.\n\nNo server is asked, no secret shown.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@env_app.callback()
def _environments() -> None:
    """Keep `list` a word of its own."""


@config_app.callback()
def _config() -> None:
    """Keep `show` a word of its own."""


@env_app.command("list", cls=Command, epilog=closing("deploy env list", 0, 1, 64))
def list_(form: FormatOption = TEXT) -> None:
    """List the environments: where each is, its spaces, and which of its variables are not set."""
    from entra_deployer.api import list_environments
    from entra_deployer.reports.documents.environments import environments_document

    found = list_environments(project.root(), os.environ)
    say(drawn(environments_document(found), form))
    raise typer.Exit(ExitCode.FAILED if any(one.problem for one in found) else ExitCode.OK)


@config_app.command(cls=Command, epilog=closing("deploy config show staging", 0, 1, 64))
def show(
    env: Annotated[
        str, typer.Argument(metavar="ENV", help="A file deploy/ENV.yaml, or local.", autocompletion=environments)
    ] = "local",
    form: FormatOption = TEXT,
) -> None:
    """Show every key that holds for an environment, and where it comes from: a line, a variable, or a default."""
    from entra_deployer.api import settings_of
    from entra_deployer.reports.documents.environments import settings_document

    say(drawn(settings_document(env, settings_of(project.root(), env, os.environ)), form))
