"""`deploy compile`: what hunts become, without any server."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.show import show
from entra_deployer.commands.target import LicenseOption, NamesArgument, StackOption, stack_versions, target_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.issue import Issue


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
    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.errors import ExitCode

    def code(report: CompileReport) -> ExitCode:
        if form is CompileFormat.NDJSON:
            terminal.complain(report.issues)
        return ExitCode.FAILED if report.failed else ExitCode.OK

    def render(report: CompileReport) -> str:
        return _render(report, form, explain=explain)

    def unable(issues: "tuple[Issue, ...]") -> str:
        return render(CompileReport(on or stack or "", (), issues))

    show(lambda: _compile(hunt or (), stack, licence, on), code, render, unable if form is CompileFormat.JSON else None)


def _compile(names: "Sequence[str]", stack: str | None, licence: str, on: str | None) -> "CompileReport":
    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.errors import UsageError
    from entra_deployer.repository import compile_rules

    top, versions = project.root(), stack_versions(stack)
    if len(versions) > 1:
        raise UsageError("rules are compiled for one version at a time", hint="`deploy check --stack` takes several")
    if on is None:
        compilation = compile_rules(top, target_for(versions[0] if versions else None, licence), names)
    else:
        with project.connection(top, on) as connection:
            compilation = compile_rules(top, connection.target(connection.environment.spaces[0]), names)
    target = f"{compilation.target.version}, {compilation.target.licence}"
    return CompileReport(target, compilation.rules, compilation.issues)


def _render(report: "CompileReport", form: CompileFormat, *, explain: bool) -> str:
    from entra_deployer.reports.compilation_as_json import compilation_as_json, compilation_as_ndjson
    from entra_deployer.reports.compilation_as_text import compilation_as_text

    match form:
        case CompileFormat.JSON:
            return compilation_as_json(report)
        case CompileFormat.NDJSON:
            return compilation_as_ndjson(report)
        case _:
            width, colour = terminal.width(), terminal.coloured()
            return compilation_as_text(report, width=width, colour=colour, explain=explain)
