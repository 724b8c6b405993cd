"""`deploy push`: the rules and saved searches go to an environment."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
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
    NoLockOption,
    OverwriteOption,
    PruneOption,
    RuleOption,
    TagOption,
    YesOption,
    selected,
)
from entra_deployer.commands.plan import check_prune
from entra_deployer.commands.terminal import agreement, note, show, working
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import LockHolder, PushRequest, Report

_FIRST_RUNS = 300.0
"""Seconds: Kibana runs a rule soon after it was made or switched on."""

_PlanFileOption = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Apply exactly this plan (of `plan --out`), or refuse."),
]
_AcceptTypesOption = Annotated[
    bool,
    typer.Option("--accept-types", help="From now on measure the sources' fields by the types they have now."),
]
_WaitLockOption = Annotated[
    float, typer.Option("--wait-lock", metavar="SECONDS", min=0, help="Wait while somebody else pushes here.")
]
_WaitOption = Annotated[
    bool,
    typer.Option("--wait", help="Wait until each enabled rule that was pushed has run once; then 2 if one failed."),
]
_WaitSecondsOption = Annotated[
    float | None,
    typer.Option("--wait-seconds", metavar="SECONDS", min=0, help="Wait so long at most (300), then leave with 1."),
]


def push(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    overwrite: OverwriteOption = False,
    keep_going: KeepGoingOption = False,
    plan_file: _PlanFileOption = None,
    accept_types: _AcceptTypesOption = False,
    wait_lock: _WaitLockOption = 0.0,
    no_lock: NoLockOption = False,
    wait: _WaitOption = False,
    wait_seconds: _WaitSecondsOption = None,
    yes: YesOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Push rules and saved searches to an environment."""
    from entra_deployer.api import PushRequest, Report, wait_code
    from entra_deployer.reports.documents.plan import plan_document

    selection = selected(rule, tag, changed_since)
    if plan_file and (not selection.is_all or adopt or prune or accept_types or overwrite or keep_going):
        others = "--rule, --tag, --changed-since, --adopt, --prune, --overwrite, --keep-going and --accept-types"
        raise UsageError(f"--plan applies a plan as it is: {others} do not go with it")
    check_prune(selection, prune=prune)
    asked = PushRequest(selection, adopt, prune, not no_lock, _patience(wait_lock), "", accept_types)
    request = replace(asked, overwrite=overwrite, keep_going=keep_going, agree=agreement("push", yes=yes))
    seconds = (_FIRST_RUNS if wait_seconds is None else wait_seconds) if wait or wait_seconds is not None else None
    document = plan_document("push")

    def work() -> "Report":
        return _push(env, request, plan_file, seconds)

    show(form, work, document, wait_code, lambda issues: document(Report(env, issues=issues)))


def _push(env: str, request: "PushRequest", plan_file: Path | None, seconds: float | None) -> "Report":
    """Push, by a saved plan where one is given, and wait `seconds` at most for first runs, not at all for None."""
    from entra_deployer.api import push_rules, push_saved_plan, read_plan, wait_for_runs

    saved = read_plan(plan_file) if plan_file else None
    repository = project.repository()
    with project.connection(repository.root, env) as connection, working(f"pushing to {env}") as step:
        asked = replace(request, progress=step)
        if saved:
            report = push_saved_plan(repository, connection, saved.plan, asked.with_options(saved.options))
        else:
            report = push_rules(repository, connection, asked)
        if seconds is None:
            return report
        return wait_for_runs(connection, report, _until(seconds), timedelta(seconds=seconds))


def _patience(seconds: float) -> "Callable[[LockHolder], bool]":
    """Waits a little each time it is asked, and says yes until `seconds` are over."""
    deadline = time.monotonic() + seconds
    return lambda other: _pause(deadline, f"waiting: {other.who} is pushing to {other.space}")


def _until(seconds: float) -> Callable[[int, int], bool]:
    """The same for rules that have not run yet; the time begins when it is first asked."""
    deadlines: list[float] = []
    told: set[int] = set()

    def wait(waiting: int, all_of_them: int) -> bool:
        deadlines.append(time.monotonic() + seconds)
        text = "" if waiting in told else f"waiting: {all_of_them - waiting} of {all_of_them} rules have run"
        told.add(waiting)
        return _pause(deadlines[0], text)

    return wait


def _pause(deadline: float, text: str) -> bool:
    """Say what is waited for and wait a little; False where the time is over."""
    if time.monotonic() >= deadline:
        return False
    if text:
        note(text)
    time.sleep(min(2.0, max(0.1, deadline - time.monotonic())))
    return True
