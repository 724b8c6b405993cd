"""A page on the loopback interface that is drawn again when files change."""

import os
from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from entra_deployer.core.errors import DeployError, UsageError
from entra_deployer.core.text import visible

HOST = "127.0.0.1"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class ServedPage:
    """The page at `/`, and at `/version` what it was drawn from, for who asks for this machine by its own name.

    `draw` makes the page, `version` says in a few letters what it depends on; both are asked by one thread at a time.
    """

    def __init__(self, draw: Callable[[], str], version: Callable[[], str]) -> None:
        self._draw, self._version, self._lock = draw, version, Lock()
        self._page, self._drawn = "", ""

    def answer(self, host: str, port: int, path: str) -> tuple[HTTPStatus, str, str]:
        """Status, type and text for a path, by the Host header of who asks.

        A page of another name, which its DNS led here, gets nothing.
        """
        if host not in (f"{HOST}:{port}", f"localhost:{port}"):
            return HTTPStatus.MISDIRECTED_REQUEST, "text/plain", "ask for this server by its own name\n"
        if path not in ("/", "/version"):
            return HTTPStatus.NOT_FOUND, "text/plain", "there is nothing here\n"
        with self._lock:
            version = self._version()
            return (HTTPStatus.OK, "text/plain", version) if path == "/version" else self._drawn_for(version)

    def _drawn_for(self, version: str) -> tuple[HTTPStatus, str, str]:
        if version != self._drawn:
            try:
                self._page = self._draw()
            except DeployError as error:
                return HTTPStatus.INTERNAL_SERVER_ERROR, "text/plain", f"error: {visible(str(error))}\n"
            self._drawn = version
        return HTTPStatus.OK, "text/html", self._page


class PageServer(ThreadingHTTPServer):
    """Serves a page to this machine. Raises UsageError for a port that is taken; 0 is any."""

    daemon_threads = True

    def __init__(self, page: ServedPage, port: int = 0) -> None:
        self.page = page
        try:
            super().__init__((HOST, port), _Handler)
        except OSError as error:
            raise UsageError(f"port {port} cannot be used: {error.strerror}", hint="name another one") from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        port = int(self.server.server_address[1])
        status, kind, text = self.server.page.answer(self.headers.get("Host", ""), port, self.path)
        data = text.encode()
        self.send_response(status)
        for name, value in {**_HEADERS, "Content-Type": f"{kind}; charset=utf-8"}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def version_string(self) -> str:
        return "entra-deployer"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class has it so
        """Requests are nothing to tell."""


def version_of(folders: Iterable[Path]) -> str:
    """What stands for the files of some folders: it changes when one of them does."""
    from entra_deployer.core.cache import digest

    parts = []
    for top in folders:
        for folder, inner, files in os.walk(top):
            inner.sort()
            for name in sorted(files):
                try:
                    status = Path(folder, name).stat()
                except OSError:
                    continue
                parts.append(
                    f"{folder}/{name} {status.st_size} {status.st_mtime_ns}".encode("utf-8", "surrogateescape")
                )
    return digest(parts)
