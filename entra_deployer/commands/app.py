"""The `deploy` command: its commands put together, and wrong usage mapped to exit code 64."""

from typing import Annotated

import typer

from entra_deployer.commands.check import check, explain
from entra_deployer.commands.ci import ci_app
from entra_deployer.commands.compile import compile_
from entra_deployer.commands.doctor import doctor
from entra_deployer.commands.drift import drift
from entra_deployer.commands.history import history
from entra_deployer.commands.init import init
from entra_deployer.commands.list_rules import list_rules
from entra_deployer.commands.local import local_app
from entra_deployer.commands.options import exit_codes
from entra_deployer.commands.promote import promote
from entra_deployer.commands.pull import pull
from entra_deployer.commands.push import plan, push
from entra_deployer.commands.recover import recover
from entra_deployer.commands.remove import remove
from entra_deployer.commands.replay import replay
from entra_deployer.commands.rollback import rollback
from entra_deployer.commands.synth import synth
from entra_deployer.commands.terminal import note, note_block
from entra_deployer.commands.usage import Command, Group
from entra_deployer.commands.verify import verify
from entra_deployer.core.errors import ExitCode

_HELP = """Turn threat hunts into proven Kibana detection rules.

A hunt under rules/ becomes a detection rule and a saved ES|QL search; `push` brings both to an environment, `verify`
proves on a real Elasticsearch that the rule fires when it should and only then.
"""

app = typer.Typer(
    name="deploy",
    cls=Group,
    help=_HELP,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command(cls=Command, epilog=exit_codes(0, 1, 2, 64))(check)
app.command(cls=Command, epilog=exit_codes(0, 64))(explain)
app.command(cls=Command, name="compile", epilog=exit_codes(0, 1, 64))(compile_)
app.command(cls=Command, epilog=exit_codes(0, 1, 2, 3, 64, 130))(push)
app.command(cls=Command, epilog=exit_codes(0, 1, 2, 64))(plan)
app.command(cls=Command, epilog=exit_codes(0, 1, 2, 64, 130))(verify)
app.command(cls=Command, epilog=exit_codes(0, 1, 64, 130))(replay)
app.command(cls=Command, epilog=exit_codes(0, 1, 64))(synth)
app.command(cls=Command, epilog=exit_codes(0, 1, 3, 64))(recover)
app.command(cls=Command, epilog=exit_codes(0, 1, 2, 64, 130))(drift)
app.command(cls=Command, epilog=exit_codes(0, 1, 64))(pull)
app.command(cls=Command, epilog=exit_codes(0, 1, 64))(history)
app.command(cls=Command, epilog=exit_codes(0, 1, 3, 64, 130))(promote)
app.command(cls=Command, epilog=exit_codes(0, 1, 3, 64, 130))(rollback)
app.command(cls=Command, epilog=exit_codes(0, 1, 64))(init)
app.command(cls=Command, epilog=exit_codes(0, 1, 64))(doctor)
app.command(cls=Command, name="list", epilog=exit_codes(0, 1, 64))(list_rules)
app.command(cls=Command, epilog=exit_codes(0, 1, 3, 64, 130))(remove)
app.add_typer(local_app, name="local")
app.add_typer(ci_app, name="ci")


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
