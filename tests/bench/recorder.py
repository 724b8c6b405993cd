"""What a command sends to its servers, written down for a floor that sends the same and does nothing else."""

import base64
import http.client
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from entra_deployer.local.stack import LocalStack
from entra_deployer.local.state import StackFolder, StackState

_NOT_FORWARDED = ("host", "connection", "transfer-encoding", "content-length", "accept-encoding")


@dataclass(frozen=True)
class Sent:
    """A request as it was sent; `type` is what its body is."""

    server: str
    method: str
    path: str
    type: str
    body: bytes


class Recorder:
    """A proxy on a free port of this machine; `sent` holds every request, in the order of arrival."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.sent: list[Sent] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where it answers."""
        return self._server.server_port

    def __enter__(self) -> "Recorder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, recorder: Recorder, *rest: Any) -> None:
        self._recorder = recorder
        super().__init__(*rest)

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _forward(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self._recorder.target)
        kind = self.headers.get("Content-Type", "")
        self._recorder.sent.append(Sent(self._recorder.target, self.command, self.path, kind, body))
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=300)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _NOT_FORWARDED}
            connection.request(self.command, self.path, body or None, headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        self.send_response(response.status)
        for name, value in response.getheaders():
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _forward  # noqa: N815 - as the base class calls them


@contextmanager
def recorded(root: Path, stack: LocalStack) -> Iterator[list[Sent]]:
    """Between the project's commands and its local stack: what they send meanwhile, once it is over."""
    folder = StackFolder(root, stack.name)
    state = folder.read()
    if state is None:
        raise RuntimeError(f"no stack in {root}")
    sent: list[Sent] = []
    with Recorder(stack.kibana_url) as kibana, Recorder(stack.elasticsearch_url) as elastic:
        folder.write(_moved(state, kibana.port, elastic.port))
        try:
            yield sent
        finally:
            folder.write(state)
        sent += [*elastic.sent, *kibana.sent]


def _moved(state: StackState, kibana: int, elastic: int) -> StackState:
    return replace(state, kibana_port=kibana, elasticsearch_port=elastic)


def write_phases(file: Path, phases: Iterable[Iterable[Sent]]) -> None:
    """What `floors/replay.py` reads: phases one after another, the requests of a phase side by side."""
    lines = (
        json.dumps(
            {
                "phase": number,
                "url": f"{one.server}{one.path}",
                "method": one.method,
                "type": one.type,
                "body": base64.b64encode(one.body).decode(),
            }
        )
        for number, phase in enumerate(phases)
        for one in phase
    )
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")
