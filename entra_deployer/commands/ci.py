"""`deploy ci`: the pipeline of a repository of hunts."""

from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project, terminal
from entra_deployer.commands.usage import Command, Group, choose, closing
from entra_deployer.core.errors import UsageError

if TYPE_CHECKING:
    from entra_deployer.api import Pipeline

ci_app = typer.Typer(
    cls=Group,
    help="Make the pipeline of a repository.\n\nIt checks and plans, pushes, promotes, and looks for drift.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@ci_app.callback()
def _group() -> None:
    """Keep `init` a word of its own."""


@ci_app.command(cls=Command, epilog=closing("deploy ci init github --stage staging --stage production", 0, 1, 64))
def init(
    provider: Annotated[str, typer.Argument(metavar="CI", help="github, gitlab or azure.")],
    stage: Annotated[
        list[str] | None,
        typer.Option(
            "--stage",
            metavar="ENV",
            help="An environment that changes go through, in their order; else those of dev, staging, production.",
        ),
    ] = None,
    action: Annotated[
        str, typer.Option("--action", metavar="OWNER/REPO@REF", help="The GitHub Action that makes deploy ready.")
    ] = "",
    install: Annotated[
        str,
        typer.Option(
            "--install",
            metavar="SPEC",
            help="What pip installs: git+https://…@COMMIT, https://….whl#sha256=…, or a wheel or a requirements file "
            "with hashes in this repository; else what this copy was installed from.",
        ),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write the pipeline: check and plan on a pull request, push on a merge, promote on approval, drift every night."""
    from entra_deployer.api import Choices, Provider, init_pipeline

    choose("pipeline for", provider, list(Provider))
    if action and provider != Provider.GITHUB:
        raise UsageError("--action belongs to github")
    if action and install:
        raise UsageError("--action and --install exclude each other")
    choices = Choices(stage or (), action, install)
    terminal.say_lines(_told(init_pipeline(project.root(), Provider(provider), choices, force=force)))


def _told(pipeline: "Pipeline") -> str:
    """What was written, and the head of the file: what is to be set up by hand."""
    names = [stage.name for stage in pipeline.stages]
    way = f"a merge pushes to {names[0]}" + "".join(f", then {name} once somebody approves" for name in names[1:])
    head = [line for line in pipeline.text.splitlines() if line.startswith("#")]
    start = next(number for number, line in enumerate(head) if line.startswith("# To be set up"))
    todo = "\n".join(line.removeprefix("# ").removeprefix("#") for line in head[start:])
    return f"{pipeline.path} is written: {way}.\n{_pins(pipeline)}\n{todo}"


def _pins(pipeline: "Pipeline") -> str:
    """Which actions are pinned by their commit, and which by a tag, which its owner can move."""
    lines = []
    if pipeline.by_tag:
        lines.append(f"Pinned by tag, as git could not say its commit: {', '.join(pipeline.by_tag)}.")
        lines.append("To pin by commit: the same with --force, where git reaches github.com.")
    elif pipeline.by_commit:
        lines.append("Every action is pinned by its commit.")
    return "".join(f"{line}\n" for line in lines)
