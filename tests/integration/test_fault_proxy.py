"""The fault proxy itself: what it lets through, what it loses, and when."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

from tests.fault_proxy import Fault, FaultProxy


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent, and keeps what it did."""

    protocol_version = "HTTP/1.1"
    done: list[str]

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        self.done.append(f"{self.command} {self.path}")
        self.send_response(201)
        self.send_header("x-echo", self.headers.get("x-sent", ""))
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def proxy(done: list[str]) -> Iterator[FaultProxy]:
    handler = type("Handler", (Echo,), {"done": done})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        with FaultProxy(f"http://127.0.0.1:{server.server_port}") as found:
            yield found
        server.shutdown()
        thread.join()


def send(proxy: FaultProxy, method: str = "POST", path: str = "/a", **options: Any) -> urllib3.BaseHTTPResponse:
    with urllib3.PoolManager(retries=False, timeout=10) as pool:
        return pool.request(method, proxy.url + path, **options)


def test_without_faults_everything_comes_through(proxy: FaultProxy, done: list[str]) -> None:
    answer = send(proxy, path="/a?b=1", body=b"body", headers={"x-sent": "x"})
    assert (answer.status, answer.data, answer.headers["x-echo"]) == (201, b"body", "x")
    assert done == ["POST /a?b=1"]
    assert [(seen.number, seen.method, seen.path) for seen in proxy.seen] == [(0, "POST", "/a?b=1")]


def test_an_answer_of_its_own_keeps_the_request_from_the_server(proxy: FaultProxy, done: list[str]) -> None:
    proxy.add(Fault(method="POST", path="/a", answer=429, headers={"retry-after": "1"}, body=b'{"a":1}'))
    assert send(proxy, "GET").status == 201
    answer = send(proxy)
    assert (answer.status, answer.headers["retry-after"], answer.json()) == (429, "1", {"a": 1})
    assert send(proxy).status == 201  # once, unless told otherwise
    assert done == ["GET /a", "POST /a"]


def test_a_fault_may_come_at_a_later_request_and_more_than_once(proxy: FaultProxy) -> None:
    proxy.add(Fault(path="/a", at=1, times=2, answer=503))
    assert [send(proxy).status for _ in range(4)] == [201, 503, 503, 201]


@pytest.mark.parametrize(("when", "served"), [("before", []), ("after", ["POST /a"])])
def test_a_connection_is_cut_before_or_after_the_server_did_its_work(proxy: FaultProxy, done, when, served) -> None:
    proxy.add(Fault(cut=when))
    with pytest.raises(urllib3.exceptions.ProtocolError):
        send(proxy, body=b"body")
    assert done == served


def test_an_answer_may_come_drop_by_drop(proxy: FaultProxy) -> None:
    proxy.add(Fault(drips=0.05))
    answer = send(proxy, body=b"1234", preload_content=False)
    assert [answer.read(1) for _ in range(4)] == [b"1", b"2", b"3", b"4"]


def test_a_request_may_be_held(proxy: FaultProxy) -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        go_on.wait(10)

    proxy.add(Fault(act=hold))
    answers: list[int] = []
    thread = threading.Thread(target=lambda: answers.append(send(proxy).status))
    thread.start()
    assert arrived.wait(10)
    assert answers == []
    go_on.set()
    thread.join()
    assert answers == [201]


def test_writes_are_told_from_reads(proxy: FaultProxy) -> None:
    for method, path in (("GET", "/a"), ("POST", "/x/_search"), ("POST", "/x"), ("PUT", "/y")):
        send(proxy, method, path)
    assert [seen.path for seen in proxy.writes()] == ["/x", "/y"]
