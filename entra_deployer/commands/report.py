"""`deploy report`: a page about the rules, to be opened in a browser."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.complete import environments
from entra_deployer.commands.forecast import DaysOption
from entra_deployer.commands.options import FormatOption, LicenseOption, StackOption, stack_versions, target_for
from entra_deployer.commands.terminal import note, say_lines, show
from entra_deployer.core.errors import UsageError
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from entra_deployer.api import Overview, Target

_PageOption = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="The page.")]
_ServeOption = Annotated[
    bool, typer.Option("--serve", help="Show it on this machine and draw it again when files change.")
]
_PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port for --serve; 0 takes a free one.")]
_EnvironmentArgument = Annotated[
    str | None,
    typer.Argument(metavar="ENV", help="Also what is live in this environment.", autocompletion=environments),
]
_ForecastOption = Annotated[
    bool, typer.Option("--forecast", help="With ENV: also what a push would do to the alerts there.")
]


def report(
    env: _EnvironmentArgument = None,
    out: _PageOption = Path("report.html"),
    serve: _ServeOption = False,
    port: _PortOption = 0,
    forecast: _ForecastOption = False,
    days: DaysOption = 7,
    stack: StackOption = None,
    license: LicenseOption = "platinum",  # noqa: A002 - Elastic's word
    form: FormatOption = TEXT,
) -> None:
    """Make a page about the rules for a browser.

    One HTML file that loads nothing: each query with its rewrites, surviving mutants and issues at their lines,
    verdicts, ATT&CK; with ENV also drift and history. Reads only.
    """
    from entra_deployer.core.errors import ExitCode
    from entra_deployer.core.files import write_text
    from entra_deployer.reports.documents.page import no_page, page_document
    from entra_deployer.reports.page import draw_page

    if forecast and env is None:
        raise UsageError("--forecast looks at an environment's data", hint="name it: deploy report staging --forecast")

    def find() -> "Overview":
        versions = stack_versions(stack)
        target = target_for(versions[0] if versions else None, license)
        return _overview(env, target, days if forecast else None)

    def work() -> "Overview":
        found = find()
        write_text(out, draw_page(found), shown=str(out))
        return found

    if serve:
        _serve(lambda: draw_page(find(), watched=True), port)
    show(
        form,
        work,
        lambda found: page_document(found, str(out)),
        lambda _: ExitCode.OK,
        lambda issues: no_page(env or "", issues),
    )


def _overview(env: str | None, target: "Target", days: float | None) -> "Overview":
    """What the files tell for a target, or, with an environment, what is there; `days` are those of a forecast."""
    from entra_deployer.api import ForecastRequest, look_over, look_over_environment, now

    if env is None:
        return look_over(project.repository(), target, now)
    with project.on(env, "looking into") as (repository, connection):
        request = None if days is None else ForecastRequest(days=days)
        return look_over_environment(repository, connection, now, request)


def _serve(draw: Callable[[], str], port: int) -> None:
    """Until Ctrl-C."""
    from entra_deployer.commands.serve import PageServer, ServedPage, version_of

    top = project.root()
    folders = [top / name for name in ("rules", "deploy", ".deploy/verdicts")]
    with PageServer(ServedPage(draw, lambda: version_of(folders)), port) as server:
        say_lines(server.url)
        note("Ctrl-C ends it")
        server.serve_forever()
