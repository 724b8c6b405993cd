"""`deploy coverage`: ATT&CK by evidence, from a word in a hunt to an alert in an environment."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import FormatOption, LicenseOption, StackOption, stack_versions, target_for
from entra_deployer.commands.terminal import show
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Coverage
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.issue import Issue
    from entra_deployer.reports.document import Document


def coverage(
    on: Annotated[
        str | None, typer.Option("--on", metavar="ENV", help="Also what this environment proved, has and raised.")
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
    from entra_deployer.api import Coverage, find_coverage, layer_of
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.files import write_text
    from entra_deployer.data import load_knowledge
    from entra_deployer.reports.documents.coverage import coverage_document

    def work() -> "Coverage":
        versions = stack_versions(stack)
        target = target_for(versions[0] if versions else None, license)
        if on is None:
            found = find_coverage(project.repository(), target)
        else:
            with project.on(on, "looking into") as (repository, connection):
                found = find_coverage(repository, connection.target(connection.environment.spaces[0]), connection)
        if layer:
            content = layer_of(found, f"deploy coverage {on or ''}".strip())
            write_text(layer, json.dumps(content, indent=2, ensure_ascii=False) + "\n", shown=str(layer))
        return found

    def code(found: "Coverage") -> "ExitCode":
        return ExitCode.FAILED if any(issue.level == "error" for issue in found.issues) else ExitCode.OK

    def unable(issues: "tuple[Issue, ...]") -> "Document":
        return coverage_document(Coverage(load_knowledge().attack, environment=on or "", issues=issues))

    show(form, work, coverage_document, code, unable)
