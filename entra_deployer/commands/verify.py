"""`deploy verify`: seeded events prove that a rule fires when it should, and only then."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import (
    ChangedSinceOption,
    FormatOption,
    OnOption,
    TagOption,
    selected,
)
from entra_deployer.commands.terminal import show, working
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Report


def verify(
    rule: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RULE...",
            help="Hunt folders, rule names, patterns (entra_*); all where none is named.",
            autocompletion=hunts,
        ),
    ] = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    on: OnOption = "local",
    form: FormatOption = TEXT,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also tell which small changes of a rule its tests would not notice.")
    ] = False,
    as_deployed: Annotated[
        bool, typer.Option("--as-deployed", help="Try each rule as it stands, whatever the repository says.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="Seed nothing: count what each condition loses to null on live data.")
    ] = False,
) -> None:
    """Prove by seeded events that a rule fires as it should.

    Seeds the events of the tests, runs each rule as it stands in Kibana over them, and says what it caught.
    """
    from entra_deployer import api as workflow
    from entra_deployer.api import Report
    from entra_deployer.reports.documents.verdicts import live_document, verdicts_document

    selection = selected(rule, tag, changed_since)
    document = live_document if live else verdicts_document

    def work() -> "Report":
        repository = project.repository()
        with project.connection(repository.root, on) as connection, working(f"verifying on {on}") as step:
            request = workflow.VerifyRequest(selection, mutate, as_deployed, step)
            return (workflow.look_at_live_data if live else workflow.verify_rules)(repository, connection, request)

    code = workflow.live_code if live else workflow.verify_code
    show(form, work, document, code, lambda issues: document(Report(on, issues=issues)))
