"""`deploy local`: the embedded stack's life, by hand. (push, plan and verify start it by themselves.)"""

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands.terminal import APART, note, quiet, say, say_lines
from entra_deployer.commands.usage import Command, Group, closing
from entra_deployer.core.errors import LocalStackError
from entra_deployer.core.text import visible
from entra_deployer.core.time import format_moment

if TYPE_CHECKING:
    from entra_deployer.local.stack import LocalStack
    from entra_deployer.stack.elasticsearch import ElasticClient

local_app = typer.Typer(
    cls=Group,
    help="Run the embedded stack by hand.\n\nIt is a real Elasticsearch and a local Kibana API, on this machine only.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@local_app.callback()
def _group() -> None:
    """Have the options of every command."""


Name = Annotated[str, typer.Option("--name", help="Which stack, where a project has more than one.", metavar="NAME")]


@local_app.command(cls=Command, epilog=closing("deploy local up --profile 8.12", 0, 1, 64))
def up(
    name: Name = "local",
    profile: Annotated[
        str | None,
        typer.Option(help="The Kibana that the API speaks like: 8.12, 8.19 (at first) or 9.x.", metavar="VERSION"),
    ] = None,
    license: Annotated[  # noqa: A002 - Elastic's word
        str | None,
        typer.Option(help="What Kibana's features are licensed for: basic or platinum (at first).", metavar="LICENSE"),
    ] = None,
    run_rules: Annotated[
        bool | None,
        typer.Option("--run-rules/--no-run-rules", help="Run enabled rules at their interval (at first no)."),
    ] = None,
    refresh: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Let each write wait for the next refresh, as Kibana's do: 1s, 200ms; 0s (at first) not.",
        ),
    ] = None,
) -> None:
    """Start the stack where it does not run, and say where it answers."""
    stack = started(_root(), name, profile=profile, license=license, run_rules=run_rules, refresh=refresh)
    say_lines(_where(stack))


@local_app.command(cls=Command, epilog=closing("deploy local down", 0, 1, 64))
def down(name: Name = "local") -> None:
    """Stop the stack; its data stays."""
    from entra_deployer.local import stack

    say_lines(f"{name} is stopped" if stack.down(_root(), name) else f"{name} was not running")


@local_app.command(cls=Command, epilog=closing("deploy local status", 0, 1, 64))
def status(name: Name = "local") -> None:
    """Say whether the stack runs, and where it answers."""
    from entra_deployer.local import stack

    found = stack.find(_root(), name)
    say_lines(_where(found) if found else f"{name} is not running")


@local_app.command(cls=Command, epilog=closing("deploy local logs --lines 50", 0, 1, 64))
def logs(
    name: Name = "local",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many lines of each file.")] = 20,
) -> None:
    """Show where the stack's log files are, and how each ends."""
    from entra_deployer.local import stack

    found = stack.logs(_root(), name)
    if not found:
        note(f"{name} has no logs: it was never started")
    for path in found:
        say_lines(f"==> {path} <==")
        for line in stack.tail(path, lines):
            say_lines(line)


@local_app.command(cls=Command, epilog=closing("deploy local load events.ndjson --now last", 0, 1, 64))
def load(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A line each: a document, or a search hit; .gz too.")],
    index: Annotated[
        str, typer.Option(metavar="INDEX", help="The index of all events; each one's own if not said.")
    ] = "",
    now: Annotated[
        str,
        typer.Option(metavar="TIME", help="Move all times: this moment of the events, or `last` of them, becomes now."),
    ] = "",
    name: Name = "local",
) -> None:
    """Bring real events into the stack, for replay and verify to work on."""
    from entra_deployer import api
    from entra_deployer.commands.terminal import working

    request = api.LoadRequest(file, index, now)
    elastic = _elastic(started(_root(), name))
    try:
        with working(f"loading into {name}") as step:
            found = api.load_events(replace(request, progress=step), elastic)
    finally:
        elastic.close()
    for one in found:
        times = f"{format_moment(one.first)} to {format_moment(one.last)}"
        say_lines(f"{one.index}: {one.events} event{'s' if one.events != 1 else ''}, {times}")


def _elastic(stack: "LocalStack") -> "ElasticClient":
    from entra_deployer.stack.elasticsearch import connect
    from entra_deployer.stack.environment import Credentials, Endpoint, Scheme

    return connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, stack.user)))


