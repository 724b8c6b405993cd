"""The one door to the Elasticsearch underneath: JSON in, JSON out, a time-out on every request."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import urllib3

from entra_deployer.core.errors import LocalStackError
from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana.errors import ElasticsearchDown

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
TIMEOUT: Final = urllib3.Timeout(connect=2.0, read=60.0)


@dataclass(frozen=True)
class Reply:
    """What Elasticsearch answered. `body` is its JSON; `warnings` are the texts of its Warning headers."""

    status: int
    body: Json
    warnings: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return self.status < 400


class Elastic:
    """Requests to one Elasticsearch, by the server's own account or on behalf of a caller.

    Raises LocalStackError for one on another machine.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        if urlsplit(url).hostname not in LOOPBACK:
            raise LocalStackError(f"the local Kibana API only works on an Elasticsearch of this machine, not on {url}")
        self._url = url.rstrip("/")
        self._own = urllib3.make_headers(basic_auth=f"{user}:{password}")["authorization"]
        self._pool = urllib3.PoolManager(maxsize=32, block=False, timeout=TIMEOUT, retries=False)

    def call(self, method: str, path: str, body: object = None, *, caller: str | None = None) -> Reply:
        """Send one request; `caller` is an Authorization header to act by instead of the server's own.

        A list body is sent as lines of JSON (the _bulk format). Raises ElasticsearchDown without an answer.
        """
        headers = {"authorization": caller or self._own, "content-type": "application/json"}
        data = None
        if isinstance(body, list):
            headers["content-type"] = "application/x-ndjson"
            data = "".join(json.dumps(line) + "\n" for line in body).encode()
        elif body is not None:
            data = json.dumps(body).encode()
        try:
            answer = self._pool.request(method, self._url + path, body=data, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise ElasticsearchDown(type(error).__name__) from error
        return Reply(answer.status, _parsed(answer.data), tuple(answer.headers.getlist("warning")))

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def segment(text: str) -> str:
    """A text as one segment of a URL's path."""
    return quote(text, safe="")


def _parsed(data: bytes) -> Json:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")


def reason(error: Json) -> str:
    """An Elasticsearch error as Kibana's client words it: type, causes and root causes on indented lines."""
    lines = [str(error.get("type"))]
    cause = error.get("caused_by")
    if cause:
        lines += ["\tCaused by:", f"\t\t{cause.get('type')}: {_reason(cause)}"]
    roots = error.get("root_cause") or []
    if roots:
        lines.append("\tRoot causes:")
        lines += [f"\t\t{root.get('type')}: {_reason(root)}" for root in roots]
    return "\n".join(lines)


def _reason(error: Json) -> str:
    value = error.get("reason")
    return "null" if value is None else str(value)
