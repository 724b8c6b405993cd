"""HTTP to Kibana: headers, time-outs, safe retries, and its two dialects of error put into our exceptions."""

import json
from base64 import b64encode
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import Retry, disable_warnings
from urllib3.exceptions import (
    ConnectTimeoutError,
    InsecureRequestWarning,
    NameResolutionError,
    NewConnectionError,
    SSLError,
)

from entra_deployer.core.errors import AnswerLost, Refused, Unreachable, UnsupportedVersion
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion
from entra_deployer.objects.rule_fields import OLDEST
from entra_deployer.stack.environment import Endpoint, Scheme

_API_VERSION = "2023-10-31"
_RETRIES = 4
_BACKOFF_SECONDS = 0.4
_POOL = 32
_DATE_LENGTH = len("Wed, 25 Nov 2026 00:20:47 GMT")
"""A gateway may add a second Date behind the first."""


class KibanaClient:
    """A session with one Kibana. Reads are retried; of writes only those that cannot have happened are.

    Every method raises Unreachable where there is no answer, AnswerLost where a write was sent and its answer never
    came, and Refused with Kibana's own message where the answer is no.
    """

    def __init__(self, endpoint: Endpoint, transport: BaseAdapter | None = None) -> None:
        """`transport` takes the place of the network; tests bring their own."""
        self.url = endpoint.url.rstrip("/")
        self._timeout = (min(10.0, endpoint.timeout), endpoint.timeout)
        self._verify: bool | str = (endpoint.ca or True) if endpoint.verify else False
        if not endpoint.verify:
            disable_warnings(InsecureRequestWarning)  # whoever opens the connection warns, once and in our words
        self._session = _session(endpoint, transport or HTTPAdapter(max_retries=_SafeRetry(), pool_maxsize=_POOL))

    def __enter__(self) -> Self:
        """Use the client in a with block; the connections are closed at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connections."""
        self._session.close()

    def get(self, path: str, *, space: str = "default", params: Mapping[str, Any] | None = None) -> Json:
        """GET and return the JSON body."""
        return self._decoded(self._send("GET", path, space, params=params))

    def post(
        self, path: str, body: Json = None, *, space: str = "default", params: Mapping[str, Any] | None = None
    ) -> Json:
        """POST JSON and return the JSON body."""
        return self._decoded(self._send("POST", path, space, params=params, json=body))

    def put(self, path: str, body: Json, *, space: str = "default") -> Json:
        """PUT JSON and return the JSON body."""
        return self._decoded(self._send("PUT", path, space, json=body))

    def delete(self, path: str, *, space: str = "default", params: Mapping[str, Any] | None = None) -> Json:
        """DELETE and return the JSON body."""
        return self._decoded(self._send("DELETE", path, space, params=params))

    def upload(
        self, path: str, lines: Iterable[Json], *, space: str = "default", params: Mapping[str, Any] | None = None
    ) -> Json:
        """POST objects as an .ndjson file, the form that Kibana's imports take, and return the JSON body."""
        text = "".join(json.dumps(line, ensure_ascii=False, sort_keys=True) + "\n" for line in lines)
        files = {"file": ("import.ndjson", text.encode(), "application/ndjson")}
        return self._decoded(self._send("POST", path, space, params=params, files=files))

    def export(self, path: str, body: Json, *, space: str = "default") -> list[Json]:
        """POST to one of Kibana's exports and return its lines, the closing summary included."""
        answer = self._send("POST", path, space, json=body)
        return [json.loads(line) for line in answer.content.decode("utf-8").splitlines() if line.strip()]

    def version(self) -> StackVersion:
        """The version of the stack. UnsupportedVersion below the oldest that we know."""
        status = self.get("/api/status")
        number = status.get("version", {}).get("number") if isinstance(status, dict) else None
        if not number:
            raise Refused(
                f"Kibana at {self.url} tells its version only to those it knows: the credentials are not valid there",
                status=401,
                hint="check the user, password or API key of this environment",
            )
        version = StackVersion.parse(number)
        if version < OLDEST:
            raise UnsupportedVersion(
                f"Kibana at {self.url} is version {version}", hint=f"ES|QL rules need {OLDEST} or newer"
            )
        return version

    def clock(self) -> datetime | None:
        """Kibana's clock, to the second, by the Date header of an answer; None where a proxy took it out."""
        told = self._send("GET", "/api/status", "default").headers.get("date", "")
        try:
            found = parsedate_to_datetime(told[:_DATE_LENGTH])
        except ValueError:
            return None
        return found if found.tzinfo else None

    def _send(self, method: str, path: str, space: str, **request: Json) -> requests.Response:
        prefix = "" if space == "default" else f"/s/{space}"
        try:
            # `verify` goes with each request: a session's own would yield to REQUESTS_CA_BUNDLE
            answer = self._session.request(
                method, f"{self.url}{prefix}{path}", timeout=self._timeout, verify=self._verify, **request
            )
        except requests.RequestException as error:
            raise self._no_answer(method, error) from error
        if answer.ok:
            return answer
        raise self._refusal(method, path, answer)

    def _no_answer(self, method: str, error: requests.RequestException) -> Unreachable:
        cause = getattr(error.args[0], "reason", None) if error.args else None
        never_sent = isinstance(cause, NewConnectionError | ConnectTimeoutError | SSLError)
        reason = _reason(error, cause)
        if isinstance(error, requests.exceptions.SSLError):
            hint = "name its authority's PEM file under ca"
        else:
            hint = "is it running, and is kibana.url right?"
        if method == "GET" or never_sent:
            return Unreachable(f"no answer from Kibana at {self.url}: {reason}", hint=hint)
        return AnswerLost(f"no answer from Kibana at {self.url} to a write that may have happened: {reason}", hint=hint)

    def _refusal(self, method: str, path: str, answer: requests.Response) -> Unreachable | Refused:
        message = _message(answer)
        if answer.status_code == 503:
            return Unreachable(f"Kibana at {self.url} is not ready: {message}", hint="try again in half a minute")
        if answer.status_code in (502, 504) and method != "GET":
            return AnswerLost(f"a gateway before Kibana at {self.url} gave up: {message}")
        hint = None
        if answer.status_code == 401:
            hint = "check the user, password or API key; Kibana also says this while its Elasticsearch is down"
        elif answer.status_code == 403:
            hint = "this key or user lacks a privilege: `deploy doctor` tells which"
        where = path.partition("?")[0]
        return Refused(
            f"Kibana said {answer.status_code} to {method} {where}: {message}",
            status=answer.status_code,
            hint=hint,
            attributes=_attributes(answer),
        )

    @staticmethod
    def _decoded(answer: requests.Response) -> Json:
        if not answer.content:
            return None
        try:
            return answer.json()
        except requests.exceptions.JSONDecodeError as error:
            raise Refused(
                f"{answer.url.partition('?')[0]} did not answer with JSON",
                status=answer.status_code,
                hint="is it a Kibana?",
            ) from error


