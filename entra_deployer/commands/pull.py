"""`deploy pull`: what was changed in Kibana goes into the repository's files."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    ChangedSinceOption,
    DryRunOption,
    EnvironmentArgument,
    FormatOption,
    RuleOption,
    TagOption,
    selected,
)
from entra_deployer.commands.terminal import show
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import PullReport


def pull(
    env: EnvironmentArgument = "local",
    rule: RuleOption = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
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
    dry_run: DryRunOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Bring what was changed in Kibana into the files.

    It goes into the hunt, its rule.yaml or an overlay, by the smallest edit. A copy that was made in Kibana of one of
    our rules becomes a new hunt, and so does a rule named by --new. Kibana is only read.
    """
    from entra_deployer.api import PullReport, PullRequest, pull_code, pull_rules
    from entra_deployer.reports.documents.pull import pull_document

    request = PullRequest(selected(rule, tag, changed_since), theirs, overlay, tuple(new or ()), dry_run)

    def work() -> "PullReport":
        with project.on(env, "pulling from") as (repository, connection):
            return pull_rules(repository, connection, request)

    show(form, work, pull_document, pull_code, lambda issues: pull_document(PullReport(env, issues=issues)))
