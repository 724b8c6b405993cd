"""`deploy pull`: what was changed in Kibana goes into the repository's files."""

from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat, RuleOption
from entra_deployer.commands.show import show
from entra_deployer.pull.report import PullReport


def pull(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Take Kibana's side where the repository was changed too.")
    ] = False,
    overlay: Annotated[
        bool, typer.Option("--overlay", help="Write to the overlay of this environment, in deploy/ENV.yaml, alone.")
    ] = False,
    new: Annotated[
        list[str] | None,
        typer.Option("--new", metavar="NAME", help="Make a hunt of this rule that was made in Kibana."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the edits and write nothing.")] = False,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Bring what was changed in Kibana into the hunt, its rule.yaml or an overlay, by the smallest edit.

    A copy that was made in Kibana of one of our rules becomes a new hunt, and so does a rule named by --new. Kibana is
    only read.
    """
    from entra_deployer.pull.pull import PullRequest, pull_code, pull_rules

    request = PullRequest(tuple(rule or ()), theirs, overlay, tuple(new or ()), dry_run)

    def work() -> PullReport:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"pulling from {env}"):
            return pull_rules(top, connection, request)

    from entra_deployer.reports.pull_as_json import pull_as_json

    if form is ReportFormat.JSON:
        show(work, pull_code, pull_as_json, lambda issues: pull_as_json(PullReport(env, issues=issues)))
    else:
        show(work, pull_code, _as_text)


def _as_text(report: PullReport) -> str:
    from entra_deployer.reports.pull_as_text import pull_as_text

    return pull_as_text(report, width=terminal.width(), colour=terminal.coloured())
