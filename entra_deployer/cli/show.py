"""Printing a report in the form asked for, and leaving with its exit code."""

from collections.abc import Callable

import typer

from entra_deployer.cli import terminal
from entra_deployer.cli.options import ReportFormat
from entra_deployer.errors import DeployError, ExitCode
from entra_deployer.model.issue import Issue, Level
from entra_deployer.model.report import Report


def show_report(env: str, form: ReportFormat, work: Callable[[], Report], code: Callable[[Report], ExitCode]) -> None:
    """Do the work and print its report. With JSON there is a document even where the work could not be done."""
    from entra_deployer.reports.as_json import as_json
    from entra_deployer.reports.plan_as_text import plan_as_text

    try:
        report = work()
    except DeployError as error:
        if form is ReportFormat.JSON:
            terminal.say(as_json(Report(env, issues=_as_issues(error))))
        raise
    if form is ReportFormat.JSON:
        terminal.say(as_json(report))
    else:
        terminal.say(plan_as_text(report, width=terminal.width(), colour=terminal.coloured()))
    raise typer.Exit(code(report))


def _as_issues(error: DeployError) -> tuple[Issue, ...]:
    issues: tuple[Issue, ...] = getattr(error, "issues", ())
    return issues or (Issue("DEP000", Level.ERROR, error.message, "", error.location, error.hint),)
