"""`deploy plan`: what a push would do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    AdoptOption,
    ChangedSinceOption,
    EnvironmentArgument,
    FormatOption,
    KeepGoingOption,
    OverwriteOption,
    PruneOption,
    RuleOption,
    TagOption,
    selected,
)
from entra_deployer.commands.terminal import show
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Connection, Forecast, Report, Repository
    from entra_deployer.hunts.selection import Selection
    from entra_deployer.reports.document import Document


def plan(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    overwrite: OverwriteOption = False,
    keep_going: KeepGoingOption = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plan for `push --plan`.")] = None,
    with_forecast: Annotated[
        bool, typer.Option("--forecast", help="Also tell what it would do to the alerts of the last 7 days.")
    ] = False,
    form: FormatOption = TEXT,
    detailed: Annotated[bool, typer.Option("--detailed-exit-code", help="Exit 2 where there are changes.")] = False,
) -> None:
    """Show what a push would do, and write nothing."""
    from entra_deployer.api import PushRequest, Report, plan_code, plan_rules, write_plan
    from entra_deployer.reports.documents.plan import plan_document

    selection = selected(rule, tag, changed_since)
    check_prune(selection, prune=prune)
    request = PushRequest(selection, adopt, prune, overwrite=overwrite, keep_going=keep_going)

    def work() -> "tuple[Report, Forecast | None]":
        with project.on(env, "planning for") as (repository, connection):
            report = plan_rules(repository, connection, request)
            found = _forecast(repository, connection, report) if with_forecast else None
        if out and report.plan:
            write_plan(out, report.plan, request.options)
        return report, found

    show(
        form,
        work,
        _document,
        lambda found: plan_code(found[0], detailed=detailed),
        lambda issues: plan_document("plan")(Report(env, issues=issues)),
    )


def _document(found: "tuple[Report, Forecast | None]") -> "Document":
    from entra_deployer.reports.documents.plan import plan_document

    report, forecast = found
    document = plan_document("plan")(report)
    if forecast is None:
        return document
    from entra_deployer.reports.documents.forecast import plan_with_forecast

    return plan_with_forecast(document, forecast)


def _forecast(repository: "Repository", connection: "Connection", report: "Report") -> "Forecast | None":
    from entra_deployer.api import forecast_of_plan

    return forecast_of_plan(repository, connection, report)


def check_prune(selection: "Selection", *, prune: bool) -> None:
    """Raise UsageError where a part is to be pruned: a prune looks at the whole."""
    from entra_deployer.core.errors import UsageError

    if prune and not selection.is_all:
        raise UsageError("--prune looks at the whole repository: it does not go with --rule, --tag or --changed-since")
