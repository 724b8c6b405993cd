"""`deploy history`: the pushes to an environment and what each changed."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import EnvironmentArgument, FormatOption
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import ExitCode
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import History


def history(
    env: EnvironmentArgument = "local",
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE",
            help="Only what touched this rule, with every value.",
            show_default=False,
            autocompletion=hunts,
        ),
    ] = "",
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="How many pushes to tell.")] = 20,
    form: FormatOption = TEXT,
) -> None:
    """List the pushes: who, when, which commit, what."""
    from entra_deployer.api import History, read_history
    from entra_deployer.reports.documents.history import history_document

    def work() -> "History":
        with project.on(env, "reading the ledger of") as (repository, connection):
            return read_history(repository, connection, rule, last)

    show(
        form,
        work,
        history_document,
        lambda _: ExitCode.OK,
        lambda issues: history_document(History(env, issues=issues)),
    )
