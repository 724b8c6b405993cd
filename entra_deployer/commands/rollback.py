"""`deploy rollback`: back to what an earlier push left, by an ordinary plan."""

from typing import Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, ReportFormat
from entra_deployer.commands.show import show_report
from entra_deployer.plan.report import Report


def rollback(
    env: EnvironmentArgument = "local",
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="N", min=0, help="The push to go back to; without it, the one before the last."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and write nothing.")] = False,
    no_lock: Annotated[bool, typer.Option("--no-lock", help="Work without the lease that parts two pushes.")] = False,
    form: FormatOption = ReportFormat.TEXT,
) -> None:
    """Bring an environment back to what an earlier push left there; `deploy history` numbers them.

    It is a plan and a push like any other: what the live stack owns stays, limits.prune_* bound what is deleted, and
    the ledger keeps it. The repository is not changed.
    """
    from entra_deployer.ledger.rollback import RollbackRequest, roll_back
    from entra_deployer.plan.push import push_code

    def work() -> Report:
        top = project.root()
        with project.connection(top, env) as connection, terminal.working(f"rolling back {env}"):
            return roll_back(top, connection, RollbackRequest(to, dry_run, not no_lock))

    show_report(env, form, work, push_code)
