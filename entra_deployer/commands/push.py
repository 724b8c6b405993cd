"""`deploy plan` and `deploy push`: one path; a plan is a push that stops before its first write."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat, RuleOption
from entra_deployer.commands.show import as_plan, show_report
from entra_deployer.core.errors import InputError, Location, UsageError
from entra_deployer.plan.report import Report

if TYPE_CHECKING:
    from entra_deployer.ledger.ledger import Lease
    from entra_deployer.plan.plan import Plan

_FIRST_RUNS = 300.0
"""Seconds: Kibana runs a rule soon after it was made or switched on."""

AdoptOption = Annotated[bool, typer.Option("--adopt", help="Take over objects of our ids that bear no mark of ours.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what left the repository, within limits.prune_*.")]


AcceptTypesOption = Annotated[
    bool,
    typer.Option(
        "--accept-types", help="Measure the sources' fields by the types that they have now, for drift and verify."
    ),
]


class PlanFormat(StrEnum):
    """The forms of a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


def push(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    plan_file: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Apply exactly this plan (of `plan --out`), or refuse."),
    ] = None,
    accept_types: AcceptTypesOption = False,
    wait_lock: Annotated[
        float, typer.Option("--wait-lock", metavar="SECONDS", min=0, help="Wait while somebody else pushes here.")
    ] = 0.0,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="Push without the lease that parts two pushes.")] = False,
    wait: Annotated[
        bool,
        typer.Option("--wait", help="Wait until each enabled rule that was pushed has run once; then 2 if one failed."),
    ] = False,
    wait_seconds: Annotated[
        float | None,
        typer.Option("--wait-seconds", metavar="SECONDS", min=0, help="Wait so long at most (300), then leave with 1."),
    ] = None,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Bring the rules and saved searches to an environment, and show what was done."""
    from entra_deployer.live.wait import wait_code, wait_for_runs
    from entra_deployer.plan.push import PushRequest, push_rules

    if plan_file and (rule or adopt or prune or accept_types):
        raise UsageError(
            "--plan applies a plan as it is: --rule, --adopt, --prune and --accept-types do not go with it"
        )
    _check(rule, prune=prune)
    request = PushRequest(tuple(rule or ()), adopt, prune, not no_lock, _patience(wait_lock), accept_types=accept_types)
    waits = wait or wait_seconds is not None
    seconds = _FIRST_RUNS if wait_seconds is None else wait_seconds

    def work() -> Report:
        plan = _read_plan(plan_file) if plan_file else None
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"pushing to {env}"):
            report = push_rules(top, connection, request, plan=plan)
            return wait_for_runs(connection, report, _until(seconds), timedelta(seconds=seconds)) if waits else report

    show_report(env, form, work, wait_code, _with_runs if waits else None)


def plan(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the plan for `push --plan`.")] = None,
    form: Annotated[PlanFormat, typer.Option("--format", help="The form of the plan on stdout.")] = PlanFormat.TEXT,
    detailed: Annotated[bool, typer.Option("--detailed-exit-code", help="Exit 2 where there are changes.")] = False,
) -> None:
    """Show what a push would do, and write nothing."""
    from entra_deployer.plan.push import PushRequest, plan_code, plan_rules
    from entra_deployer.reports.plan_as_markdown import plan_as_markdown
    from entra_deployer.reports.plan_as_text import plan_as_html

    _check(rule, prune=prune)
    request = PushRequest(tuple(rule or ()), adopt, prune)

    def work() -> Report:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"planning for {env}"):
            report = plan_rules(top, connection, request)
        if out and report.plan:
            _write_plan(out, report.plan)
        return report

    renderers = {PlanFormat.MARKDOWN: plan_as_markdown, PlanFormat.HTML: plan_as_html}
    show_report(env, form, work, lambda report: plan_code(report, detailed=detailed), renderers.get(form))


def _check(rule: list[str] | None, *, prune: bool) -> None:
    if rule and prune:
        raise UsageError("--prune looks at the whole repository: it does not go with --rule")


def _patience(seconds: float) -> "Callable[[Lease], bool]":
    """Waits a little each time it is asked, and says yes until `seconds` are over."""
    deadline = time.monotonic() + seconds
    return lambda other: _pause(deadline, f"waiting: {other.owner} is pushing here")


def _until(seconds: float) -> "Callable[[int, int], bool]":
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
        terminal.note(text)
    time.sleep(min(2.0, max(0.1, deadline - time.monotonic())))
    return True


def _with_runs(report: Report) -> str:
    from entra_deployer.reports.live_rules import runs_as_text

    runs = runs_as_text(report, width=terminal.width(), colour=terminal.coloured())
    return f"{as_plan(report)}\n{runs}" if runs else as_plan(report)


def _read_plan(path: Path) -> "Plan":
    from entra_deployer.plan.serial import plan_from_json

    try:
        return plan_from_json(json.loads(path.read_text("utf-8")))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", location=Location(str(path))) from error
    except (ValueError, KeyError, TypeError) as error:
        hint = "make one by `deploy plan --out FILE`"
        raise InputError("this is not a plan", location=Location(str(path)), hint=hint) from error


def _write_plan(path: Path, plan: "Plan") -> None:
    from entra_deployer.plan.serial import plan_to_json

    try:
        path.write_text(json.dumps(plan_to_json(plan), indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", location=Location(str(path))) from error
