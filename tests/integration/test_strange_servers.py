"""What is said of servers that answer slowly, halfway, in another language or not at all: over real sockets."""

import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import pytest

from entra_deployer.core.errors import AnswerLost, Unreachable
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.server import Pauses
from tests.tls_server import Authority, TlsServer

QUICK = Pauses(pause=lambda _: None)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"


@contextmanager
def serving(answer):
    """A server on a free port of this machine; `answer` gets each connection once its request was read."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        over = threading.Event()

        def serve(connection):
            with connection, suppress(OSError):
                connection.settimeout(5)
                read_request(connection)
                answer(connection)

        def accept():
            while not over.is_set():
                with suppress(TimeoutError):
                    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def read_request(connection):
    """All of a request, its body too: a server that closes with something unread resets the connection."""
    found = connection.recv(65_536)
    while found[:1].isalpha() and b"\r\n\r\n" not in found:  # a TLS greeting begins with no letter
        found += connection.recv(65_536)
    head, _, body = found.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65_536)


def drip(head):
    def answer(connection):
        connection.sendall(head)
        for _ in range(100):
            connection.sendall(b" ")
            time.sleep(0.05)

    return answer


def large(connection):
    connection.sendall(HEAD + b"content-length: 50000000\r\n\r\n")
    for _ in range(50):
        connection.sendall(b" " * 1_000_000)


ANSWERS = {
    "drip in the body": (drip(HEAD + b"content-length: 9999\r\n\r\n"), "in time, the whole of it within 0.4 s"),
    "drip in the head": (drip(b"HTTP/1.1 200 OK\r\nx: "), "in time, the whole of it within 0.4 s"),
    "silence": (lambda _: time.sleep(2), "in time"),
    "closed at once": (lambda _: None, "closed the connection without an answer"),
    "half of the body": (lambda c: c.sendall(HEAD + b'content-length: 99\r\n\r\n{"a":'), "broke off in the middle"),
    "half of the JSON": (lambda c: c.sendall(HEAD + b'connection: close\r\n\r\n{"a":'), "breaks off after 5 bytes"),
    "no HTTP": (lambda c: c.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "closed the connection without an answer"),
    "50 MB": (large, "more than 40 MB"),
}


def ask_kibana(endpoint):
    with KibanaClient(endpoint, pauses=QUICK) as client:
        client.get("/api/status", Any)


def write_to_kibana(endpoint):
    with KibanaClient(endpoint, pauses=QUICK) as client:
        client.put("/api/detection_engine/rules", {}, Any)


def ask_elastic(endpoint):
    client = connect(endpoint, pauses=QUICK)
    try:
        client.license()
    finally:
        client.close()


@pytest.mark.integration
@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("ask", [ask_kibana, ask_elastic, write_to_kibana])
def test_it_ends_in_time_with_the_address_and_the_reason(name, ask):
    answer, said = ANSWERS[name]
    with serving(answer) as url:
        endpoint = Endpoint(url, Credentials(Scheme.BASIC, "word", "ute"), timeout=0.4 if said.startswith("in") else 5)
        began = time.monotonic()
        with pytest.raises(Unreachable, match=said) as caught:
            ask(endpoint)
        assert url in str(caught.value)
        assert time.monotonic() - began < 5
        assert isinstance(caught.value, AnswerLost) is (ask is write_to_kibana)


@pytest.mark.integration
@pytest.mark.parametrize("ask", [ask_kibana, ask_elastic])
class TestProtocols:
    """Who is spoken to in the wrong protocol, or through a proxy that is not there."""

    ENDPOINT = Endpoint("http://127.0.0.1:1", Credentials(Scheme.BASIC, "word", "ute"), timeout=5)

    def told(self, ask, **changes):
        with pytest.raises(Unreachable) as caught:
            ask(replace(self.ENDPOINT, **changes))
        return str(caught.value)

    def test_nobody_listens(self, ask):
        assert "connection refused" in self.told(ask)

    def test_https_to_a_server_of_http(self, ask):
        with serving(lambda c: c.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")) as url:
            told = self.told(ask, url=url.replace("http", "https"))
        assert "it speaks http there, not https" in told
        assert "write http://" in told

    def test_http_to_a_server_of_https(self, ask, tmp_path):
        with TlsServer(Authority.make(tmp_path, "authority").sign("server")) as server:
            told = self.told(ask, url=server.url.replace("https", "http"))
        assert "write https://" in told

    def test_a_dead_proxy_is_named(self, ask):
        told = self.told(ask, url="http://kibana.example:5601", proxy="http://user:word@127.0.0.1:1")
        assert "the proxy http://127.0.0.1:1 does not" in told
        assert "word" not in told

    def test_a_host_name_that_nobody_knows(self, ask):
        assert "host name no.such.host.invalid is not known" in self.told(ask, url="http://no.such.host.invalid:1")
