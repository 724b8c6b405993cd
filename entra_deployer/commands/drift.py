"""`deploy drift`: what stands in an environment against what was pushed and what the repository says."""

import time
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Never

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, RuleOption
from entra_deployer.commands.show import show
from entra_deployer.core.errors import Unreachable, UsageError
from entra_deployer.core.time import parse_duration
from entra_deployer.plan.difference import DriftReport


class DriftFormat(StrEnum):
    """The forms of a drift."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    JUNIT = "junit"
    MARKDOWN = "markdown"
    GITHUB = "github"


def drift(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    watch: Annotated[
        str | None,
        typer.Option("--watch", metavar="EVERY", help="Look again so often (10m) until interrupted; tell what is new."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, for a schedule; so it is without --watch.")] = False,
    form: Annotated[DriftFormat, typer.Option("--format", help="The form of the result on stdout.")] = DriftFormat.TEXT,
) -> None:
    """Tell what differs between an environment, its last push and the repository, and who changed it. Reads only."""
    from entra_deployer.plan.find_drift import drift_code, find_drift

    every = _seconds(watch)
    if every and once:
        raise UsageError("--watch goes on looking and --once does not: take one")

    def work() -> DriftReport:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"comparing {env}"):
            return find_drift(top, connection, tuple(rule or ()))

    render = _renderer(form)
    if every:
        keep_looking(work, render, lambda: time.sleep(every))
    unable = None if form is DriftFormat.TEXT else lambda issues: render(DriftReport(env, issues=issues))
    show(work, drift_code, render, unable)


def keep_looking(
    look: Callable[[], DriftReport], render: Callable[[DriftReport], str], wait: Callable[[], None]
) -> Never:
    """Look again and again, tell each time that something is new; a server that is away for a while is no end."""
    last = ""
    while True:
        try:
            text = render(look())
        except Unreachable as error:
            terminal.note(f"error: {error}")
        else:
            if text != last:
                terminal.say(text)
            last = text
        wait()


def _seconds(duration: str | None) -> int:
    """How often to look; 0 for once."""
    if duration is None:
        return 0
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--watch: {error}", hint="a number and s, m, h or d, e.g. 10m") from None


def _renderer(form: DriftFormat) -> Callable[[DriftReport], str]:
    from entra_deployer.reports.drift_as_github import drift_as_github
    from entra_deployer.reports.drift_as_json import drift_as_json
    from entra_deployer.reports.drift_as_junit import drift_as_junit
    from entra_deployer.reports.drift_as_markdown import drift_as_markdown
    from entra_deployer.reports.drift_as_sarif import drift_as_sarif
    from entra_deployer.reports.drift_as_text import drift_as_text

    if form is DriftFormat.TEXT:
        return lambda report: drift_as_text(report, width=terminal.width(), colour=terminal.coloured())
    return {
        DriftFormat.JSON: drift_as_json,
        DriftFormat.SARIF: drift_as_sarif,
        DriftFormat.JUNIT: drift_as_junit,
        DriftFormat.MARKDOWN: drift_as_markdown,
        DriftFormat.GITHUB: drift_as_github,
    }[form]
