"""`deploy recover`: an interrupted push is finished or undone."""

from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat
from entra_deployer.commands.show import show_report
from entra_deployer.plan.report import Report


def recover(
    env: EnvironmentArgument = "local",
    undo: Annotated[bool, typer.Option("--undo", help="Go back to before the push; deletions stay done.")] = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="Work without the lease that parts two pushes.")] = False,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Finish a push that was cut off, or undo it."""
    from entra_deployer.ledger.recover import Direction
    from entra_deployer.ledger.recover import recover as work_off
    from entra_deployer.plan.push import now, push_code

    def work() -> Report:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"recovering {env}"):
            direction = Direction.UNDO if undo else Direction.FINISH
            return work_off(top, connection, direction, now, lock=not no_lock)

    show_report(env, form, work, push_code)
