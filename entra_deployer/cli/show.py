"""Printing a report in the form asked for, and leaving with its exit code."""

from collections.abc import Callable

import typer

from entra_deployer.cli import terminal
from entra_deployer.cli.options import ReportFormat
from entra_deployer.errors import DeployError, ExitCode
from entra_deployer.model.issue import Issue, Level
from entra_deployer.model.report import Report

type Renderer = Callable[[Report], str]


def show_report(
    env: str, form: str, work: Callable[[], Report], code: Callable[[Report], ExitCode], render: Renderer | None = None
) -> None:
    """Do the work, print its report and leave. With JSON there is a document even where the work could not be done.

    `render` is for forms of a command's own; without it a report is shown as a plan.
    """
    from entra_deployer.reports.as_json import as_json

    try:
        report = work()
    except DeployError as error:
        if form == ReportFormat.JSON:
            terminal.say(as_json(Report(env, issues=_as_issues(error))))
        raise
    if form == ReportFormat.JSON:
        terminal.say(as_json(report))
    else:
        terminal.say((render or _as_plan)(report))
    raise typer.Exit(code(report))


def _as_plan(report: Report) -> str:
    from entra_deployer.reports.plan_as_text import plan_as_text

    return plan_as_text(report, width=terminal.width(), colour=terminal.coloured())


def _as_issues(error: DeployError) -> tuple[Issue, ...]:
    issues: tuple[Issue, ...] = getattr(error, "issues", ())
    return issues or (Issue("DEP000", Level.ERROR, error.message, "", error.location, error.hint),)
