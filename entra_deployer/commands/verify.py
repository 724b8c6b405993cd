"""`deploy verify`: seeded events prove that a rule fires when it should, and only then."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    ChangedSinceOption,
    FormatOption,
    OnOption,
    RulesArgument,
    TagOption,
    selected,
)
from entra_deployer.commands.terminal import drawn, say, show, working
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import VerifyReport
    from entra_deployer.hunts.selection import Selection

_MutateOption = Annotated[
    bool, typer.Option("--mutate", help="Also tell which small changes of a rule its tests would not notice.")
]
_AsDeployedOption = Annotated[
    bool, typer.Option("--as-deployed", help="Try each rule as it stands, whatever the repository says.")
]
_WatchOption = Annotated[
    bool, typer.Option("--watch", help="Go on until interrupted: verify again what a saved file touches.")
]
_LiveOption = Annotated[
    bool, typer.Option("--live", help="Seed nothing: count what each condition loses to null on live data.")
]


def verify(
    rule: RulesArgument = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    on: OnOption = "local",
    form: FormatOption = TEXT,
    mutate: _MutateOption = False,
    as_deployed: _AsDeployedOption = False,
    watch: _WatchOption = False,
    live: _LiveOption = False,
) -> None:
    """Prove by seeded events that a rule fires as it should.

    Seeds the events of the tests, runs each rule as it stands in Kibana over them, and says what it caught.
    """
    from entra_deployer import api as workflow
    from entra_deployer.api import VerifyReport
    from entra_deployer.core.files import RULES_FOLDER
    from entra_deployer.hunts.selection import Selection
    from entra_deployer.reports.documents.verdicts import live_document, verdicts_document

    chosen = selected(rule, tag, changed_since)
    document = live_document if live else verdicts_document
    if watch and live:
        raise UsageError("--watch looks at files and --live at data: take one")

    def work(selection: "Selection" = chosen) -> "VerifyReport":
        repository = project.repository()
        with project.connection(repository.root, on) as connection, working(f"verifying on {on}") as step:
            request = workflow.VerifyRequest(selection, mutate, as_deployed, step)
            return (workflow.look_at_live_data if live else workflow.verify_rules)(repository, connection, request)

    def again(folders: tuple[str, ...]) -> None:
        say(drawn(document(work(Selection(folders) if folders else chosen)), form))

    if watch:
        from entra_deployer.commands.watch import hunts_of, keep_watching, pause

        rules = project.repository().root / RULES_FOLDER
        keep_watching(lambda: hunts_of(rules), again, pause, lambda folders: _selected(chosen, folders))
    code = workflow.live_code if live else workflow.verify_code
    show(form, work, document, code, lambda issues: document(VerifyReport(on, issues=issues)))


def _selected(selection: "Selection", folders: tuple[str, ...]) -> tuple[str, ...]:
    """Those of some folders that a selection takes; one that cannot be read is told of, too."""
    if selection.is_all:
        return folders
    catalog = project.repository().catalog(selection)
    taken = {source.folder for source in catalog.sources} | {issue.subject for issue in catalog.issues}
    return tuple(folder for folder in folders if folder in taken)
