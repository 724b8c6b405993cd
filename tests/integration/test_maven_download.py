"""Downloads through jgo itself, from a Maven repository on this machine that can misbehave."""

import base64
import gc
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.artifacts import Artifact, broken, fetch
from entra_deployer.local.machine import silent
from entra_deployer.local.mirrors import VARIABLE
from tests.reading import there

# jgo does not close an answer that it has no use for
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")

CONTENT = b"a jar, of sorts\n" * 5000
JAR = Artifact("org.example", "thing", "2.1", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "run")
PATH = "/maven/org/example/thing/2.1/thing-2.1.jar"


class MavenRepository(ThreadingHTTPServer):
    """Serves the jar: as often as `faults` says cut off or forged, then whole; to `credentials` only, where given."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.faults: list[str] = []
        self.credentials = ""
        self.served: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: MavenRepository

    def do_GET(self) -> None:
        token = base64.b64encode(self.server.credentials.encode()).decode()
        if self.server.credentials and self.headers.get("Authorization") != f"Basic {token}":
            self.send_error(401)
        elif self.path != PATH:
            self.send_error(404)
        else:
            fault = self.server.faults.pop(0) if self.server.faults else "none"
            self.server.served.append(fault)
            body = {"cut off": CONTENT[:4000], "forged": CONTENT.upper()}.get(fault, CONTENT)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep stderr clean."""


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Iterator[MavenRepository]:
    with MavenRepository() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv(VARIABLE, f"http://127.0.0.1:{server.server_port}/maven/")
        yield server
        server.shutdown()
        thread.join()
    gc.collect()  # so that what jgo left open is not a later test's


def test_a_jar_comes_from_the_users_repository(repository: MavenRepository, tmp_path: Path):
    fetch([JAR], tmp_path, silent)
    assert JAR.path(tmp_path).read_bytes() == CONTENT
    fetch([JAR], tmp_path, silent)
    assert repository.served == ["none"]


@pytest.mark.parametrize("fault", ["cut off", "forged"])
def test_a_bad_answer_is_noticed_and_asked_for_again(repository: MavenRepository, tmp_path: Path, fault: str):
    repository.faults = [fault]
    fetch([JAR], tmp_path, silent)
    assert repository.served == [fault, "none"]
    assert broken([JAR], [JAR.path(tmp_path)]) == []


def test_a_repository_that_always_serves_something_else_is_named_as_the_reason(repository, tmp_path):
    repository.faults = ["forged"] * 9
    with pytest.raises(LocalStackError, match="other bytes than the lock"):
        fetch([JAR], tmp_path, silent)
    assert not JAR.path(tmp_path).exists()


def test_credentials_in_the_address_are_used_and_never_shown(repository, tmp_path, monkeypatch, caplog):
    repository.credentials = "jo:s3cret/of@jo"
    monkeypatch.setenv(VARIABLE, f"http://jo:s3cret%2Fof%40jo@127.0.0.1:{repository.server_port}/maven")
    fetch([JAR], tmp_path, silent)
    assert repository.served == ["none"]
    repository.credentials = "jo:another"
    JAR.path(tmp_path).unlink()
    with pytest.raises(LocalStackError) as caught:
        fetch([JAR], tmp_path, silent)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert "s3cret" not in caplog.text


def test_a_repository_that_nobody_runs_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "http://127.0.0.1:9/maven")
    with pytest.raises(LocalStackError, match=r"cannot download thing-2\.1\.jar: ConnectionError") as caught:
        fetch([JAR], tmp_path, silent)
    assert VARIABLE in there(caught.value.hint)
