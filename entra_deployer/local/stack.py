"""The life of a project's local stack: start, find, stop, look, wipe."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections import deque
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from entra_deployer.errors import LocalStackError, UsageError
from entra_deployer.local.elasticsearch import HOST, USER
from entra_deployer.local.extra import require_extra
from entra_deployer.local.locks import exclusive
from entra_deployer.local.progress import Progress, silent
from entra_deployer.local.state import ProcessId, StackFolder, StackState

if TYPE_CHECKING:
    from entra_deployer.local.supervisor import Report

PROFILES = ("8.12", "8.19", "9.x")
LICENSES = ("basic", "platinum")
STEP = "starting the local stack"
_DATA_BYTES = 200 * 2**20
"""Free space without which a stack does not start: Elasticsearch would break in the middle of a write."""
_STOP_TIMEOUT = 30


@dataclass(frozen=True)
class LocalStack:
    """A running stack: where it answers and as whom. `profile` is the Kibana that its API speaks like."""

    name: str
    profile: str
    license: str
    kibana_url: str
    elasticsearch_url: str
    user: str
    password: str = field(repr=False)
    pid: int


def up(
    root: Path,
    name: str = "local",
    *,
    profile: str | None = None,
    license: str | None = None,  # noqa: A002 - Elastic's word
    progress: Progress = silent,
) -> LocalStack:
    """The project's running stack of that name, started where it is not running.

    `profile` and `license` are, where not given, as they were at the last start; at the first 8.19 and platinum. Raises
    LocalStackError where it cannot be started, or where it runs with another profile or license than is asked for.
    """
    require_extra()
    _check("profile", profile, PROFILES)
    _check("license", license, LICENSES)
    folder = _folder(root, name)
    with exclusive(folder.lock, on_wait=lambda: progress("waiting for another deploy that starts or stops the stack")):
        last = folder.read()
        if last and last.is_running:
            _check_same(name, last, profile, license)
            return _running(name, last)
        wanted = _next_state(last, profile, license)
        return _running(name, _start(folder, wanted, progress))


def find(root: Path, name: str = "local") -> LocalStack | None:
    """The project's stack of that name where it runs."""
    folder = _folder(root, name)
    state = folder.read()
    return _running(name, state) if state and state.is_running else None


def down(root: Path, name: str = "local") -> bool:
    """Stop the stack, keep its data; whether there was something to stop. No process of it is left."""
    folder = _folder(root, name)
    if not folder.path.exists():
        return False
    with exclusive(folder.lock):
        return _stop(folder)


def reset(root: Path, name: str = "local") -> bool:
    """Stop the stack and delete all it has: data, logs, password, ports; whether there was anything."""
    folder = _folder(root, name)
    if not folder.path.exists():
        return False
    with exclusive(folder.lock):
        try:
            _stop(folder)
        except LocalStackError:
            if (folder.path / "state.json").exists():
                (folder.path / "state.json").unlink()
        shutil.rmtree(folder.path)
    return True


def logs(root: Path, name: str = "local") -> tuple[Path, ...]:
    """The log files that there are, sorted by name."""
    return tuple(sorted(_folder(root, name).logs.glob("*.log")))


def tail(path: Path, lines: int) -> list[str]:
    """The last lines of a log file, without their ends."""
    with path.open(encoding="utf-8", errors="replace") as file:
        return [line.rstrip("\n") for line in deque(file, maxlen=lines)]


def _folder(root: Path, name: str) -> StackFolder:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise UsageError(f"{name!r} is no name for a stack", hint="small letters, digits, - and _")
    return StackFolder(root, name)


