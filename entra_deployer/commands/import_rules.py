"""`deploy import`: rules of other tools become hunts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import environments
from entra_deployer.commands.options import DryRunOption, FormatOption
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import PullReport

_FilesArgument = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="PATH...",
        help="Files of rules, or folders of them: TOML of detection-rules, hunts in TOML, "
        "Kibana's export as NDJSON, Sigma.",
    ),
]


def import_(
    path: _FilesArgument = None,
    on: Annotated[
        str,
        typer.Option("--on", metavar="ENV", help="Import the rules of this environment.", autocompletion=environments),
    ] = "",
    rule: Annotated[
        list[str] | None,
        typer.Option(
            "--rule", metavar="GLOB", help="With --on: only rules of such a name; may be given several times."
        ),
    ] = None,
    dry_run: DryRunOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Make hunts of the rules of other tools.

    A rule keeps its rule_id, schedule and whatever else rule.yaml can say; the rest is told field by field. Only ES|QL
    rules become hunts, and one that a hunt here has already is left alone.
    """
    from entra_deployer.api import PullReport, import_files, import_space, pull_code
    from entra_deployer.reports.documents.imports import import_document

    if bool(path) == bool(on):
        raise UsageError("name files, or an environment by --on", hint="deploy import rules.ndjson")
    if rule and not on:
        raise UsageError("--rule belongs to --on", hint="of files, all rules are imported")

    def work() -> "PullReport":
        if not on:
            return import_files(project.repository(), path or (), dry_run=dry_run)
        with project.on(on, "importing from") as (repository, connection):
            return import_space(repository, connection, rule or (), dry_run=dry_run)

    show(
        form,
        work,
        import_document,
        pull_code,
        lambda issues: import_document(PullReport(on or "files", issues=issues)),
    )
