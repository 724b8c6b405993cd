"""`deploy compile`: what hunts become, without any server."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    ChangedSinceOption,
    HuntsArgument,
    LicenseOption,
    StackOption,
    TagOption,
    selected,
    stack_versions,
    target_for,
)
from entra_deployer.commands.terminal import complain, say, show
from entra_deployer.commands.usage import choose
from entra_deployer.reports import FORMS, TEXT

if TYPE_CHECKING:
    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.hunts.selection import Selection

_NDJSON = "ndjson"
"""A line for each object, as Kibana's imports have them: of all commands this one alone has objects to import."""
_FORMS = (*FORMS, _NDJSON)


def _form(value: str) -> str:
    return choose("format", value, _FORMS)


_CompileFormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"The form of the result on stdout: {', '.join(_FORMS)}.",
        callback=_form,
    ),
]


def compile_(
    hunt: HuntsArgument = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    stack: StackOption = None,
    license: LicenseOption = "platinum",  # noqa: A002 - Elastic's word
    on: Annotated[
        str | None, typer.Option("--on", metavar="ENV", help="Compile for this environment, with its overlays.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show each rewrite with its reason.")] = False,
    form: _CompileFormatOption = TEXT,
) -> None:
    """Show the rule and the saved search that a hunt becomes.

    Nothing is written, and no server is needed.
    """
    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.reports.documents.compilation import compilation_as_ndjson, compilation_document

    def work() -> "CompileReport":
        return _compile(selected(hunt, tag, changed_since), stack, license, on)

    def code(report: "CompileReport") -> "ExitCode":
        return ExitCode.FAILED if report.failed else ExitCode.OK

    if form == _NDJSON:
        report = work()
        say(compilation_as_ndjson(report))
        complain(report.issues)
        raise typer.Exit(code(report))
    show(
        form,
        work,
        lambda report: compilation_document(report, explain=explain),
        code,
        lambda issues: compilation_document(CompileReport(on or stack or "", (), issues)),
    )


def _compile(
    selection: "Selection",
    stack: str | None,
    license: str,  # noqa: A002 - Elastic's word
    on: str | None,
) -> "CompileReport":
    from entra_deployer.compiler.compiled import CompileReport
    from entra_deployer.core.errors import UsageError

    repository, versions = project.repository(), stack_versions(stack)
    if len(versions) > 1:
        raise UsageError("rules are compiled for one version at a time", hint="`deploy check --stack` takes several")
    if on is None:
        compilation = repository.compile(target_for(versions[0] if versions else None, license), selection)
    else:
        with project.connection(repository.root, on) as connection:
            compilation = repository.compile(connection.target(connection.environment.spaces[0]), selection)
    target = f"{compilation.target.version}, {compilation.target.license}"
    return CompileReport(target, compilation.rules, compilation.issues)
