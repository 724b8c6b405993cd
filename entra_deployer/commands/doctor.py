"""`deploy doctor`: is an environment ready to be pushed to, and will the rules run there?"""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat
from entra_deployer.commands.show import show
from entra_deployer.core.errors import UsageError
from entra_deployer.doctor.examination import Examination

if TYPE_CHECKING:
    from entra_deployer.core.target import StackVersion


def doctor(
    env: EnvironmentArgument = "local",
    role: Annotated[
        bool, typer.Option("--role", help="Print the least role for this environment, as JSON, and look at nothing.")
    ] = False,
    stack: Annotated[
        str | None,
        typer.Option("--stack", metavar="VERSION", help="The stack's version for --role, where no key is there yet."),
    ] = None,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Look an environment over: servers, versions, licence, clocks, the key and what it may do, spaces, data.

    A line a finding: ok, warning or error, with the next step. Reads only.
    """
    if stack and not role:
        raise UsageError("--stack belongs to --role", hint="the servers tell their versions themselves")
    if role:
        terminal.say(_role(env, stack))
        return
    from entra_deployer.doctor.examine import doctor_code, examine
    from entra_deployer.plan.push import now
    from entra_deployer.reports.examination import examination_as_json, examination_as_text

    def work() -> Examination:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"looking {env} over"):
            return examine(top, connection, now)

    def as_text(examination: Examination) -> str:
        return examination_as_text(examination, width=terminal.width(), colour=terminal.coloured())

    if form is ReportFormat.JSON:
        show(
            work, doctor_code, examination_as_json, lambda issues: examination_as_json(Examination(env, issues=issues))
        )
    else:
        show(work, doctor_code, as_text)


def _role(env: str, stack: str | None) -> str:
    """The body of `POST /_security/role/<name>`. With a version nothing is asked of the servers, nor any secret."""
    from entra_deployer.doctor.examine import least_role

    top = project.root()
    if stack:
        found = least_role(top, project.environment(top, env, secrets=False), _version(stack))
    else:
        with project.connection(top, env) as connection:
            found = least_role(top, connection.environment, connection.version)
    terminal.note("# for POST /_security/role/entra-deployer, or below a name in role_descriptors of an API key")
    return json.dumps(found, indent=2)


def _version(text: str) -> "StackVersion":
    from entra_deployer.core.target import StackVersion

    try:
        return StackVersion.parse(text)
    except ValueError as error:
        raise UsageError(f"--stack: {error}", hint="like 8.19 or 9.2.1") from None
