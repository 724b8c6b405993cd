"""`deploy schema`: what the files of a project may say, for editors."""

from typing import Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import drawn, say
from entra_deployer.commands.usage import choose
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT


def _kinds(incomplete: str) -> list[str]:
    from entra_deployer.api import SCHEMAS

    return [name for name in SCHEMAS if name.startswith(incomplete)]


def schema(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="rule, test, hunt, environment or approvals: print its JSON Schema.",
            show_default=False,
            autocompletion=_kinds,
        ),
    ] = "",
    write: Annotated[
        bool, typer.Option("--write", help="Write all into deploy/schemas/, and editor settings where none are.")
    ] = False,
    form: FormatOption = TEXT,
) -> None:
    """Print or install the JSON Schemas of a project's files.

    Editors find them where they are installed. VS Code (with the YAML and Even Better TOML extensions) and editors with
    yaml-language-server or taplo then complete keys, tell their meaning, and mark what is wrong.
    """
    from entra_deployer.api import SCHEMAS, install_schemas, schema_text
    from entra_deployer.reports.documents.project import schema_document

    if bool(kind) == write:
        raise UsageError("name a kind of file, or say --write", hint=f"the kinds are {', '.join(SCHEMAS)}")
    if kind:
        say(schema_text(choose("schema", kind, list(SCHEMAS))))
    else:
        say(drawn(schema_document(install_schemas(project.root())), form))
