"""HTTP as both servers are asked: who we are, which proxy and certificates, one deadline a request."""

import io
import time
from base64 import b64encode
from collections.abc import Buffer
from http.client import HTTPResponse
from pathlib import Path
from socket import socket
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.utils import get_environ_proxies, select_proxy
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, disable_warnings
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import InsecureRequestWarning

from entra_deployer.core.errors import InputError
from entra_deployer.core.http import take_many_headers
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme

_POOL = 32
"""Connections to one server that are kept open: as many as there are writes at a time."""


def open_session(endpoint: Endpoint, transport: BaseAdapter | None = None) -> requests.Session:
    """A session with one server; nothing is sent yet. `transport` takes the place of the network.

    What the environment's file says goes before what the shell says: no ~/.netrc, no proxy before a server on this
    very machine. Raises InputError for a certificate file that is not there.
    """
    take_many_headers()
    session = requests.Session()
    session.trust_env = endpoint.proxy is None and not endpoint.is_loopback
    session.auth = _Authorization(endpoint.credentials)
    if endpoint.proxy:
        session.proxies = {"http": endpoint.proxy, "https": endpoint.proxy}
    for name in ("ca", "certificate", "key"):
        path = getattr(endpoint, name)
        if path and not Path(path).is_file():
            raise InputError(f"there is no file {path}", hint=f"{name} of the environment names a PEM file")
    if endpoint.certificate:
        session.cert = (endpoint.certificate, endpoint.key) if endpoint.key else endpoint.certificate
    if not endpoint.verify:
        disable_warnings(InsecureRequestWarning)  # whoever opens the connection warns, once and in our words
    adapter = transport or _Adapter(pool_maxsize=_POOL)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def verification(endpoint: Endpoint) -> bool | str:
    """What `requests` is to check a certificate by. It goes with each request: REQUESTS_CA_BUNDLE beats a session's."""
    return (endpoint.ca or True) if endpoint.verify else False


def proxy_of(endpoint: Endpoint) -> str:
    """The proxy that requests to this server go through, without user and password; "" for none."""
    found = endpoint.proxy
    if found is None and not endpoint.is_loopback:
        found = select_proxy(endpoint.url, get_environ_proxies(endpoint.url))
    scheme, mark, rest = (found or "").rpartition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}"


class _Authorization(requests.auth.AuthBase):
    """The Authorization header of an environment."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        credentials = self._credentials
        match credentials.scheme:
            case Scheme.BASIC:
                pair = f"{credentials.user}:{credentials.secret}".encode()
                value = f"Basic {b64encode(pair).decode()}"
            case Scheme.API_KEY:
                value = f"ApiKey {credentials.secret}"
            case Scheme.BEARER:
                value = f"Bearer {credentials.secret}"
        request.headers["Authorization"] = value
        return request


class _DeadlineReader(io.RawIOBase):
    """Reads from a socket until a deadline: a time-out of the socket alone would begin anew with every byte."""

    def __init__(self, stream: io.RawIOBase, sock: socket, seconds: float) -> None:
        self._stream = stream
        self._socket = sock
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer, /) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the request is over")
        self._socket.settimeout(left)
        return self._stream.readinto(buffer)

    def close(self) -> None:
        self._stream.close()
        super().close()


class _DeadlineResponse(HTTPResponse):
    """An answer whose head and body together must be here within the time-out that the socket has when it is read."""

    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - http.client's own
        super().__init__(sock, *arguments, **options)
        if (seconds := sock.gettimeout()) is not None:
            self.fp = io.BufferedReader(_DeadlineReader(self.fp.detach(), sock, seconds))


class _Connection(HTTPConnection):
    response_class = _DeadlineResponse


class _TlsConnection(HTTPSConnection):
    response_class = _DeadlineResponse


class _ConnectionPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsConnectionPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Adapter(HTTPAdapter):
    """The network, with a deadline over each answer."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 - the library's signature
        """Make connections of ours."""
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - the library's signature
        """Make connections of ours behind a proxy too."""
        manager = super().proxy_manager_for(*arguments, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager


_POOLS = {"http": _ConnectionPool, "https": _TlsConnectionPool}
