"""A local Kibana API of a test's own, over the shared stack's Elasticsearch, and a plain way to ask it."""

import json
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import urllib3
import uvicorn

from entra_deployer.local.kibana import KibanaSettings, create_app
from entra_deployer.local.stack import LocalStack

BOUNDARY = "----boundary"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]

    @property
    def message(self) -> Any:
        return self.body["message"]


@dataclass
class Server:
    """Requests by the stack's own user, unless a test says otherwise."""

    url: str
    user: str
    password: str = field(repr=False)
    profile: str = ""

    def __post_init__(self) -> None:
        self.pool = urllib3.PoolManager(maxsize=20, retries=False, timeout=30)

    def ask(self, method: str, path: str, body: Any = None, **headers: str | None) -> Answer:
        """One request; a header of None is left out, an underscore in its name is a hyphen."""
        login = urllib3.make_headers(basic_auth=f"{self.user}:{self.password}")["authorization"]
        sent: dict[str, str | None] = {"authorization": login, "kbn-xsrf": "tests", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        kept = {name: value for name, value in sent.items() if value is not None}
        answer = self.pool.request(method, self.url + path, body=data, headers=kept, redirect=False)
        return Answer(
            answer.status, _parsed(answer.data), {name.lower(): value for name, value in answer.headers.items()}
        )

    def upload(self, path: str, lines: list[Any], name: str = "file.ndjson", part: str = "file", **headers) -> Answer:
        """A file of lines, each JSON or the text of a broken one."""
        text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{part}"; filename="{name}"\r\n'
        body = f"{head}Content-Type: application/ndjson\r\n\r\n{text}\r\n--{BOUNDARY}--\r\n".encode()
        return self.ask("POST", path, body, content_type=f"multipart/form-data; boundary={BOUNDARY}", **headers)


@contextmanager
def serving(
    stack: LocalStack,
    profile: str = "8.19",
    license_type: str = "platinum",
    elasticsearch_url: str | None = None,
    refresh: str = "",
) -> Iterator[Server]:
    """A freshly started server with a memory of its own, which is forgotten afterwards."""
    state = f".test-kibana-{uuid.uuid4().hex[:8]}"
    url = elasticsearch_url or stack.elasticsearch_url
    settings = KibanaSettings(url, stack.user, stack.password, profile, license_type, refresh=refresh, state=state)
    app = create_app(settings)
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none")
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]))
        thread.start()
        try:
            running = Server(f"http://127.0.0.1:{listener.getsockname()[1]}", stack.user, stack.password, profile)
            running.ask("GET", "/api/status")  # answered when it has started
            yield running
        finally:
            server.should_exit = True
            thread.join()
            elastic = Server(stack.elasticsearch_url, stack.user, stack.password)
            for kind in ("rules", "objects", "things"):
                elastic.ask("DELETE", f"/{state}-{kind}")


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
