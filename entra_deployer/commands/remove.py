"""`deploy remove`: take a rule of ours out of an environment, or switch it off."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import hunts
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, NoLockOption, YesOption
from entra_deployer.commands.terminal import drawn, note_block, show, working
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Connection, Removal, Report


def remove(
    rule: Annotated[
        str,
        typer.Argument(metavar="RULE", help="A rule's name or rule_id, or its hunt's folder.", autocompletion=hunts),
    ],
    env: EnvironmentArgument = "local",
    disable: Annotated[bool, typer.Option("--disable", help="Only switch the rule off; it stays in Kibana.")] = False,
    yes: YesOption = False,
    no_lock: NoLockOption = False,
    form: FormatOption = TEXT,
) -> None:
    """Remove a rule of ours, or switch it off.

    Its saved search goes with it. Shows what is going to happen and asks; without a terminal it needs --yes. What is
    not ours is never touched. Alerts that the rule made stay.
    """
    from entra_deployer.api import Report, apply_removal, decline_removal, now, plan_removal, remove_code, show_removal
    from entra_deployer.reports.documents.plan import plan_document

    document = plan_document("remove")

    def work() -> "Report":
        repository = project.repository()
        with project.connection(repository.root, env) as connection:
            with working(f"looking into {env}"):
                removal = plan_removal(repository, connection, rule, disable=disable)
            if removal.plan.blockers:
                return decline_removal(connection, removal, "something else comes first")
            if not removal.plan.changes:
                return show_removal(connection, removal)
            if not yes and (refusal := _ask(connection, removal)):
                return decline_removal(connection, removal, refusal)
            with working(f"working on {env}"):
                return apply_removal(repository, connection, removal, now, lock=not no_lock)

    show(form, work, document, remove_code, lambda issues: document(Report(env, issues=issues)))


def _ask(connection: "Connection", removal: "Removal") -> str:
    """Show the removal beside the result and ask; why not, or ""."""
    from entra_deployer.api import show_removal
    from entra_deployer.reports.documents.plan import plan_document

    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "nobody is there to be asked; say --yes"
    note_block(drawn(plan_document("remove")(show_removal(connection, removal))))
    return "" if typer.confirm("Go on?", err=True) else "you said no"
