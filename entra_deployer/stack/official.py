"""Elastic's own client, which knows each request's path, speaking through a server of ours.

Its synchronous half alone is loaded; the other, as large again, is loaded where somebody asks for it.
"""

import json
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import TYPE_CHECKING, Final, cast

from entra_deployer.core.json import Json, encode_json
from entra_deployer.stack.server import ServerSession

if TYPE_CHECKING:
    from elastic_transport import Transport, TransportApiResponse
    from elasticsearch import Elasticsearch

_ASYNCHRONOUS: Final = {
    "elastic_transport": "elastic_transport._async_transport",
    "elasticsearch": "elasticsearch._async.client",
}
"""The module of each package that holds its asynchronous half; where there is none such, all is loaded."""


def official_client(server: ServerSession) -> "Elasticsearch":
    """A client whose requests `server` sends, in place of its own nodes, pools and retries."""
    _load()
    from elasticsearch import Elasticsearch  # noqa: PLC0415 - see above

    return Elasticsearch(_transport=cast("Transport", _Carrier(server)))


class _Carrier:
    """Takes the client's requests to a server of ours."""

    def __init__(self, server: ServerSession) -> None:
        self._server = server

    def perform_request(
        self, method: str, target: str, *, body: Json = None, headers: Mapping[str, str] | None = None, **_: Json
    ) -> "TransportApiResponse":
        """Send one request. The answer itself is the body; what is not 2xx is raised, but for a HEAD's 404."""
        from elastic_transport import (  # noqa: PLC0415 - see above
            ApiResponseMeta,
            HttpHeaders,
            NodeConfig,
            TransportApiResponse,
        )

        answer = self._server.ask(method, target, data=_encoded(body), headers=dict(headers or {}))
        if not answer.ok and not (method == "HEAD" and answer.status == 404 and answer.content_type != "text/html"):
            raise self._server.refusal(answer)
        if method == "HEAD" and answer.content_type == "text/html":
            raise self._server.diagnosis.unexpected(answer, "a status alone")
        told = HttpHeaders({"x-elastic-product": "Elasticsearch"})  # who answered is judged by the answer's type
        nowhere = NodeConfig("http", "localhost", 9200)  # it is never spoken to
        return TransportApiResponse(ApiResponseMeta(answer.status, "1.1", told, 0.0, nowhere), answer)


def _encoded(body: Json) -> bytes | None:
    """A body as JSON; a list goes as lines, the form that a bulk takes."""
    if body is None:
        return None
    if isinstance(body, list | tuple):
        return b"".join(_written(line) + b"\n" for line in body)
    return _written(body)


def _written(value: Json) -> bytes:
    """A value as JSON, with its keys in order; half of a character, which nobody can send, becomes a question mark."""
    try:
        return encode_json(value, ordered=True)
    except (UnicodeError, TypeError, OverflowError):
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")


_one_at_a_time = Lock()


def _load() -> None:
    """Import the client, where nobody has, with a stand-in for each asynchronous half."""
    with _one_at_a_time:
        if "elasticsearch" in sys.modules:
            return
        stand_ins = {name: _StandIn(half) for name, half in _ASYNCHRONOUS.items() if half not in sys.modules}
        sys.modules.update({one.__name__: one for one in stand_ins.values()})
        try:
            import_module("elasticsearch")
        finally:
            for package, stand_in in stand_ins.items():
                _take_out(package, stand_in)


class _StandIn(ModuleType):
    """In the place of a module while others are imported: it has each name that they ask it for."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.asked: dict[str, type] = {}

    def __getattr__(self, name: str) -> type:
        """A class of that name, with nothing in it."""
        if name.startswith("__"):
            raise AttributeError(name)
        return self.asked.setdefault(name, type(name, (), {}))


def _take_out(package: str, stand_in: _StandIn) -> None:
    """Leave nothing of a stand-in; its package loads the true module where one of its names is asked for."""
    if sys.modules.get(stand_in.__name__) is stand_in:
        del sys.modules[stand_in.__name__]
    above, _, own = stand_in.__name__.rpartition(".")
    with suppress(KeyError, AttributeError):
        delattr(sys.modules[above], own)
    held = vars(sys.modules[package]) if package in sys.modules else {}
    names = frozenset(name for name, made in stand_in.asked.items() if held.get(name) is made)
    for name in names:
        del held[name]
    if names:
        held["__getattr__"] = _late(package, stand_in.__name__, names)


def _late(package: str, half: str, names: frozenset[str]) -> Callable[[str], object]:
    """What a package answers for a name that it does not hold: see PEP 562."""

    def ask(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(half), name)

    return ask