def _check(what: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise UsageError(f"there is no {what} {value!r}", hint=f"one of {', '.join(known)}")


def _check_same(name: str, running: StackState, profile: str | None, license: str | None) -> None:  # noqa: A002
    for what, asked, has in (("profile", profile, running.profile), ("license", license, running.license)):
        if asked not in {None, has}:
            raise LocalStackError(
                f"the stack {name!r} runs with {what} {has}, not {asked}",
                hint=f"deploy local down --name {name}, then up again; or take another --name",
            )


def _running(name: str, state: StackState) -> LocalStack:
    assert state.supervisor  # noqa: S101 - it was looked at before
    return LocalStack(
        name=name,
        profile=state.profile,
        license=state.license,
        kibana_url=f"http://{HOST}:{state.kibana_port}",
        elasticsearch_url=f"http://{HOST}:{state.elasticsearch_port}",
        user=USER,
        password=state.password,
        pid=state.supervisor.pid,
    )


def _next_state(last: StackState | None, profile: str | None, license: str | None) -> StackState:  # noqa: A002
    """What to start: as last time where nothing else is asked for, on the same ports where they are free."""
    kibana, elasticsearch = _ports((last.kibana_port, last.elasticsearch_port) if last else (0, 0))
    return StackState(
        profile=profile or (last.profile if last else "8.19"),
        license=license or (last.license if last else "platinum"),
        kibana_port=kibana,
        elasticsearch_port=elasticsearch,
        password=last.password if last else secrets.token_urlsafe(24),
        node=last.node if last else None,
    )


def _ports(wanted: tuple[int, int]) -> tuple[int, ...]:
    """Two free ports of the loopback interface: those wanted, or others in place of what is taken."""
    with ExitStack() as sockets:
        return tuple(sockets.enter_context(_bound(port)).getsockname()[1] for port in wanted)


def _bound(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:
        return socket.create_server((HOST, 0))


def _start(folder: StackFolder, state: StackState, progress: Progress) -> StackState:
    """Start the supervisor, wait until the stack answers, and write down where."""
    from entra_deployer.local.supervisor import KEEP, Order  # noqa: PLC0415 - only where a stack starts
    from entra_deployer.local.training import ready_home  # noqa: PLC0415 - the same

    home = ready_home(progress)
    progress(STEP)
    _check_space(folder)
    _end(state.node)  # of a supervisor that was killed: it is closing
    order = Order(
        folder=str(folder.path),
        data=str(folder.data),
        logs=str(folder.logs),
        home=str(home.folder),
        java=str(home.java),
        kibana_port=state.kibana_port,
        elasticsearch_port=state.elasticsearch_port,
        profile=state.profile,
        license=state.license,
        password=state.password,
    )
    with _supervisor(folder) as process:
        assert process.stdin  # noqa: S101 - both were
        assert process.stdout  # noqa: S101 - opened as pipes
        try:
            process.stdin.write(order.line())
            process.stdin.flush()
            process.wait()  # it has left a process behind that is nobody's child
            report = _good(process.stdout.readline(), folder)
            started = replace(state, supervisor=report.supervisor, node=report.node)
            folder.write(started)
            process.stdin.write(KEEP + "\n")
            process.stdin.flush()
        except BaseException:
            process.stdin.close()
            process.stdout.read()  # its end is the supervisor's
            raise
    return started


def _good(line: str, folder: StackFolder) -> "Report":
    """The supervisor's report. Raises LocalStackError where it reports a failure, or nothing."""
    from entra_deployer.local.supervisor import Report  # noqa: PLC0415 - only where a stack starts

    if not line:
        raise LocalStackError("the local stack does not start", hint=f"see {folder.logs / 'stack.log'}")
    report = Report.parse(line)
    if report.error:
        raise LocalStackError(report.error, hint=report.hint)
    return report


def _check_space(folder: StackFolder) -> None:
    folder.logs.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.path).free
    if free < _DATA_BYTES:
        raise LocalStackError(
            f"{folder.path} has {free >> 20} MB left, and a stack needs {_DATA_BYTES >> 20} MB", hint="free some"
        )


def _supervisor(folder: StackFolder) -> subprocess.Popen[str]:
    log = folder.logs / "stack.log"
    if log.exists():
        log.replace(log.with_name("stack-1.log"))
    with log.open("w", encoding="utf-8") as file:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "entra_deployer.local.supervisor", str(folder.path)],
            cwd=folder.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us: the stack hears of it by the end of its input
        )


def _stop(folder: StackFolder) -> bool:
    state = folder.read()
    if not state or not (state.supervisor or state.node):
        return False
    was_running = state.is_running
    _end(state.supervisor, ask=True)
    _end(state.node)
    folder.write(replace(state, supervisor=None, node=None))
    return was_running


def _end(process: ProcessId | None, *, ask: bool = False) -> None:
    """Wait until a process is gone, which is asked to end or ends by itself; kill it where it does not."""
    if process is None or not process.is_running:
        return
    with suppress(ProcessLookupError):
        if ask:
            os.kill(process.pid, signal.SIGTERM)
        if not process.wait(_STOP_TIMEOUT):
            os.kill(process.pid, signal.SIGKILL)
            process.wait(_STOP_TIMEOUT)
