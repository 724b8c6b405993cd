"""The process that a local stack lives in: it holds the Elasticsearch node and serves the local Kibana API.

It is told what to run by one line on its standard input, leaves its parent, and reports one line when the stack
answers or when it cannot. Until the parent says "keep", the end of its input means that the parent gave up: then the
stack ends too.
"""

import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.elasticsearch import HOST, USER, Node, NodeSettings, basic
from entra_deployer.local.home import Home
from entra_deployer.local.state import ProcessId

if TYPE_CHECKING:
    import uvicorn

KEEP = "keep"
_LOOK_PAUSE = 2.0
"""Seconds between two looks whether the stack's folder is still there."""
_ASK_PAUSE = 0.05
_ASK_TIMEOUT = 10
_KIBANA_TIMEOUT = 30
_KIBANA_STOP_TIMEOUT = 3
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """What to run; paths are absolute."""

    folder: str
    data: str
    logs: str
    home: str
    java: str
    kibana_port: int
    elasticsearch_port: int
    profile: str
    license: str
    password: str = field(repr=False)
    run_rules: bool = False
    refresh: str = ""

    def line(self) -> str:
        """The one line that the supervisor reads."""
        return json.dumps(asdict(self)) + "\n"


@dataclass(frozen=True)
class Report:
    """What became of it: either both processes, or an error with its hint."""

    supervisor: ProcessId | None = None
    node: ProcessId | None = None
    error: str = ""
    hint: str | None = None

    def line(self) -> str:
        """The one line that the parent reads."""
        return json.dumps(asdict(self)) + "\n"

    @classmethod
    def parse(cls, line: str) -> "Report":
        """Read a line that `line` wrote."""
        values = json.loads(line)
        for name in ("supervisor", "node"):
            values[name] = values[name] and ProcessId(**values[name])
        return cls(**values)


def main() -> int:
    """Run what standard input orders, until a signal, the node's end, or the end of the parent before its word."""
    line = sys.stdin.readline()
    if not line:
        return 1  # the parent gave up before
    order = Order(**json.loads(line))
    if os.fork():
        os._exit(0)  # the parent waits for this one, and never has a child to look after
    logging.basicConfig(level=logging.INFO, format="[%(asctime)s][%(levelname)-5s][%(name)s] %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    _in_background("parent-watch", lambda: _watch_parent(stop))
    try:
        with ThreadPoolExecutor(1) as worker:  # so that a signal never finds this thread inside of `stop`
            return worker.submit(_run, order, stop).result()
    except LocalStackError as error:
        _log.error("%s", error)
        _say(Report(error=error.message, hint=error.hint))
        return 1


def _run(order: Order, stop: threading.Event) -> int:
    with _listen(order.kibana_port) as listener:
        settings = NodeSettings(Path(order.data), Path(order.logs), order.elasticsearch_port, order.password)
        home = Home(Path(order.home), Path(order.java))
        node = Node.start(home, settings, log=sys.stderr, options=home.start_options)
        _in_background("node-watch", lambda: _watch_node(node, stop))
        server = None
        try:
            app = _kibana(order)  # its imports take their time while the node starts
            if not node.wait_ready(stop):
                return 1
            server = _serve(app, listener)
            if not _kibana_ready(order, stop):
                return 1
            _say(Report(ProcessId.of(os.getpid()), ProcessId.of(node.pid)))
            _log.info("the stack answers: Kibana API on port %d", order.kibana_port)
            while not stop.wait(_LOOK_PAUSE):
                if not Path(order.folder).is_dir():
                    _log.info("the stack's folder is gone: so is the stack")
                    break
        finally:
            if server:
                server.stop()
            ended = not node.is_running
            node.stop()
        if ended:
            _log.error("Elasticsearch ended by itself, with code %d: see elasticsearch.log", node.wait())
        return int(ended)


def _in_background(name: str, work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, name=name, daemon=True)
    thread.start()
    return thread


def _watch_parent(stop: threading.Event) -> None:
    """Wait for the parent's word; without it, stop. After it, nobody reads what we would say."""
    if sys.stdin.readline().strip() == KEEP:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    else:
        stop.set()


def _watch_node(node: Node, stop: threading.Event) -> None:
    node.wait()
    stop.set()


def _say(report: Report) -> None:
    try:
        sys.stdout.write(report.line())
        sys.stdout.flush()
    except OSError:
        _log.warning("the process that started this stack is gone")


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError:
        raise LocalStackError(
            f"port {port} is taken by another program", hint="run it again: another port is chosen"
        ) from None


def _kibana(order: Order) -> Any:  # noqa: ANN401 - an ASGI application is whatever can be called so
    from entra_deployer.local.kibana import KibanaSettings, create_app  # noqa: PLC0415 - while the node starts

    url = f"http://{HOST}:{order.elasticsearch_port}"
    settings = KibanaSettings(url, USER, order.password, order.profile, order.license, order.run_rules, order.refresh)
    return create_app(settings)


class _Server:
    """The local Kibana API, served by a thread."""

    def __init__(self, server: "uvicorn.Server", listener: socket.socket) -> None:
        self._server = server
        self._thread = _in_background("kibana", lambda: server.run(sockets=[listener]))

    def stop(self) -> None:
        """Let running requests end, and close."""
        self._server.should_exit = True
        self._thread.join(2 * _KIBANA_STOP_TIMEOUT)


def _serve(app: Any, listener: socket.socket) -> _Server:  # noqa: ANN401 - as above
    import uvicorn  # noqa: PLC0415 - while the node starts

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="none",
        server_header=False,
        timeout_graceful_shutdown=_KIBANA_STOP_TIMEOUT,
    )
    return _Server(uvicorn.Server(config), listener)


def _kibana_ready(order: Order, stop: threading.Event) -> bool:
    """Wait until the Kibana API says that it is available; False where `stop` was set before."""
    for _ in range(int(_KIBANA_TIMEOUT / _ASK_PAUSE)):
        if _kibana_level(order) == "available":
            return True
        if stop.wait(_ASK_PAUSE):
            return False
    raise LocalStackError("the local Kibana API does not become available", hint=f"see {order.logs}/stack.log")


def _kibana_level(order: Order) -> str:
    connection = HTTPConnection(HOST, order.kibana_port, timeout=_ASK_TIMEOUT)
    try:
        connection.request("GET", "/api/status", headers={"Authorization": basic(order.password)})
        return str(json.loads(connection.getresponse().read())["status"]["overall"]["level"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError):
        return ""
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main())
