"""`deploy drift`: what stands in an environment against what was pushed and what the repository says."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Never

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    ChangedSinceOption,
    EnvironmentArgument,
    FormatOption,
    RuleOption,
    TagOption,
    selected,
)
from entra_deployer.commands.terminal import drawn, note, say, show
from entra_deployer.core.errors import Unreachable, UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import DriftReport


def drift(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    watch: Annotated[
        str | None,
        typer.Option("--watch", metavar="EVERY", help="Look again so often (10m) until interrupted; tell what is new."),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Look once, for a schedule; so it is without --watch.")] = False,
    form: FormatOption = TEXT,
) -> None:
    """Tell what differs from the repository, and who did it.

    Compares an environment with its last push and with the repository. Reads only.
    """
    from entra_deployer.api import DriftReport, drift_code, find_drift
    from entra_deployer.reports.documents.drift import drift_document

    selection = selected(rule, tag, changed_since)
    every = _seconds(watch)
    if every and once:
        raise UsageError("--watch goes on looking and --once does not: take one")

    def work() -> "DriftReport":
        with project.on(env, "comparing") as (repository, connection):
            return find_drift(repository, connection, selection)

    if every:
        keep_looking(work, lambda report: drawn(drift_document(report), form), lambda: time.sleep(every))
    show(form, work, drift_document, drift_code, lambda issues: drift_document(DriftReport(env, issues=issues)))


def keep_looking(
    look: "Callable[[], DriftReport]", render: "Callable[[DriftReport], str]", wait: Callable[[], None]
) -> Never:
    """Look again and again, tell each time that something is new; a server that is away for a while is no end."""
    last = ""
    while True:
        try:
            text = render(look())
        except Unreachable as error:
            note(f"error: {error}")
        else:
            if text != last:
                say(text)
            last = text
        wait()


def _seconds(duration: str | None) -> int:
    """How often to look; 0 for once."""
    from entra_deployer.core.time import parse_duration

    if duration is None:
        return 0
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--watch: {error}", hint="a number and s, m, h or d, e.g. 10m") from None
