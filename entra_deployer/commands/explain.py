"""`deploy explain`: what a code means."""

from typing import Annotated

import typer

from entra_deployer.commands.complete import codes
from entra_deployer.commands.options import FormatOption
from entra_deployer.commands.terminal import drawn, say
from entra_deployer.reports import TEXT


def explain(
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="A code such as DEP014; all where none is named.", autocompletion=codes),
    ] = None,
    form: FormatOption = TEXT,
) -> None:
    """Say what a code means and what to do."""
    from entra_deployer.api import find_explanation, list_explanations
    from entra_deployer.reports.documents.checks import explanation_document, explanations_document

    document = explanation_document(find_explanation(code)) if code else explanations_document(list_explanations())
    say(drawn(document, form))
