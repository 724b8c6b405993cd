"""`deploy history`: the pushes to an environment and what each changed."""

from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat
from entra_deployer.commands.show import show
from entra_deployer.core.errors import ExitCode
from entra_deployer.ledger.entry import History


def history(
    env: EnvironmentArgument = "local",
    rule: Annotated[
        str, typer.Argument(metavar="[RULE]", help="Only what touched this rule, with every value.", show_default=False)
    ] = "",
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many pushes to tell.")] = 20,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """List the pushes to an environment: who, when, from which commit, and what each changed."""
    from entra_deployer.ledger.read_history import read_history
    from entra_deployer.reports.history_as_json import history_as_json

    def work() -> History:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"reading the ledger of {env}"):
            return read_history(top, connection, rule, last)

    if form is ReportFormat.JSON:
        show(work, _code, history_as_json, lambda issues: history_as_json(History(env, issues=issues)))
    else:
        show(work, _code, _as_text)


def _code(_: History) -> ExitCode:
    return ExitCode.OK


def _as_text(found: History) -> str:
    from entra_deployer.reports.history_as_text import history_as_text

    return history_as_text(found, width=terminal.width(), colour=terminal.coloured())
