"""`deploy rollback`: back to what an earlier push left, by an ordinary plan."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    DryRunOption,
    EnvironmentArgument,
    FormatOption,
    NoLockOption,
    OverwriteOption,
    YesOption,
)
from entra_deployer.commands.terminal import agreement, show
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Report


def rollback(
    env: EnvironmentArgument = "local",
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", min=0, help="The push to go back to; without it, the one before the last."),
    ] = None,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="N", min=1, help="Bring back what push N found, edits in Kibana included."),
    ] = None,
    overwrite: OverwriteOption = False,
    dry_run: DryRunOption = False,
    no_lock: NoLockOption = False,
    yes: YesOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Go back to what an earlier push left.

    `deploy history` numbers the pushes. This is a plan and a push like any other: what the live stack owns stays,
    limits.prune_* bound what is deleted, and the ledger keeps it. The repository is not changed.
    """
    from entra_deployer.api import Report, RollbackRequest, push_code, roll_back
    from entra_deployer.reports.documents.plan import plan_document

    if to is not None and before is not None:
        raise UsageError("--to N is the state after push N, --before N the one before it: name one of them")
    document = plan_document("rollback")

    def work() -> "Report":
        with project.on(env, "rolling back") as (repository, connection):
            request = RollbackRequest(to, dry_run, not no_lock, before, overwrite, agreement("rollback", yes=yes))
            return roll_back(repository, connection, request)

    show(form, work, document, push_code, lambda issues: document(Report(env, issues=issues)))
