"""The one door to the Elasticsearch underneath: JSON in, JSON out, a time-out on every request."""

import json
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, urlsplit

import msgspec
import urllib3

from entra_deployer.core.errors import LocalStackError
from entra_deployer.core.http import take_many_headers
from entra_deployer.core.json import worked_out
from entra_deployer.local.kibana.errors import ElasticsearchDown

LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
TIMEOUT: Final = urllib3.Timeout(connect=2.0, read=60.0)


class Cause(msgspec.Struct, frozen=True):
    """An error of Elasticsearch's, with what is behind it."""

    type: str | None = None
    reason: str | None = None
    caused_by: "Cause | None" = None
    root_cause: tuple["Cause", ...] = ()


class _Refusal(msgspec.Struct, frozen=True):
    error: Cause


@dataclass(frozen=True)
class Reply:
    """What Elasticsearch answered: its JSON, which `read` gives as a type."""

    status: int
    content: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return self.status < 400

    @property
    def error(self) -> Cause:
        """Why it refused."""
        return self.read(_Refusal).error

    def read[T](self, kind: type[T]) -> T:
        """The answer as a type. Raises msgspec.DecodeError for one of another form."""
        return msgspec.json.decode(self.content, type=worked_out(kind))


class Elastic:
    """Requests to one Elasticsearch, by the server's own account or on behalf of a caller.

    Raises LocalStackError for one on another machine.
    """

    def __init__(self, url: str, user: str, password: str) -> None:
        if urlsplit(url).hostname not in LOOPBACK:
            raise LocalStackError(f"the local Kibana API only works on an Elasticsearch of this machine, not on {url}")
        self._url = url.rstrip("/")
        self._own = urllib3.make_headers(basic_auth=f"{user}:{password}")["authorization"]
        take_many_headers()
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
        return Reply(answer.status, answer.data)

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()


def segment(text: str) -> str:
    """A text as one segment of a URL's path."""
    return quote(text, safe="")


def reason(error: Cause) -> str:
    """An Elasticsearch error as Kibana's client words it: type, causes and root causes on indented lines."""
    lines = [str(error.type)]
    if error.caused_by:
        lines += ["\tCaused by:", f"\t\t{_line(error.caused_by)}"]
    if error.root_cause:
        lines += ["\tRoot causes:", *(f"\t\t{_line(root)}" for root in error.root_cause)]
    return "\n".join(lines)


def _line(error: Cause) -> str:
    return f"{error.type}: {'null' if error.reason is None else error.reason}"
