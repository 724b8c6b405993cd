"""`deploy recover`: an interrupted push is finished or undone."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, NoLockOption, YesOption
from entra_deployer.commands.terminal import agreement, show
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Report


def recover(
    env: EnvironmentArgument = "local",
    undo: Annotated[bool, typer.Option("--undo", help="Go back to before the push; deletions stay done.")] = False,
    no_lock: NoLockOption = False,
    yes: YesOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Finish a push that was cut off, or undo it."""
    from entra_deployer.api import Direction, Report, push_code
    from entra_deployer.api import recover as work_off
    from entra_deployer.reports.documents.plan import plan_document

    document = plan_document("recover")

    def work() -> "Report":
        with project.on(env, "recovering") as (_, connection):
            direction = Direction.UNDO if undo else Direction.FINISH
            return work_off(connection, direction, lock=not no_lock, agree=agreement("recover", yes=yes))

    show(form, work, document, push_code, lambda issues: document(Report(env, issues=issues)))
