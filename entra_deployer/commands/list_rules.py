"""`deploy list`: which rules of ours are live, and how their last runs went."""

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat
from entra_deployer.commands.show import show
from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Issue
from entra_deployer.plan.live_rule import Inventory


def list_rules(env: EnvironmentArgument = "local", form: FormatOption = ReportFormat.TEXT) -> None:
    """List the rules of ours in an environment: on or off, the last run and how it went, who changed it last."""
    from entra_deployer.live.list_rules import list_rules as find
    from entra_deployer.plan.push import now
    from entra_deployer.reports.live_rules import live_rules_as_json, live_rules_as_text

    def work() -> Inventory:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"reading {env}"):
            return find(top, connection, now)

    def as_text(inventory: Inventory) -> str:
        return live_rules_as_text(inventory, width=terminal.width(), colour=terminal.coloured())

    def unable(issues: tuple[Issue, ...]) -> str:
        return live_rules_as_json(Inventory(env, now(), issues=issues))

    if form is ReportFormat.JSON:
        show(work, _code, live_rules_as_json, unable)
    else:
        show(work, _code, as_text)


def _code(_: Inventory) -> ExitCode:
    return ExitCode.OK
