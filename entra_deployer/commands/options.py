"""The options that several commands share, each written down once."""

from enum import StrEnum
from typing import Annotated

import typer

EnvironmentArgument = Annotated[
    str, typer.Argument(metavar="[ENV]", help="The environment: a file deploy/ENV.yaml, or local, the embedded stack.")
]
OnOption = Annotated[str, typer.Option("--on", metavar="ENV", help="The environment to work on.")]
RuleOption = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="NAME", help="Only this hunt folder or rule name; may be given several times."),
]


class ReportFormat(StrEnum):
    """The forms of a report that every command has."""

    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[ReportFormat, typer.Option("--format", help="The form of the result on stdout.")]

EXIT_CODES = {
    0: "done, or nothing to do",
    1: "could not do it: an unreadable file, a refusal, a blocker",
    2: "a difference, or a verdict or check that failed",
    3: "partly pushed",
    64: "wrong usage",
    130: "interrupted",
}


def exit_codes(*codes: int) -> str:
    """The lines about exit codes in a command's help."""
    return "Exit codes: " + "; ".join(f"{code} {EXIT_CODES[code]}" for code in codes) + "."
