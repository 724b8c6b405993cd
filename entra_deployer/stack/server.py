"""One HTTP server of an environment: requests with tries, waits and one deadline; every failure in our words."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests
from msgspec import Struct, field
from requests.adapters import BaseAdapter
from urllib3 import Timeout
from urllib3.exceptions import HTTPError

from entra_deployer.core.errors import DeployError, InputError
from entra_deployer.stack.diagnosis import Answer, Diagnosis, Product, is_read
from entra_deployer.stack.environment import Credentials, Endpoint
from entra_deployer.stack.failures import Failure, failure_of
from entra_deployer.stack.http import open_session, proxy_of, verification

MOST_BYTES = 40_000_000
"""A longer answer is not read: no answer that we ask for is near it."""

LONGEST_WAIT = 60.0
"""Seconds that a server may ask us to wait; one that asks for more ends the command."""

_TRIES = 5
_CONNECT_SECONDS = 10.0
_BACKOFF_SECONDS = 0.4
_CHUNK = 65_536


class Pauses(Struct, frozen=True):
    """How tries are spread: `pause` sleeps for so many seconds, `tell` gets a line before it does."""

    pause: Callable[[float], None] = time.sleep
    tell: Callable[[str], None] = field(default=lambda _: None)


class ServerSession:
    """A session with one server. Reads are tried again; a write only where the server cannot have taken it.

    Redirects are not followed: a write must not go anywhere else, and what redirects a read is no API.
    """

    def __init__(
        self,
        product: Product,
        endpoint: Endpoint,
        transport: BaseAdapter | None = None,
        pauses: Pauses = Pauses(),  # noqa: B008 - it is frozen
    ) -> None:
        """`transport` takes the place of the network; tests bring their own."""
        parts = urlsplit(endpoint.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or not _has_port(endpoint.url):
            hint = f"{product.setting} is http(s)://host[:port][/path]"
            raise InputError(f"the address of {product} is no URL: {place(endpoint)}", hint=hint)
        self.endpoint = endpoint
        self.url = place(endpoint)
        self._session = open_session(endpoint, transport)
        self._pauses = pauses
        self._product = product
        self._transport = transport
        self._diagnosis = Diagnosis(product, self.url, endpoint, proxy_of(endpoint))

    @property
    def diagnosis(self) -> Diagnosis:
        """What a failure or a strange answer of this server means."""
        return self._diagnosis

    def set_headers(self, headers: Mapping[str, str]) -> None:
        """Send these headers with every request."""
        self._session.headers.update(headers)

    def acting_as(self, credentials: Credentials) -> "ServerSession":
        """A session with the same server as somebody else."""
        return ServerSession(
            self._product, replace(self.endpoint, credentials=credentials), self._transport, self._pauses
        )

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def ask(self, method: str, path: str, **request: Any) -> Answer:  # noqa: ANN401 - what requests takes
        """Send a request and return the answer, whatever its status.

        Raises Unreachable where there is none, AnswerLost where the server may have done a write all the same.
        """
        reads = is_read(method, path)
        tried = 0
        while True:
            tried += 1
            outcome = self._try(method, path, request)
            wait = self._wait(outcome, reads=reads, tried=tried)
            if wait is None:
                break
            self._pause(outcome, wait, tried)
        if isinstance(outcome, Failure):
            raise self._diagnosis.no_answer(method, path, outcome, tried, reads=reads)
        return outcome

    def refusal(self, answer: Answer) -> DeployError:
        """An answer that says no, as an exception."""
        return self._diagnosis.refusal(answer)

    def _try(self, method: str, path: str, request: Mapping[str, Any]) -> Answer | Failure:
        seconds = self.endpoint.timeout
        limit = Timeout(total=seconds, connect=min(_CONNECT_SECONDS, seconds))
        try:
            answer = self._session.request(
                method,
                f"{self.url}{path}",
                timeout=limit,  # type: ignore[arg-type] # requests passes an urllib3 time-out on as it is
                verify=verification(self.endpoint),
                allow_redirects=False,
                stream=True,
                **request,
            )
            body, whole = _read(answer)
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            return failure_of(error, seconds)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return Answer(method, path, answer.status_code, headers, body, whole=whole)

    def _wait(self, outcome: Answer | Failure, *, reads: bool, tried: int) -> float | None:
        """The seconds until the next try; None where there is none."""
        if isinstance(outcome, Failure):
            tries = outcome.tries_of_a_read if reads else outcome.tries_of_a_write
            return _backoff(tried) if tried < tries else None
        if tried >= _TRIES or not (outcome.status == 429 or (reads and outcome.status in (502, 503, 504))):
            return None
        asked = retry_after(outcome)
        if asked is None:
            return _backoff(tried)
        return asked if asked <= LONGEST_WAIT else None

    def _pause(self, outcome: Answer | Failure, seconds: float, tried: int) -> None:
        why = outcome.words if isinstance(outcome, Failure) else f"it said {outcome.status}"
        self._pauses.tell(f"{self._diagnosis.who}: {why}; trying again in {seconds:.0f} s (try {tried + 1})")
        self._pauses.pause(seconds)


def _has_port(url: str) -> bool:
    """Whether the port of a URL is a number, where it has one."""
    try:
        return urlsplit(url).port != 0
    except ValueError:
        return False


def place(endpoint: Endpoint) -> str:
    """The server's address without user, password or query."""
    parts = urlsplit(endpoint.url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def retry_after(answer: Answer) -> float | None:
    """The seconds that a server asks us to wait, by its own clock where it names a time; None where it asks nothing."""
    told = answer.headers.get("retry-after", "").strip()
    if told.isdecimal() and told.isascii():
        return float(told)
    until, now = _date(told), _date(answer.headers.get("date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds()) if until else None


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _backoff(tried: int) -> float:
    return _BACKOFF_SECONDS * float(2 ** (tried - 1)) * random.uniform(1, 2)  # noqa: S311 - it spreads tries, no more


def _read(answer: requests.Response) -> tuple[bytes, bool]:
    """The body, at most MOST_BYTES of it, and whether that is all."""
    parts: list[bytes] = []
    length = 0
    while chunk := answer.raw.read1(_CHUNK, decode_content=True):
        parts.append(chunk)
        length += len(chunk)
        if length > MOST_BYTES:
            answer.close()
            return b"".join(parts), False
    answer.raw.release_conn()
    return b"".join(parts), True
