"""Printing a report in the form asked for, and leaving with its exit code."""

from collections.abc import Callable

import typer

from entra_deployer.commands import terminal
from entra_deployer.commands.options import ReportFormat
from entra_deployer.core.errors import DeployError, ExitCode
from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.report import Report

type Renderer = Callable[[Report], str]


def show_report(
    env: str, form: str, work: Callable[[], Report], code: Callable[[Report], ExitCode], render: Renderer | None = None
) -> None:
    """Do the work, print its report and leave. With JSON there is a document even where the work could not be done.

    `render` is for forms of a command's own; without it a report is shown as a plan.
    """
    from entra_deployer.reports.as_json import as_json

    if form == ReportFormat.JSON:
        show(work, code, as_json, lambda issues: as_json(Report(env, issues=issues)))
    else:
        show(work, code, render or as_plan)


def show[R](
    work: Callable[[], R],
    code: Callable[[R], ExitCode],
    render: Callable[[R], str],
    unable: Callable[[tuple[Issue, ...]], str] | None = None,
) -> None:
    """Do the work, print what `render` makes of it, and leave with its exit code.

    `unable` makes a document for programs of what kept the work from being done; the error itself goes its own way.
    """
    try:
        found = work()
    except DeployError as error:
        if unable:
            terminal.say(unable(_as_issues(error)))
        raise
    terminal.say(render(found))
    raise typer.Exit(code(found))


def as_plan(report: Report) -> str:
    """A report as a plan, for the terminal at hand."""
    from entra_deployer.reports.plan_as_text import plan_as_text

    return plan_as_text(report, width=terminal.width(), colour=terminal.coloured())


def _as_issues(error: DeployError) -> tuple[Issue, ...]:
    issues: tuple[Issue, ...] = getattr(error, "issues", ())
    return issues or (Issue("DEP000", Level.ERROR, error.message, "", error.location, error.hint),)
