"""What may happen to a request: each fault is given the stack, the request, and what serves it."""

import json
import resource
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import requests
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import ReadTimeoutError

from entra_deployer.__main__ import Terminated
from entra_deployer.core.errors import DeployError
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.stack.privileges import LEDGER as INDEX
from tests.chaos.stack import HERE, Killed, gone
from tests.memory_stack import ELASTIC_URL
from tests.stack.script import response

JSON = {"content-type": "application/json"}
HTML = b"<!DOCTYPE html><html><title>Log in</title></html>"


@dataclass(frozen=True)
class Fault:
    """`strike(stack, request, serve)` answers or raises; with `lives` the process that it strikes is alive at the end.

    `after` says of the stack what is wrong as soon as the command is over, "" where nothing is.
    """

    strike: Callable[..., Any]
    lives: bool = False
    after: Callable[[Any], str] = lambda _stack: ""

    def __call__(self, stack, request, serve):
        return self.strike(stack, request, serve)


# -- the line and the servers ----------------------------------------------------------------------------------------


def _raises(error):
    def strike(_stack, _request, _serve):
        raise error

    return Fault(strike)


def _raises_after(error):
    def strike(_stack, request, serve):
        serve(request)
        raise error

    return Fault(strike)


RESET = requests.exceptions.ConnectionError(("Connection aborted.", ConnectionResetError(104, "reset")))
SILENT = requests.exceptions.ReadTimeout("too long")


def _answers(status, body=b"{}", **headers):
    return Fault(lambda _stack, request, _serve: response(request, status, body, JSON | headers))


def _answers_after(status, body=b"{}", **headers):
    def strike(_stack, request, serve):
        serve(request)
        return response(request, status, body, JSON | headers)

    return Fault(strike)


class _Flood:
    """A body of 50 MB, made as it is read."""

    def __init__(self):
        self._left = 50_000_000

    def read1(self, size, **_):
        size = min(size, self._left)
        self._left -= size
        return b" " * size

    def release_conn(self):
        """There is no connection."""

    close = release_conn


class _Drip(_Flood):
    """A body of which a byte comes now and then, until the time of the request is over."""

    def __init__(self):
        self._bytes = iter(b'{"da')

    def read1(self, size, **_):
        for one in self._bytes:
            return bytes([one])
        raise ReadTimeoutError(HTTPConnectionPool("memory"), "/", "the deadline of the request is over")


def _with_body(make):
    def strike(_stack, request, serve):
        serve(request)
        found = response(request, 200, b"", JSON)
        found.raw = make()
        return found

    return Fault(strike)


def _lasts(answer):
    def strike(stack, request, serve):
        stack.lasting = answer
        return answer(request) or serve(request)

    return Fault(strike)


def _elasticsearch_is_gone(request):
    """Kibana lives on, and answers 401 to all but its status (as 8.12.2 does)."""
    if request.url.startswith(ELASTIC_URL):
        return gone(request)
    if request.url.endswith("/api/status"):
        return response(request, 503, {"status": {"overall": {"level": "critical"}}}, JSON)
    return response(request, 401, {"statusCode": 401, "error": "Unauthorized", "message": "Unauthorized"}, JSON)


FLOOD_STAGE = (
    "index [x] blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, "
    "index has read-only-allow-delete block];"
)
_READS = ("/_export", "/_query", "/_search", "_has_privileges", "/_field_caps", "/preview", '"delete"')


def _no_space_left(request):
    """Elasticsearch takes no document any more but for deletions, and Kibana tells so in its way."""
    if request.method in ("GET", "HEAD", "DELETE") or any(one in f"{request.url}{request.body}" for one in _READS):
        return None
    if request.url.startswith(ELASTIC_URL):
        error = {"type": "cluster_block_exception", "reason": FLOOD_STAGE}
        return response(request, 429, {"error": error, "status": 429}, {**JSON, "x-elastic-product": "Elasticsearch"})
    return response(request, 500, {"message": f"cluster_block_exception: {FLOOD_STAGE}", "status_code": 500}, JSON)


# -- our own process -------------------------------------------------------------------------------------------------


def _killed(stack, _request, _serve):
    stack.lasting = gone
    raise Killed


def _killed_after(stack, request, serve):
    serve(request)
    return _killed(stack, request, serve)


def _slept(stack, request, serve):
    """The process stands still past its lock's time; another one took the lock meanwhile, and gave it back."""
    stack.clock += 1000
    stack.documents.get(INDEX, {}).pop("lease:space:default", None)
    return serve(request)


