"""The `deploy` command: its commands put together, and wrong usage mapped to exit code 64."""

import shutil
from functools import cache
from importlib import import_module
from typing import Annotated

import typer

from entra_deployer.commands.grammar import FolderOption, Foreign, QuietOption, VerboseOption, with_grammar
from entra_deployer.commands.terminal import note, note_block
from entra_deployer.commands.usage import Command, Group, closing
from entra_deployer.core.errors import ExitCode

_HELP = """Turn threat hunts into proven Kibana detection rules.

A hunt under rules/ becomes a detection rule and a saved ES|QL search; `push` brings both to an environment, `verify`
proves on a real Elasticsearch that the rule fires when it should and only then.
"""
_WIDEST_HELP = 120
_MARGIN = 2
"""Columns that stay free at the right."""

COMMANDS: dict[str, tuple[str, tuple[int, ...], str]] = {
    "init": ("init.init", (0, 1, 64), "deploy init staging"),
    "new": ("new.new", (0, 1, 64), 'deploy new "Rare service account sign-in" --from-query query.esql'),
    "check": ("check.check", (0, 1, 2, 64), "deploy check --stack 8.15,8.19,9.4"),
    "compile": ("compile.compile_", (0, 1, 64), "deploy compile my_hunt --explain"),
    "plan": ("plan.plan", (0, 1, 2, 64), "deploy plan staging --out plan.json"),
    "forecast": ("forecast.forecast", (0, 1, 2, 64, 130), "deploy forecast staging my_hunt --days 14"),
    "push": ("push.push", (0, 1, 2, 3, 64, 130), "deploy push staging --rule my_hunt --wait"),
    "verify": ("verify.verify", (0, 1, 2, 64, 130), "deploy verify my_hunt --on staging"),
    "synth": ("synth.synth", (0, 1, 64), "deploy synth my_hunt --write"),
    "replay": ("replay.replay", (0, 1, 64, 130), 'deploy replay my_hunt --from "7d ago"'),
    "list": ("list_rules.list_rules", (0, 1, 64), "deploy list staging"),
    "drift": ("drift.drift", (0, 1, 2, 64, 130), "deploy drift staging --format markdown"),
    "pull": ("pull.pull", (0, 1, 64), "deploy pull staging --dry-run"),
    "promote": ("promote.promote", (0, 1, 2, 3, 64, 130), "deploy promote staging production"),
    "import": ("import_rules.import_", (0, 1, 64), "deploy import rules_export.ndjson --dry-run"),
    "export": ("export_rules.export", (0, 1, 64), "deploy export my_hunt --to terraform"),
    "history": ("history.history", (0, 1, 64), "deploy history staging my_hunt"),
    "rollback": ("rollback.rollback", (0, 1, 3, 64, 130), "deploy rollback staging --to 12 --dry-run"),
    "remove": ("remove.remove", (0, 1, 3, 64, 130), "deploy remove my_hunt staging --disable"),
    "recover": ("recover.recover", (0, 1, 3, 64), "deploy recover staging --undo"),
    "status": ("status.status", (0, 1, 2, 64), "deploy status staging"),
    "doctor": ("doctor.doctor", (0, 1, 64), "deploy doctor staging"),
    "coverage": ("coverage.coverage", (0, 1, 64), "deploy coverage --on staging --layer layer.json"),
    "schema": ("schema.schema", (0, 1, 64), "deploy schema --write"),
    "report": ("report.report", (0, 1, 64, 130), "deploy report staging --out report.html"),
    "explain": ("explain.explain", (0, 64), "deploy explain DEP014"),
}
"""Each command by its name: the function that it runs, by its module here, its exit codes, and an example."""
GROUPS = {
    "local": "local.local_app",
    "ci": "ci.ci_app",
    "cache": "cache.cache_app",
    "env": "env.env_app",
    "config": "env.config_app",
}
"""Commands of two words, by the first: the app, by its module here."""


def app(*names: str) -> typer.Typer:
    """The command line with the commands and groups of these names; with all that there are where none is given.

    Only their modules are loaded and their options worked out: those of all take longer than many a command.
    """
    made = typer.Typer(
        name="deploy",
        cls=Group,
        help=_HELP,
        no_args_is_help=True,
        add_completion=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "terminal_width": min(_WIDEST_HELP, shutil.get_terminal_size().columns) - _MARGIN,
        },
        callback=_options,
    )
    for name in names or (*COMMANDS, *GROUPS):
        if name in COMMANDS:
            place, codes, example = COMMANDS[name]
            made.command(name, cls=Command, epilog=closing(example, *codes))(with_grammar(_loaded(place)))
        else:
            made.add_typer(_group(GROUPS[name]), name=name)
    return made


def _loaded(place: str) -> Foreign:
    """A function or an app."""
    module, _, name = place.rpartition(".")
    return getattr(import_module(f"entra_deployer.commands.{module}"), name)


@cache
def _group(place: str) -> typer.Typer:
    """A group of which each command takes what every command takes."""
    group: typer.Typer = _loaded(place)
    for part in (*group.registered_commands, group.registered_callback):
        if part and part.callback:
            part.callback = with_grammar(part.callback)
    return group


def _show_version(value: bool) -> None:
    if value:
        from entra_deployer import __version__

        typer.echo(f"deploy {__version__}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
    in_folder: FolderOption = None,
    is_quiet: QuietOption = False,
    is_verbose: VerboseOption = False,
) -> None:
    """Options of every command."""


def invoke(arguments: list[str]) -> int:
    """Run a command line; return its exit code. Wrong usage is told on stderr."""
    named = [word for word in arguments[:1] if word in COMMANDS or word in GROUPS]
    command = typer.main.get_command(app(*named))
    try:
        outcome = command.main(arguments, prog_name="deploy", standalone_mode=False)
    except typer.Abort:
        raise KeyboardInterrupt from None
    except typer.TyperException as error:
        _complain(error)
        return ExitCode.USAGE
    if outcome == ExitCode.INTERRUPTED:  # typer has caught Ctrl-C and says so by this code alone
        raise KeyboardInterrupt
    return outcome if isinstance(outcome, int) else ExitCode.OK


def _complain(error: typer.TyperException) -> None:
    """A command without its words shows its help; anything else is one line with the next step."""
    message = error.format_message()
    if message.startswith("Usage:"):
        note_block(message)
    else:
        note(f"error: {message.rstrip('.')} (see `deploy --help`)")
