"""`deploy verify`: seeded events prove that a rule fires when it should, and only then."""

from enum import StrEnum
from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import OnOption
from entra_deployer.commands.show import show_report
from entra_deployer.plan.report import Report


class VerdictFormat(StrEnum):
    """The forms of verdicts."""

    TEXT = "text"
    JSON = "json"
    JUNIT = "junit"


def verify(
    rule: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RULE]...", help="Hunt folders or rule names; all where none is named."),
    ] = None,
    on: OnOption = "local",
    form: Annotated[
        VerdictFormat, typer.Option("--format", help="The form of the result on stdout.")
    ] = VerdictFormat.TEXT,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also tell which small changes of a rule its tests would not notice.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Seed nothing: count what each condition loses to null on live data.")
    ] = False,
) -> None:
    """Seed the events of the tests, run each rule as it stands in Kibana over them, and say what it caught."""
    from entra_deployer.verify import verify_rules as workflow

    def work() -> Report:
        top = project.root()
        request = workflow.VerifyRequest(tuple(rule or ()), mutate=mutate)
        with project.connection(top, on) as connection, terminal.working(f"verifying on {on}"):
            return (workflow.look_at_live_data if live else workflow.verify_rules)(top, connection, request)

    if live:
        show_report(on, form, work, workflow.live_code, _as_live)
    else:
        show_report(on, form, work, workflow.verify_code, _as_junit if form is VerdictFormat.JUNIT else _as_text)


def _as_live(report: Report) -> str:
    from entra_deployer.reports.live_as_text import live_as_text

    return live_as_text(report, width=terminal.width(), colour=terminal.coloured())


def _as_text(report: Report) -> str:
    from entra_deployer.reports.verdicts_as_text import verdicts_as_text

    return verdicts_as_text(report, width=terminal.width(), colour=terminal.coloured())


def _as_junit(report: Report) -> str:
    from entra_deployer.reports.verdicts_as_junit import verdicts_as_junit

    return verdicts_as_junit(report)
