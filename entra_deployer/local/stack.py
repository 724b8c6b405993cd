"""The life of a project's local stack: start, find, stop, look, wipe."""

import re
import secrets
import shutil
import socket
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from entra_deployer.core.errors import LocalStackError, UsageError
from entra_deployer.local.elasticsearch import HOST, USER
from entra_deployer.local.machine import Progress, exclusive, require_extra, silent, system_errors
from entra_deployer.local.processes import start, stop
from entra_deployer.local.state import StackFolder, StackState

PROFILES = ("8.12", "8.19", "9.x")
LICENSES = ("basic", "platinum")
WAIT = "waiting for another deploy that starts or stops the stack"


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


def up(  # noqa: PLR0913 - each says what the stack is to be
    root: Path,
    name: str = "local",
    *,
    profile: str | None = None,
    license: str | None = None,  # noqa: A002 - Elastic's word
    run_rules: bool | None = None,
    refresh: str | None = None,
    progress: Progress = silent,
) -> LocalStack:
    """The project's running stack of that name, started where it is not running.

    `profile`, `license`, `run_rules` (whether enabled rules run at their interval) and `refresh` ("1s": every write of
    Kibana waits for the next one; "0s": none does) are, where not given, as they were at the last start; at the first
    8.19, platinum, no and 0s. Raises LocalStackError where it cannot be started, or where it runs with another of them
    than is asked for.
    """
    require_extra()
    _check("profile", profile, PROFILES)
    _check("license", license, LICENSES)
    if refresh is not None and not re.fullmatch(r"[0-9]{1,6}(ms|s)", refresh):
        raise UsageError(f"{refresh!r} is no time between two refreshes", hint="like 1s or 200ms; 0s for none")
    refresh = "" if refresh is not None and not refresh.strip("0ms") else refresh
    folder = _folder(root, name)
    with _alone(folder, progress):
        last = folder.read()
        if last and last.is_running:
            _check_same(name, "profile", profile, last.profile)
            _check_same(name, "license", license, last.license)
            _check_same(name, "run_rules", run_rules, last.run_rules)
            _check_same(name, "refresh", refresh, last.refresh)
            return _running(name, last)
        stop(folder, last)  # what is left of one whose supervisor was killed, or whose state was lost
        wanted = _next_state(last, profile, license, run_rules, refresh)
        return _running(name, start(folder, wanted, progress))


def find(root: Path, name: str = "local") -> LocalStack | None:
    """The project's stack of that name where it runs."""
    require_extra()
    state = _folder(root, name).read()
    return _running(name, state) if state and state.is_running else None


def down(root: Path, name: str = "local") -> bool:
    """Stop the stack, keep its data; whether there was something to stop. No process of it is left."""
    require_extra()
    folder = _folder(root, name)
    if not folder.path.exists():
        return False
    with _alone(folder):
        state = folder.read()
        was_running = stop(folder, state)
        if state:
            folder.write(replace(state, supervisor=None, node=None))
    return was_running


def reset(root: Path, name: str = "local") -> bool:
    """Stop the stack and delete all it has: data, logs, password, ports; whether there was anything."""
    require_extra()
    folder = _folder(root, name)
    if not folder.path.exists():
        return False
    with _alone(folder):
        state = None
        with suppress(LocalStackError):  # a state file that says nothing is no reason to keep it
            state = folder.read()
        stop(folder, state)
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


@contextmanager
def _alone(folder: StackFolder, progress: Progress = silent) -> Iterator[None]:
    """Be the only one who starts or stops this stack, with the system's errors told as ours."""
    with (
        system_errors("the stack keeps its data there"),
        exclusive(folder.lock, on_wait=lambda: progress(WAIT)),
    ):
        yield


def _check(what: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise UsageError(f"there is no {what} {value!r}", hint=f"one of {', '.join(known)}")


def _check_same[Value](name: str, what: str, asked: Value | None, has: Value) -> None:
    if asked not in {None, has}:
        has_, asked_ = ("none" if value == "" else value for value in (has, asked))
        raise LocalStackError(
            f"the stack {name!r} runs with {what} {has_}, not {asked_}",
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


def _next_state(
    last: StackState | None,
    profile: str | None,
    license: str | None,  # noqa: A002 - Elastic's word
    run_rules: bool | None,  # noqa: FBT001 - as asked for, or None
    refresh: str | None,
) -> StackState:
    """What to start: as last time where nothing else is asked for, on the same ports where they are free."""
    kibana, elasticsearch = _ports((last.kibana_port, last.elasticsearch_port) if last else (0, 0))
    return StackState(
        profile=profile or (last.profile if last else "8.19"),
        license=license or (last.license if last else "platinum"),
        kibana_port=kibana,
        elasticsearch_port=elasticsearch,
        password=last.password if last else secrets.token_urlsafe(24),
        run_rules=run_rules if run_rules is not None else last is not None and last.run_rules,
        refresh=refresh if refresh is not None else last.refresh if last else "",
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