def _session(endpoint: Endpoint, transport: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.trust_env = endpoint.proxy is None and not endpoint.is_loopback
    session.headers.update({"kbn-xsrf": "entra-deployer", "elastic-api-version": _API_VERSION})
    credentials = endpoint.credentials
    match credentials.scheme:
        case Scheme.BASIC:
            pair = f"{credentials.user}:{credentials.secret}".encode()
            session.auth = _Header(f"Basic {b64encode(pair).decode()}")
        case Scheme.API_KEY:
            session.auth = _Header(f"ApiKey {credentials.secret}")
        case Scheme.BEARER:
            session.auth = _Header(f"Bearer {credentials.secret}")
    if endpoint.certificate:
        session.cert = (endpoint.certificate, endpoint.key) if endpoint.key else endpoint.certificate
    if endpoint.proxy:
        session.proxies = {"http": endpoint.proxy, "https": endpoint.proxy}
    session.mount("http://", transport)
    session.mount("https://", transport)
    return session


class _SafeRetry(Retry):
    """Repeats a read without an answer, and whatever Kibana says it did not take (429, `retry-after` obeyed)."""

    def __init__(self, **settings: Json) -> None:
        defaults: Json = {
            "total": _RETRIES,
            "connect": 1,
            "other": 0,  # a certificate that is not trusted now will not be in a second
            "backoff_factor": _BACKOFF_SECONDS,
            "backoff_jitter": _BACKOFF_SECONDS,
            "allowed_methods": frozenset({"GET"}),
            "raise_on_status": False,
        }
        super().__init__(**(defaults | settings))

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: ARG002, FBT001, FBT002 - urllib3's signature
        """429 was not taken, whatever the method; a gateway's failure is repeated for reads alone."""
        return status_code == 429 or (method == "GET" and status_code in (502, 504))


class _Header(requests.auth.AuthBase):
    """An Authorization header that stays ours whatever a netrc file says."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


def _reason(error: requests.RequestException, cause: object) -> str:
    """A failed connection in a few words; never the library's own text, which quotes whole URLs."""
    for kind, words in _REASONS:
        if isinstance(cause, kind) or isinstance(error, kind):
            return words
    return "the connection broke"


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (requests.exceptions.SSLError, "its certificate is not trusted"),
    (requests.Timeout, "no answer in time"),
    (NameResolutionError, "the host name is not known"),
    (NewConnectionError, "connection refused"),
    (requests.exceptions.ProxyError, "the proxy did not let it through"),
    (requests.exceptions.InvalidURL, "that is not a URL"),
    (requests.exceptions.MissingSchema, "that is not a URL"),
)


def _attributes(answer: requests.Response) -> Mapping[str, Json]:
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return {}
    attributes = body.get("attributes") if isinstance(body, dict) else None
    return attributes if isinstance(attributes, dict) else {}


def _message(answer: requests.Response) -> str:
    """Kibana's own words: the core says {error, message}, the detection engine a string, a list or {errors: [...]}."""
    try:
        body = answer.json()
    except requests.exceptions.JSONDecodeError:
        return (answer.text.strip().splitlines() or [answer.reason or "no message"])[0][:200]
    message = body.get("message", body) if isinstance(body, dict) else body
    if isinstance(message, dict):
        message = message.get("errors", message)
    if isinstance(message, list):
        message = "; ".join(str(item) for item in message)
    return " ".join(str(message).split())[:500]
