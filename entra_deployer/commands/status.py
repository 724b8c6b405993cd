"""`deploy status`: how an environment is right now, or all of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import EnvironmentArgument, FormatOption
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import DeployError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import EnvironmentStatus


def status(
    env: EnvironmentArgument = "local",
    everywhere: Annotated[
        bool, typer.Option("--all", help="All environments in one table, but for local stacks.")
    ] = False,
    form: FormatOption = TEXT,
) -> None:
    """Tell at a glance how an environment is.

    What differs from the repository, which rules fail, the last push and verdict, the key, the lock, silent sources.
    Reads only.
    """
    from entra_deployer.api import status_code
    from entra_deployer.reports.documents.status import no_status, status_document, statuses_document

    if everywhere:
        show(form, _everywhere, statuses_document, status_code, lambda issues: no_status("all environments", issues))
    show(form, lambda: _one(env), status_document, lambda found: status_code([found]), lambda i: no_status(env, i))


def _one(env: str) -> "EnvironmentStatus":
    from entra_deployer.api import look, now

    with project.on(env, "looking at") as (repository, connection):
        return look(repository, connection, now)


def _everywhere() -> "list[EnvironmentStatus]":
    """Each environment in turn; one that is away is a row too."""
    from entra_deployer.api import away
    from entra_deployer.stack.environments import environments

    top, found = project.root(), []
    for name in environments(top):
        try:
            if not project.environment(top, name, secrets=False).embedded:
                found.append(_one(name))
        except DeployError as error:
            found.append(away(name, error))
    return found
