"""`deploy plan` and `deploy push`: one path; a plan is a push that stops before its first write."""

from typing import Annotated

import typer

from entra_deployer.cli import project, terminal
from entra_deployer.cli.options import EnvironmentArgument, FormatOption, ReportFormat, RuleOption
from entra_deployer.cli.show import show_report
from entra_deployer.model.report import Report

AdoptOption = Annotated[bool, typer.Option("--adopt", help="Take over objects of our ids that bear no mark of ours.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what left the repository, within limits.prune_*.")]


def push(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Bring the rules and saved searches to an environment, and show what was done."""
    from entra_deployer.workflow.push import PushRequest, push_code, push_rules

    request = PushRequest(names=tuple(rule or ()), adopt=adopt, prune=prune)

    def work() -> Report:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"pushing to {env}"):
            return push_rules(top, connection, request)

    show_report(env, form, work, push_code)


def plan(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    adopt: AdoptOption = False,
    prune: PruneOption = False,
    form: FormatOption = ReportFormat.TEXT,
    detailed: Annotated[bool, typer.Option("--detailed-exit-code", help="Exit 2 where there are changes.")] = False,
) -> None:
    """Show what a push would do, and write nothing."""
    from entra_deployer.workflow.push import PushRequest, plan_code, plan_rules

    request = PushRequest(names=tuple(rule or ()), adopt=adopt, prune=prune)

    def work() -> Report:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"planning for {env}"):
            return plan_rules(top, connection, request)

    show_report(env, form, work, lambda report: plan_code(report, detailed=detailed))
