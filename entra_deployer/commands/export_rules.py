"""`deploy export`: compiled rules in the forms of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import environments
from entra_deployer.commands.options import ChangedSinceOption, RulesArgument, TagOption, selected
from entra_deployer.commands.terminal import complain, say, say_lines
from entra_deployer.commands.usage import choose
from entra_deployer.core.errors import ExitCode

if TYPE_CHECKING:
    from entra_deployer.api import Compilation
    from entra_deployer.hunts.selection import Selection

_TOOLS = ("detection-rules", "ndjson", "terraform")


def _tools(incomplete: str) -> list[str]:
    return [name for name in _TOOLS if name.startswith(incomplete)]


def export(
    rule: RulesArgument = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    to: Annotated[
        str, typer.Option("--to", metavar="TOOL", help=f"The form: {', '.join(_TOOLS)}.", autocompletion=_tools)
    ] = "ndjson",
    on: Annotated[
        str,
        typer.Option(
            "--on",
            metavar="ENV",
            help="As the rules are for this environment, with its overlays and connectors.",
            autocompletion=environments,
        ),
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Write the files there; else all on stdout.")
    ] = None,
) -> None:
    """Write compiled rules for other tools.

    detection-rules: a TOML file for each rule. ndjson: what the import of Kibana's rules page takes. terraform: a
    resource of the provider elastic/elasticstack for each rule. What the other cannot say is told on stderr.
    """
    from entra_deployer.api import ExportForm, export_rules, now
    from entra_deployer.core.files import write_text

    form = ExportForm(choose("form", to, _TOOLS))
    compilation = _compiled(selected(rule, tag, changed_since), on)
    exported = export_rules(compilation.deployable, form, now().date())
    complain((*compilation.issues, *exported.issues))
    code = ExitCode.OK if len(compilation.deployable) == len(compilation.rules) else ExitCode.FAILED
    if out is None:
        say("\n".join(exported.files.values()))
        raise typer.Exit(code)
    for name, text in exported.files.items():
        write_text(out / name, text, shown=str(out / name))
        say_lines(str(out / name))
    raise typer.Exit(code)


def _compiled(selection: "Selection", env: str) -> "Compilation":
    from entra_deployer.api import OFFLINE, compile_for_space

    if not env:
        return project.repository().compile(OFFLINE, selection)
    with project.on(env, "compiling for") as (repository, connection):
        return compile_for_space(repository, connection, selection)
