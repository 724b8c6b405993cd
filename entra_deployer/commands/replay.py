"""`deploy replay`: when would a rule have fired in the past, and for whom."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import FormatOption, OnOption
from entra_deployer.commands.terminal import show
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Replay


def replay(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="A hunt folder or a rule's name.", autocompletion=hunts)],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help='The first tick: 2026-11-24T10:00Z, "7d ago".')],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="No tick is later than this.")] = "now",
    every: Annotated[
        str | None, typer.Option(metavar="STEP", help="The step, like 1h; the rule's own if not said.")
    ] = None,
    on: OnOption = "local",
    form: FormatOption = TEXT,
) -> None:
    """Tell when a rule would have fired over past data.

    Runs it at each tick of its schedule with the clock of that tick. Reads only.
    """
    from entra_deployer.api import ReplayRequest, replay_code, replay_rule
    from entra_deployer.reports.documents.replay import no_replay_document, replay_document

    def work() -> "Replay":
        with project.on(on, "replaying on") as (repository, connection):
            return replay_rule(repository, connection, ReplayRequest(rule, start, end, every))

    show(form, work, replay_document, replay_code, lambda issues: no_replay_document(on, issues))
