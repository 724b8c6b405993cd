"""What to compile for where no server is asked: `--stack` and `--license`."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands.usage import choose

if TYPE_CHECKING:
    from entra_deployer.core.target import StackVersion, Target

NamesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[HUNT]...",
        help="Hunt folders, rule names, or paths of hunt files; all under rules/ where none is named.",
    ),
]
StackOption = Annotated[
    str | None, typer.Option("--stack", metavar="VERSION[,...]", help="The stack's version; without it 8.19.")
]
LicenseOption = Annotated[
    str, typer.Option("--license", metavar="NAME", help="The stack's licence: basic, platinum, enterprise or trial.")
]


def target_for(version: "StackVersion | None", licence: str) -> "Target":
    """A target that no server stands behind."""
    from dataclasses import replace

    from entra_deployer.repository import OFFLINE

    choose("license", licence, ("basic", "standard", "gold", "platinum", "enterprise", "trial"))
    return replace(OFFLINE, version=version or OFFLINE.version, licence=licence)


def stack_versions(text: str | None) -> "list[StackVersion]":
    """The versions in "8.15,8.19,9.4"."""
    from entra_deployer.core.errors import UsageError
    from entra_deployer.core.target import StackVersion

    try:
        found = [StackVersion.parse(part.strip()) for part in (text or "").split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(str(error), hint="write it as 8.19 or 9.4.1") from error
    if any(version < StackVersion(8, 12) for version in found):
        raise UsageError("rules in ES|QL are there from 8.12 on", hint="name a version from 8.12 on")
    return found