def _disk_is_full(_stack, request, serve):
    """No file grows any more, by the system's own limit; `disk_has_room` ends it."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    return serve(request)


@contextmanager
def disk_has_room():
    """Gives the limit of files back that a fault took."""
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, before)


# -- somebody else ---------------------------------------------------------------------------------------------------


def _edit(what, **fields):
    def strike(stack, request, serve):
        stack.edit(what, **fields)
        return serve(request)

    return Fault(strike)


def _other_push(stack, name="memory", process=HERE):
    """A push of the newest version by somebody else; that it may not is as good."""
    root = stack.newest
    with suppress(DeployError), stack.connected(root, process, name) as connection:
        push_rules(Repository(root), connection, PushRequest(prune=True, lock=not stack.closed))


def _pushes(*others):
    """Others push, each of them at the tenth request of the one before."""

    def strike(stack, request, serve):
        answer = serve(request)
        left = list(others)

        def start():
            if left:
                other = left.pop()
                stack.at, stack.fault = stack.count + 10, lambda _stack, request, serve: (start(), serve(request))[1]
                _other_push(stack, **other)

        start()
        return answer

    return Fault(strike, lives=True)


CONTAINER = {"process": replace(HERE, namespace="pid:[1]", pid=1)}
OTHER_NAME = {"name": "production"}


def _at_once(stack, request, serve):
    """Seven more, in threads, under two names and from two containers."""
    begin = threading.Barrier(7)

    def one(number):
        begin.wait()
        _other_push(stack, **(OTHER_NAME if number % 2 else {}), **(CONTAINER if number % 3 else {}))

    with ThreadPoolExecutor(7) as pool:
        running = pool.map(one, range(7))
        answer = serve(request)
        list(running)
    return answer


def _slept_through_a_push(stack, _request, _serve):
    """Another one took the lock of the sleeper and pushed; what was on its way when the sleep began is lost."""
    stack.clock += 1000
    held = stack.documents.get(INDEX, {}).pop("lease:space:default", None)
    _other_push(stack)
    stack.seen_asleep = json.dumps(stack.rules, sort_keys=True) if held else ""
    raise RESET


def _nothing_older(stack):
    """A sleeper who had the lock may write nothing over what the other one left."""
    now = json.dumps(stack.rules, sort_keys=True)
    return "it wrote over a newer push" if stack.seen_asleep and now != stack.seen_asleep else ""


FAULTS = {
    "refused": _raises(requests.exceptions.ConnectionError("refused")),
    "cut before the write": _raises(RESET),
    "cut after the write": _raises_after(RESET),
    "silence": _raises(SILENT),
    "silence after the write": _raises_after(SILENT),
    "slow drip": _with_body(_Drip),
    "gone for good": _lasts(gone),
    "kill -9 of Elasticsearch": _lasts(_elasticsearch_is_gone),
    "Elasticsearch's disk full": _lasts(_no_space_left),
    **{str(status): _answers(status) for status in (401, 403, 409, 413, 500, 503)},
    "404 in HTML": _answers(404, HTML, **{"content-type": "text/html"}),
    "502 in HTML": _answers(502, HTML, **{"content-type": "text/html"}),
    "504 after the write": _answers_after(504, HTML, **{"content-type": "text/html"}),
    "429": _answers(429, **{"retry-after": "0"}),
    "429 without retry-after": _answers(429),
    "429 for an hour": _answers(429, **{"retry-after": "3600"}),
    "200 with HTML": _answers(200, HTML, **{"content-type": "text/html"}),
    "half a JSON": _answers(200, b'{"data": [{"id": "x'),
    "null": _answers(200, b"null"),
    "a list": _answers(200, b"[1, 2]"),
    "50 MB": _with_body(_Flood),
    "a redirect": _answers(307, b"", location="https://elsewhere.example/"),
    "SIGINT": _raises(KeyboardInterrupt()),
    "SIGTERM": _raises(Terminated()),
    "kill -9 before the write": Fault(_killed),
    "kill -9 after the write": Fault(_killed_after),
    "asleep past the lock": Fault(_slept),
    "asleep through a push": Fault(_slept_through_a_push, lives=True, after=_nothing_older),
    "disk full": Fault(_disk_is_full),
    "another push": _pushes({}),
    "another push, other name": _pushes(OTHER_NAME),
    "another push, other container": _pushes(CONTAINER),
    "seven pushes in a row": _pushes({}, OTHER_NAME, CONTAINER, {**OTHER_NAME, **CONTAINER}, {}, OTHER_NAME, CONTAINER),
    "seven pushes at once": Fault(_at_once, lives=True),
    "edit of a changed field": _edit("Failures 2", severity="critical"),
    "edit of another field": _edit("Failures 2", note="An analyst's."),
    "switched off": _edit("Failures 2", enabled=False),
    "exceptions, actions": _edit("Failures 2", exceptions_list=[{"id": "x"}], actions=[{"id": "a", "params": {}}]),
    "a tag": _edit("Failures 2", tags=["Managed: entra-deployer", "analyst"]),
    "edit of what is pruned": _edit("Failures 3", note="An analyst's."),
}
