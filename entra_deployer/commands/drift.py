"""`deploy drift`: what stands in an environment against what was pushed and what the repository says."""

import time
from collections.abc import Callable
from dataclasses import dataclass
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
from entra_deployer.core.errors import ExitCode, Unreachable, UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from datetime import datetime

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
    from entra_deployer.api import DriftReport, drift_code, find_drift, now
    from entra_deployer.reports.documents.drift import drift_document

    selection = selected(rule, tag, changed_since)
    every = _seconds(watch)
    if every and once:
        raise UsageError("--watch goes on looking and --once does not: take one")

    def work(*, start: bool = True) -> "DriftReport":
        with project.on(env, "comparing", start=start) as (repository, connection):
            return find_drift(repository, connection, selection)

    if every:
        watched = Watched(work, lambda report: drawn(drift_document(report), form), drift_code)
        keep_looking(watched, lambda: time.sleep(every), now)
    show(form, work, drift_document, drift_code, lambda issues: drift_document(DriftReport(env, issues=issues)))


@dataclass(frozen=True)
class Watched[Report]:
    """What is looked at again and again, how it is told, and what it says as an exit code."""

    look: Callable[..., Report]
    render: Callable[[Report], str]
    code: "Callable[[Report], ExitCode]"


def keep_looking[Report](watched: Watched[Report], wait: Callable[[], None], clock: "Callable[[], datetime]") -> Never:
    """Look again and again, tell with the time whatever is new; a server that is away for a while is no end.

    Ctrl-C ends it, with the exit code of the last look: 2 where that found drift. Only the first look starts a local
    stack: one that somebody stopped later stays so.
    """
    last, code, start = "", ExitCode.INTERRUPTED, True
    try:
        while True:
            try:
                found = watched.look(start=start)
            except Unreachable as error:
                note(f"{_moment(clock())}: error: {error}")
            else:
                text, code = watched.render(found), watched.code(found)
                if text != last:
                    note(f"{_moment(clock())}:")
                    say(text)
                last = text
            start = False
            wait()
    except KeyboardInterrupt:
        raise typer.Exit(code) from None


def _moment(time: "datetime") -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


def _seconds(duration: str | None) -> int:
    """How often to look; 0 for once."""
    from entra_deployer.core.time import parse_duration

    if duration is None:
        return 0
    try:
        return parse_duration(duration)
    except ValueError as error:
        raise UsageError(f"--watch: {error}", hint="a number and s, m, h or d, e.g. 10m") from None
