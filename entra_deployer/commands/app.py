"""The `deploy` command: its commands put together, and wrong usage mapped to exit code 64."""

import shutil
from collections.abc import Callable
from typing import Annotated

import typer

from entra_deployer.commands.cache import cache_app
from entra_deployer.commands.check import check
from entra_deployer.commands.ci import ci_app
from entra_deployer.commands.compile import compile_
from entra_deployer.commands.coverage import coverage
from entra_deployer.commands.doctor import doctor
from entra_deployer.commands.drift import drift
from entra_deployer.commands.env import config_app, env_app
from entra_deployer.commands.explain import explain
from entra_deployer.commands.export_rules import export
from entra_deployer.commands.forecast import forecast
from entra_deployer.commands.grammar import FolderOption, QuietOption, VerboseOption, with_grammar
from entra_deployer.commands.history import history
from entra_deployer.commands.import_rules import import_
from entra_deployer.commands.init import init
from entra_deployer.commands.list_rules import list_rules
from entra_deployer.commands.local import local_app
from entra_deployer.commands.new import new
from entra_deployer.commands.plan import plan
from entra_deployer.commands.promote import promote
from entra_deployer.commands.pull import pull
from entra_deployer.commands.push import push
from entra_deployer.commands.recover import recover
from entra_deployer.commands.remove import remove
from entra_deployer.commands.replay import replay
from entra_deployer.commands.report import report
from entra_deployer.commands.rollback import rollback
from entra_deployer.commands.schema import schema
from entra_deployer.commands.status import status
from entra_deployer.commands.synth import synth
from entra_deployer.commands.terminal import note, note_block
from entra_deployer.commands.usage import Command, Group, closing
from entra_deployer.commands.verify import verify
from entra_deployer.core.errors import ExitCode

_HELP = """Turn threat hunts into proven Kibana detection rules.

A hunt under rules/ becomes a detection rule and a saved ES|QL search; `push` brings both to an environment, `verify`
proves on a real Elasticsearch that the rule fires when it should and only then.
"""
_WIDEST_HELP = 120
_MARGIN = 2
"""Columns that stay free at the right."""

COMMANDS: dict[str, tuple[Callable[..., None], tuple[int, ...], str]] = {
    "init": (init, (0, 1, 64), "deploy init staging"),
    "new": (new, (0, 1, 64), 'deploy new "Rare service account sign-in" --from-query query.esql'),
    "check": (check, (0, 1, 2, 64), "deploy check --stack 8.15,8.19,9.4"),
    "compile": (compile_, (0, 1, 64), "deploy compile my_hunt --explain"),
    "plan": (plan, (0, 1, 2, 64), "deploy plan staging --out plan.json"),
    "forecast": (forecast, (0, 1, 2, 64, 130), "deploy forecast staging my_hunt --days 14"),
    "push": (push, (0, 1, 2, 3, 64, 130), "deploy push staging --rule my_hunt --wait"),
    "verify": (verify, (0, 1, 2, 64, 130), "deploy verify my_hunt --on staging"),
    "synth": (synth, (0, 1, 64), "deploy synth my_hunt --write"),
    "replay": (replay, (0, 1, 64, 130), 'deploy replay my_hunt --from "7d ago"'),
    "list": (list_rules, (0, 1, 64), "deploy list staging"),
    "drift": (drift, (0, 1, 2, 64, 130), "deploy drift staging --format markdown"),
    "pull": (pull, (0, 1, 64), "deploy pull staging --dry-run"),
    "promote": (promote, (0, 1, 2, 3, 64, 130), "deploy promote staging production"),
    "import": (import_, (0, 1, 64), "deploy import rules_export.ndjson --dry-run"),
    "export": (export, (0, 1, 64), "deploy export my_hunt --to terraform"),
    "history": (history, (0, 1, 64), "deploy history staging my_hunt"),
    "rollback": (rollback, (0, 1, 3, 64, 130), "deploy rollback staging --to 12 --dry-run"),
    "remove": (remove, (0, 1, 3, 64, 130), "deploy remove my_hunt staging --disable"),
    "recover": (recover, (0, 1, 3, 64), "deploy recover staging --undo"),
    "status": (status, (0, 1, 2, 64), "deploy status staging"),
    "doctor": (doctor, (0, 1, 64), "deploy doctor staging"),
    "coverage": (coverage, (0, 1, 64), "deploy coverage --on staging --layer layer.json"),
    "schema": (schema, (0, 1, 64), "deploy schema --write"),
    "report": (report, (0, 1, 64, 130), "deploy report staging --out report.html"),
    "explain": (explain, (0, 64), "deploy explain DEP014"),
}
"""Each command by its name: what it runs, its exit codes, and an example."""
GROUPS = {"local": local_app, "ci": ci_app, "cache": cache_app, "env": env_app, "config": config_app}
"""Commands of two words, by the first."""

app = typer.Typer(
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
)
for _name, (_command, _codes, _example) in COMMANDS.items():
    app.command(_name, cls=Command, epilog=closing(_example, *_codes))(with_grammar(_command))
for _name, _group in GROUPS.items():
    for _part in (*_group.registered_commands, _group.registered_callback):
        if _part and _part.callback:
            _part.callback = with_grammar(_part.callback)
    app.add_typer(_group, name=_name)


def _show_version(value: bool) -> None:
    if value:
        from entra_deployer import __version__

        typer.echo(f"deploy {__version__}")
        raise typer.Exit


@app.callback()
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
    command = typer.main.get_command(app)
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
