"""`deploy compile`: what hunts become, without any server."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.cli import project, terminal
from entra_deployer.cli.target import LicenseOption, NamesArgument, StackOption, stack_versions, target_for

if TYPE_CHECKING:
    from entra_deployer.workflow.compile import Compilation


class CompileFormat(StrEnum):
    """The forms of compiled rules."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"


def compile_(
    hunt: NamesArgument = None,
    stack: StackOption = None,
    licence: LicenseOption = "platinum",
    on: Annotated[
        str | None, typer.Option("--on", metavar="ENV", help="Compile for this environment, with its overlays.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each rewrite with its reason.")] = False,
    form: Annotated[
        CompileFormat, typer.Option("--format", help="The form of the result on stdout.")
    ] = CompileFormat.TEXT,
) -> None:
    """Show the rule and the saved search that each hunt becomes. Nothing is written, no server is needed."""
    from entra_deployer.errors import ExitCode, UsageError
    from entra_deployer.workflow.compile import compile_rules

    top, names = project.root(), hunt or ()
    versions = stack_versions(stack)
    if len(versions) > 1:
        raise UsageError("rules are compiled for one version at a time", hint="`deploy check --stack` takes several")
    if on is None:
        compilation = compile_rules(top, target_for(versions[0] if versions else None, licence), names)
    else:
        with project.connection(top, on) as connection:
            compilation = compile_rules(top, connection.target(connection.environment.spaces[0]), names)
    terminal.say(_render(compilation, form, explain=explain))
    if form is CompileFormat.NDJSON:
        terminal.complain(compilation.issues)
    raise typer.Exit(ExitCode.FAILED if compilation.failed else ExitCode.OK)


def _render(compilation: "Compilation", form: CompileFormat, *, explain: bool) -> str:
    from entra_deployer.model.compiled import CompileReport
    from entra_deployer.reports.compilation_as_json import compilation_as_json, compilation_as_ndjson
    from entra_deployer.reports.compilation_as_text import compilation_as_text

    target = f"{compilation.target.version}, {compilation.target.licence}"
    report = CompileReport(target, compilation.rules, compilation.issues)
    match form:
        case CompileFormat.JSON:
            return compilation_as_json(report)
        case CompileFormat.NDJSON:
            return compilation_as_ndjson(report)
        case _:
            width, colour = terminal.width(), terminal.coloured()
            return compilation_as_text(report, width=width, colour=colour, explain=explain)
