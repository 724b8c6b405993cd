"""The processes of a stack: how they are started, found and ended."""

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import IO, TYPE_CHECKING

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.machine import Progress
from entra_deployer.local.state import ProcessId, StackFolder, StackState

if TYPE_CHECKING:
    from entra_deployer.local.supervisor import Order, Report

STEP = "starting the local stack"
_MODULE = "entra_deployer.local.supervisor"
_STOP_TIMEOUT = 30
_DATA_BYTES = 200 * 2**20
"""Free space without which a stack does not start: Elasticsearch would break in the middle of a write."""


def start(folder: StackFolder, state: StackState, progress: Progress) -> StackState:
    """Start the supervisor of `state`, wait until the stack answers, and write down which processes it is.

    Raises LocalStackError; then, and after any other interruption, nothing of it is left.
    """
    from entra_deployer.local.supervisor import KEEP  # noqa: PLC0415 - only where a stack starts

    _check_space(folder)
    with _supervisor(folder) as process:
        assert process.stdin and process.stdout  # noqa: S101, PT018 - both were opened as pipes
        try:
            order = _order(folder, state, progress)  # which takes its time while the supervisor loads
            _send(process.stdin, order.line(), folder)
            process.wait()  # it has left a process behind that is nobody's child
            report = _good(process.stdout.readline(), folder)
            started = replace(state, supervisor=report.supervisor, node=report.node)
            folder.write(started)
            _send(process.stdin, KEEP + "\n", folder)
        except BaseException:
            with suppress(OSError):
                process.stdin.close()
            process.stdout.read()  # its end is the supervisor's
            raise
    return started


def _order(folder: StackFolder, state: StackState, progress: Progress) -> "Order":
    """What the supervisor has to run, with a home that is ready for it."""
    from entra_deployer.local.supervisor import Order  # noqa: PLC0415 - only where a stack starts
    from entra_deployer.local.training import ready_home  # noqa: PLC0415 - the same

    home = ready_home(progress)
    progress(STEP)
    return Order(
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
        run_rules=state.run_rules,
        refresh=state.refresh,
    )


def _send(supervisor: IO[str], line: str, folder: StackFolder) -> None:
    try:
        supervisor.write(line)
        supervisor.flush()
    except BrokenPipeError:
        raise _does_not_start(folder) from None


def _does_not_start(folder: StackFolder) -> LocalStackError:
    return LocalStackError("the local stack does not start", hint=f"see {folder.logs / 'stack.log'}")


def _good(line: str, folder: StackFolder) -> "Report":
    """The supervisor's report. Raises LocalStackError where it reports a failure, or nothing."""
    from entra_deployer.local.supervisor import Report  # noqa: PLC0415 - only where a stack starts

    if not line:
        raise _does_not_start(folder)
    report = Report.parse(line)
    if report.error:
        raise LocalStackError(report.error, hint=report.hint)
    return report


def _check_space(folder: StackFolder) -> None:
    folder.make()
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
            [sys.executable, "-P", "-m", _MODULE, str(folder.path)],
            cwd=folder.path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us: the stack hears of it by the end of its input
        )


def stop(folder: StackFolder, state: StackState | None) -> bool:
    """End every process of the stack; whether there was one."""
    supervisors = _supervisors(folder)
    for supervisor in supervisors:
        _end(supervisor, ask=True)
    _end(state.node if state else None)
    return bool(supervisors)


def _supervisors(folder: StackFolder) -> list[ProcessId]:
    """The processes that were started for this folder and run, found by their command line: a file may be lost."""
    import psutil  # noqa: PLC0415 - the extra may be missing

    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cmdline()[-2:] == [_MODULE, str(folder.path)]:
                found.append(ProcessId(process.pid, process.create_time()))
    return found


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