@local_app.command(cls=Command, epilog=closing("deploy local reset --yes", 0, 1, 64))
def reset(name: Name = "local", yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Stop the stack and delete its data."""
    from entra_deployer.local import stack

    if not yes:
        typer.confirm(visible(f"Delete all data of the local stack {name}?"), abort=True, err=True)
    say_lines(f"{name} is deleted" if stack.reset(_root(), name) else f"{name} does not exist")


@local_app.command(cls=Command, epilog=closing('eval "$(deploy local env)"', 0, 1, 64))
def env(name: Name = "local") -> None:
    """Print `export` lines for a shell: eval "$(deploy local env)". The user is elastic."""
    from entra_deployer.local import stack

    found = stack.find(_root(), name)
    if found is None:
        raise LocalStackError(f"the stack {name} is not running", hint=f"deploy local up --name {name}")
    say(f"export KIBANA_URL={shlex.quote(found.kibana_url)}")
    say(f"export ELASTICSEARCH_URL={shlex.quote(found.elasticsearch_url)}")
    say(f"export ELASTIC_PASSWORD={shlex.quote(found.password)}")


@local_app.command("open", cls=Command, epilog=closing("deploy local open", 0, 1, 64))
def open_(
    name: Name = "local",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser where there is a desktop.")
    ] = True,
) -> None:
    """Open a page of the stack: rules, alerts, searches, queries.

    Starts the stack where it does not run. The address holds a token that is good once, for a minute.
    """
    from entra_deployer.local.invitation import invitation

    address = invitation(started(_root(), name))
    say_lines(address)
    if browser and _has_desktop():
        import webbrowser

        webbrowser.open(address)


def _has_desktop() -> bool:
    """Whether a browser would be a window: elsewhere one that fills this terminal might start."""
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def started(
    root: Path,
    name: str = "local",
    *,
    profile: str | None = None,
    license: str | None = None,  # noqa: A002 - Elastic's word
    run_rules: bool | None = None,
    refresh: str | None = None,
) -> "LocalStack":
    """The project's stack, started where it does not run, with the progress of a start on stderr."""
    from entra_deployer.local import stack

    with _progress() as progress:
        asked = {"profile": profile, "license": license, "refresh": refresh}
        return stack.up(root, name, **asked, run_rules=run_rules, progress=progress)


def _root() -> Path:
    from entra_deployer.core.files import find_root

    return find_root(Path.cwd())


def _where(stack: "LocalStack") -> str:
    return "\n".join(
        (
            f"{stack.name} is running (Kibana {stack.profile}, {stack.license}; process {stack.pid})",
            f"  Kibana API     {stack.kibana_url}",
            f"  Elasticsearch  {stack.elasticsearch_url}",
            f"  user           {stack.user}; the password: deploy local env --name {stack.name}",
        )
    )


@contextmanager
def _progress() -> Iterator[Callable[..., None]]:
    """Bars on a terminal; elsewhere lines with times; nothing where progress is not to be told."""
    if quiet.get():
        yield lambda *_: None
        return
    if not sys.stderr.isatty():
        lines = StepLines()
        yield lines
        lines.end()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

    told = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[count]}"))
    with Progress(SpinnerColumn(), *told, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(step: str, done: int = 0, total: int = 0) -> None:
            for task in [task for other, task in tasks.items() if other != step]:
                bars.update(task, total=1, completed=1)
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total or None, count="")
            bars.update(tasks[step], completed=done, total=total or None, count=_megabytes(done, total))

        yield show


class StepLines:
    """Steps as lines for a log: each once, how far it is every few seconds, and how long it took where it took some."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._step, self._began, self._told = "", 0.0, 0.0

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        """Tell of a step; done and total are bytes, a total of 0 is not known."""
        now = self._clock()
        if step != self._step:
            self.end()
            self._step, self._began, self._told = step, now, now
            note(step)
        elif total and now - self._told >= APART:
            self._told = now
            note(f"{step}: {_megabytes(done, total)}, {now - self._began:.0f} s")

    def end(self) -> None:
        """The last step is over."""
        if self._step and (seconds := self._clock() - self._began) >= 1:
            note(f"{self._step}: done in {seconds:.0f} s")


def _megabytes(done: int, total: int) -> str:
    return f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else ""
