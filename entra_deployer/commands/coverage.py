"""`deploy coverage`: ATT&CK by evidence, from a word in a hunt to an alert in an environment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import FormatOption, LicenseOption, StackOption, stack_versions, target_for
from entra_deployer.commands.terminal import show
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Coverage, Target
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.issue import Issue
    from entra_deployer.reports.document import Document


def coverage(
    on: Annotated[
        str | None, typer.Option("--on", metavar="ENV", help="Also what this environment proved, has and raised.")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="REF", help="Also what differs from a commit, or from an environment."),
    ] = None,
    stack: StackOption = None,
    license: LicenseOption = "platinum",  # noqa: A002 - Elastic's word
    layer: Annotated[
        Path | None, typer.Option("--layer", metavar="FILE", help="Write a layer for MITRE's ATT&CK Navigator.")
    ] = None,
    form: FormatOption = TEXT,
) -> None:
    """Show which ATT&CK techniques are covered, and how well.

    By evidence: mapped in a hunt, compiled, tested, and with --on proved by the last verdict on what the repository
    holds, deployed, enabled, fired. Reads only.
    """
    from entra_deployer.api import Coverage, compared, layer_of
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.files import write_text
    from entra_deployer.data import load_knowledge
    from entra_deployer.reports.documents.coverage import coverage_document

    def work() -> "Coverage":
        versions = stack_versions(stack)
        target = target_for(versions[0] if versions else None, license)
        found = _found(on, target)
        if against:
            found = compared(found, _before(against, on, target), against)
        if layer:
            content = layer_of(found, f"deploy coverage {on or ''}".strip())
            write_text(layer, json.dumps(content, indent=2, ensure_ascii=False) + "\n", shown=str(layer))
        return found

    def code(found: "Coverage") -> "ExitCode":
        return ExitCode.FAILED if any(issue.level == "error" for issue in found.issues) else ExitCode.OK

    def unable(issues: "tuple[Issue, ...]") -> "Document":
        return coverage_document(Coverage(load_knowledge().attack, environment=on or "", issues=issues))

    show(form, work, coverage_document, code, unable)


def _found(on: str | None, target: "Target", commit: str = "") -> "Coverage":
    """What the repository covers now or at a commit, with what an environment makes of it."""
    from entra_deployer.api import find_coverage, find_coverage_at

    if on is None:
        here = project.repository()
        return find_coverage_at(here, commit, target) if commit else find_coverage(here, target)
    with project.on(on, "looking into") as (repository, connection):
        meant = connection.target(connection.environment.spaces[0])
        if commit:
            return find_coverage_at(repository, commit, meant, connection)
        return find_coverage(repository, meant, connection)


def _before(against: str, on: str | None, target: "Target") -> "Coverage":
    """What it is compared with: another environment, or the repository at a commit."""
    from entra_deployer.stack.environments import environments

    if against not in environments(project.root()):
        return _found(on, target, against)
    if on is None:
        raise UsageError(f"--against {against} compares two environments", hint=f"say --on ENV --against {against}")
    return _found(against, target)
