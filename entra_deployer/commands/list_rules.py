"""`deploy list`: which rules of ours are live, and how their last runs went."""

from typing import TYPE_CHECKING

from entra_deployer.commands import project
from entra_deployer.commands.options import EnvironmentArgument, FormatOption, RuleOption
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import ExitCode
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Inventory


def list_rules(env: EnvironmentArgument = "local", rule: RuleOption = None, form: FormatOption = TEXT) -> None:
    """List the rules of ours and how their last runs went.

    On or off, severity, the last run and how it went, who changed it last.
    """
    from entra_deployer.api import Inventory, now, only_named
    from entra_deployer.api import list_rules as find
    from entra_deployer.reports.documents.live_rules import live_rules_document

    def work() -> "Inventory":
        with project.on(env, "reading") as (repository, connection):
            found = find(connection, now)
            return only_named(found, repository, rule) if rule else found

    show(
        form,
        work,
        live_rules_document,
        lambda _: ExitCode.OK,
        lambda issues: live_rules_document(Inventory(env, now(), issues=issues)),
    )
