"""`deploy replay`: when would a rule have fired in the past, and for whom."""

from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import FormatOption, OnOption, ReportFormat
from entra_deployer.commands.show import show
from entra_deployer.verify.replayed import Replay


def replay(
    rule: Annotated[str, typer.Argument(help="A hunt folder or a rule's name.")],
    start: Annotated[str, typer.Option("--from", metavar="TIME", help='The first tick: 2026-11-24T10:00Z, "7d ago".')],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="No tick is later than this.")] = "now",
    every: Annotated[
        str | None, typer.Option(metavar="STEP", help="The step, like 1h; the rule's own if not said.")
    ] = None,
    on: OnOption = "local",
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Run a rule at each tick of its schedule over past data, with the clock of that tick. Reads only."""
    from entra_deployer.reports import replay as reports
    from entra_deployer.verify.replay_rule import ReplayRequest, replay_code, replay_rule

    def work() -> Replay:
        top = project.root()
        with project.connection(top, on) as connection, terminal.working(f"replaying on {on}"):
            return replay_rule(top, connection, ReplayRequest(rule, start, end, every))

    def as_text(found: Replay) -> str:
        return reports.replay_as_text(found, width=terminal.width(), colour=terminal.coloured())

    if form is ReportFormat.JSON:
        show(work, replay_code, reports.replay_as_json, lambda issues: reports.no_replay_as_json(on, issues))
    else:
        show(work, replay_code, as_text)
