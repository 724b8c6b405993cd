"""`deploy forecast`: what a push would do to the alerts, on an environment's own data."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import ChangedSinceOption, EnvironmentArgument, FormatOption, TagOption, selected
from entra_deployer.commands.terminal import show, working
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Forecast

DaysOption = Annotated[float, typer.Option(min=0.05, max=90, metavar="DAYS", help="How many days to look back.")]


def forecast(
    env: EnvironmentArgument = "local",
    rule: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RULE...",
            help="Hunt folders, rule names, patterns (entra_*); all where none is named.",
            autocompletion=hunts,
        ),
    ] = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    days: DaysOption = 7,
    time: Annotated[
        str, typer.Option("--time", metavar="TIME", help="How long the whole may take, like 90s or 5m.")
    ] = "5m",
    budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="How long one run of a rule may take; longer is exit 2.")
    ] = None,
    form: FormatOption = TEXT,
) -> None:
    """Tell what a push would do to the alerts.

    Runs each rule, as it stands and as it would stand, at its own schedule over the last days of the environment's
    data. Reads only; the queries end with the command.
    """
    from entra_deployer import api
    from entra_deployer.reports.documents.forecast import forecast_document, no_forecast_document

    selection = selected(rule, tag, changed_since)

    def work() -> "Forecast":
        seconds, most = seconds_of(time), seconds_of(budget) if budget else None
        repository = project.repository()
        with project.connection(repository.root, env) as connection, working(f"forecasting on {env}") as step:
            request = api.ForecastRequest(selection, days, seconds, most, step)
            return api.forecast(repository, connection, request)

    show(form, work, forecast_document, api.forecast_code, lambda issues: no_forecast_document(env, issues))


def seconds_of(text: str) -> float:
    """A time like 90s or 5m in seconds. Raises UsageError for anything else."""
    from entra_deployer.core.errors import UsageError
    from entra_deployer.core.time import parse_duration

    try:
        return parse_duration(text)
    except ValueError:
        raise UsageError(f"{text!r} is no time", hint="like 90s, 5m or 1h") from None
