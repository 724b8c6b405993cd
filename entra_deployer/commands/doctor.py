"""`deploy doctor`: is an environment ready to be pushed to, and will the rules run there?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, stack_versions
from entra_deployer.commands.terminal import note, say, show
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Examination


def doctor(
    env: EnvironmentArgument = "local",
    role: Annotated[
        bool, typer.Option("--role", help="Print the least role for this environment, as JSON, and look at nothing.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option("--stack", metavar="VERSION", help="The stack's version for --role, where no key is there yet."),
    ] = None,
    form: FormatOption = TEXT,
) -> None:
    """Look an environment over, and what its key may do.

    Servers, versions, license, clocks, the key, spaces, data: a line a finding, ok, warning or error, with the next
    step. Reads only.
    """
    if stack and not role:
        raise UsageError("--stack belongs to --role", hint="the servers tell their versions themselves")
    if role:
        say(_role(env, stack))
        return
    from entra_deployer.api import Examination, doctor_code, examine, now
    from entra_deployer.reports.documents.examination import examination_document

    def work() -> "Examination":
        with project.on(env, "looking over") as (repository, connection):
            return examine(repository, connection, now)

    show(
        form,
        work,
        examination_document,
        doctor_code,
        lambda issues: examination_document(Examination(env, issues=issues)),
    )


def _role(env: str, stack: str | None) -> str:
    """The body of `POST /_security/role/<name>`. With a version nothing is asked of the servers, nor any secret."""
    from entra_deployer.api import least_role

    repository = project.repository()
    if stack:
        found = least_role(
            repository, project.environment(repository.root, env, secrets=False), stack_versions(stack)[0]
        )
    else:
        with project.connection(repository.root, env) as connection:
            found = least_role(repository, connection.environment, connection.version)
    note("# for POST /_security/role/entra-deployer, or below a name in role_descriptors of an API key")
    return json.dumps(found, indent=2)
