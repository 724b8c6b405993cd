"""The arguments and options that several commands share, each written down once."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands.complete import environments, forms, hunts
from entra_deployer.commands.usage import choose
from entra_deployer.reports import FORMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from entra_deployer.core.target import StackVersion, Target
    from entra_deployer.hunts.selection import Selection


def _form(value: str) -> str:
    return choose("format", value, FORMS)


EnvironmentArgument = Annotated[
    str,
    typer.Argument(
        metavar="ENV",
        help="The environment: a file deploy/ENV.yaml, or local, the embedded stack.",
        autocompletion=environments,
    ),
]
OnOption = Annotated[
    str, typer.Option("--on", metavar="ENV", help="The environment to work on.", autocompletion=environments)
]
RuleOption = Annotated[
    list[str] | None,
    typer.Option(
        "--rule",
        metavar="NAME",
        help="Only this hunt folder or rule name, or those of a pattern (entra_*); may be given several times.",
        autocompletion=hunts,
    ),
]
TagOption = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", metavar="TAG", help="Only hunts with this tag in rule.yaml, or one of a pattern; several times too."
    ),
]
ChangedSinceOption = Annotated[
    str | None,
    typer.Option(
        "--changed-since",
        metavar="REF",
        help="Only hunts of which a file has changed since this branch left REF: a commit, a branch or a tag of git.",
    ),
]
RulesArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="RULE...",
        help="Hunt folders, rule names, patterns (entra_*); all where none is named.",
        autocompletion=hunts,
    ),
]
HuntsArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="HUNT...",
        help="Hunt folders, rule names, patterns of them (entra_*), or paths of hunt files; all where none is named.",
        autocompletion=hunts,
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help=f"The form of the result on stdout: {', '.join(FORMS)}.",
        callback=_form,
        autocompletion=forms,
    ),
]
StackOption = Annotated[
    str | None, typer.Option("--stack", metavar="VERSION[,...]", help="The stack's version; without it 8.19.")
]
LicenseOption = Annotated[
    str,
    typer.Option("--license", metavar="NAME", help="The stack's license, in Elastic's word: basic, platinum, ..."),
]
NoLockOption = Annotated[bool, typer.Option("--no-lock", help="Do not take the lock.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show it and write nothing.")]
AdoptOption = Annotated[bool, typer.Option("--adopt", help="Take over objects of our ids that bear no mark of ours.")]
PruneOption = Annotated[bool, typer.Option("--prune", help="Remove what left the repository, within limits.prune_*.")]

KeepGoingOption = Annotated[
    bool, typer.Option("--keep-going", help="Leave out hunts that have errors and push the others; then exit 3.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Take back what was edited in Kibana since the last push.")
]


def selected(names: "Sequence[str] | None", tags: "Sequence[str] | None", changed_since: str | None) -> "Selection":
    """The hunts that a command line asks for; all where it says nothing."""
    from entra_deployer.hunts.selection import Selection

    return Selection(tuple(names or ()), tuple(tags or ()), changed_since or "")


def stack_versions(text: str | None, option: str = "--stack") -> "list[StackVersion]":
    """The versions in "8.15,8.19,9.4". Raises UsageError for what is none, and for one without ES|QL rules."""
    from entra_deployer import facts
    from entra_deployer.core.errors import UsageError
    from entra_deployer.core.target import StackVersion

    try:
        found = [StackVersion.parse(part.strip()) for part in (text or "").split(",") if part.strip()]
    except ValueError as error:
        raise UsageError(f"{option}: {error}", hint="write it as 8.19 or 9.4.1") from error
    if any(version < facts.OLDEST for version in found):
        oldest = f"{facts.OLDEST.major}.{facts.OLDEST.minor}"
        raise UsageError(f"rules in ES|QL are there from {oldest} on", hint=f"name a version from {oldest} on")
    return found


def target_for(version: "StackVersion | None", license: str) -> "Target":  # noqa: A002 - Elastic's word
    """A target that no server stands behind."""
    from dataclasses import replace

    from entra_deployer import facts
    from entra_deployer.api import OFFLINE

    return replace(OFFLINE, version=version or OFFLINE.version, license=choose("license", license, facts.LICENSES))
