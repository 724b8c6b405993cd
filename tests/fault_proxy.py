"""A proxy in front of a server that loses, delays or refuses what a test says. It works before any HTTP server.

with FaultProxy("http://127.0.0.1:5601") as proxy:
    proxy.add(Fault(method="PUT", answer=503))
    ... requests to proxy.url ...
    assert proxy.writes() == []
"""

import http.client
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

_NOT_FORWARDED = {"connection", "transfer-encoding", "content-length", "keep-alive"}


class Request(NamedTuple):
    """A request as it came in; `type` is what its body is."""

    method: str
    path: str
    type: str
    body: bytes


class Seen(NamedTuple):
    """A request that came through, in the order of arrival, counted from 0."""

    number: int
    method: str
    path: str


@dataclass
class Fault:
    """What happens, `times` times, to the requests of a method, with a part of a path, that ask for a part of a body.

    `at` counts matching requests from 0. With `answer` the request is answered at once with that status and never
    forwarded; `cut` is "before" (the server never sees it) or "after" (it does its work, the answer is lost); `drips`
    are the seconds between two bytes of its answer; `act` is called before all that, in the proxy's thread.
    """

    method: str | None = None
    path: str = ""
    asks: bytes = b""
    at: int | None = None
    times: int = 1
    answer: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"
    cut: str | None = None
    drips: float = 0.0
    act: Callable[[], object] | None = None
    _matched: int = 0

    def strikes(self, seen: Seen, asked: bytes) -> bool:
        """Whether this request, with that body, is one that it happens to."""
        if self.method not in (None, seen.method) or self.path not in seen.path or self.asks not in asked:
            return False
        self._matched += 1
        if self.times <= 0 or (self.at is not None and self._matched - 1 < self.at):
            return False
        self.times -= 1
        return True


class FaultProxy:
    """A threaded proxy on a free port of this machine; `seen` holds every request, which `listen` is told whole."""

    def __init__(self, target: str, listen: Callable[[Request], None] | None = None) -> None:
        self._target = urlsplit(target)
        self._listen = listen or (lambda _: None)
        self._faults: list[Fault] = []
        self._lock = threading.Lock()
        self._answered = threading.Condition(self._lock)
        self._on_their_way = 0
        self.seen: list[Seen] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def port(self) -> int:
        """Where the proxy answers."""
        return self._server.server_port

    @property
    def url(self) -> str:
        """The address of its port."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "FaultProxy":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def add(self, fault: Fault) -> None:
        """Let it happen from now on."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all faults and all that was seen."""
        with self._lock:
            self._faults.clear()
            self.seen.clear()

    @contextmanager
    def on_its_way(self) -> Iterator[None]:
        """A request that came in and is not dealt with yet."""
        with self._lock:
            self._on_their_way += 1
        try:
            yield
        finally:
            with self._answered:
                self._on_their_way -= 1
                self._answered.notify_all()

    def settle(self) -> None:
        """Wait until nothing is on its way: the death of a process takes nothing back that it had sent."""
        with self._answered:
            assert self._answered.wait_for(lambda: not self._on_their_way, timeout=60)

    def writes(self, reads: tuple[str, ...] = ("/_export", "/_query", "/_search", "_has_privileges")) -> list[Seen]:
        """The requests that may have changed something: all but GET, HEAD and the POSTs that only read."""
        return [
            seen
            for seen in self.seen
            if seen.method not in ("GET", "HEAD") and not any(read in seen.path for read in reads)
        ]

    def _note(self, method: str, path: str, asked: bytes) -> Fault | None:
        with self._lock:
            seen = Seen(len(self.seen), method, path)
            self.seen.append(seen)
            return next((fault for fault in self._faults if fault.strikes(seen, asked)), None)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, proxy: FaultProxy, *arguments: Any) -> None:
        self._proxy = proxy
        super().__init__(*arguments)

    def _serve(self) -> None:
        with self._proxy.on_its_way():
            self._deal()

    def _deal(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        self._proxy._listen(Request(self.command, self.path, self.headers.get("content-type") or "", body))
        fault = self._proxy._note(self.command, self.path, body)
        if fault and fault.act:
            fault.act()
        if fault and fault.answer:
            self._reply(fault.answer, fault.headers, fault.body)
        elif fault and fault.cut == "before":
            self._cut()
        else:
            status, headers, answer = self._forward(body)
            if fault and fault.cut == "after":
                self._cut()
            else:
                self._reply(status, headers, answer, fault.drips if fault else 0.0)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the library's names

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        target = self._proxy._target
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        try:
            headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
            connection.request(self.command, self.path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def _reply(self, status: int, headers: dict[str, str], body: bytes, drips: float = 0.0) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if name.lower() not in _NOT_FORWARDED:
                self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        with suppress(ConnectionError):  # whoever asked may be gone
            self.end_headers()
            for part in (body[at : at + 1] for at in range(len(body))) if drips else (body,):
                if self.command != "HEAD":
                    self.wfile.write(part)
                time.sleep(drips)

    def _cut(self) -> None:
        self.close_connection = True
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
