"""The lock, and a folder that holds exactly what it says, whatever the network brings."""

import errno
import hashlib
import re
import threading
from pathlib import Path

import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.artifacts import STEP, Artifact, broken, fetch, read_lock
from entra_deployer.local.machine import silent
from tests.reading import there


def artifact(name: str, content: bytes) -> Artifact:
    return Artifact("org.example.jars", name, "1.0", hashlib.sha256(content).hexdigest(), len(content), "run")


ONE, TWO = b"first jar" * 500, b"second jar" * 300
JARS = {"one": ONE, "two": TWO}
WANTED = [artifact(name, content) for name, content in JARS.items()]


class Repository:
    """Writes what it is scripted to write, and knows how often it was asked: content, or an error to raise."""

    def __init__(self, folder: Path, **script: list[bytes | Exception]) -> None:
        self.folder = folder
        self.script = {name: list(script.get(name, [content] * 9)) for name, content in JARS.items()}
        self.asked: list[str] = []
        self.lock = threading.Lock()

    def __call__(self, wanted, count):
        with self.lock:
            self.asked.append(wanted.name)
            answer = self.script[wanted.name].pop(0)
        if isinstance(answer, Exception):
            raise answer
        path = wanted.path(self.folder)
        assert not path.exists(), "a file that is there counts as complete"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(answer)
        count(len(answer))


def put(folder: Path, wanted: Artifact, content: bytes) -> None:
    wanted.path(folder).parent.mkdir(parents=True, exist_ok=True)
    wanted.path(folder).write_bytes(content)


def test_the_lock_names_every_jar_with_digest_size_and_use():
    lock = read_lock()
    assert len(lock) == 75
    assert sum(one.size for one in lock) == 72_636_524
    assert len({one.file_name for one in lock}) == len(lock)
    assert all(re.fullmatch(r"[0-9a-f]{64}", one.sha256) for one in lock)
    assert [one.name for one in lock if one.use == "compile"] == ["ecj"]
    assert {one.use for one in lock} == {"run", "compile"}


def test_a_path_is_where_maven_puts_it(tmp_path):
    assert WANTED[0].path(tmp_path) == tmp_path / "org/example/jars/one/1.0/one-1.0.jar"


@pytest.mark.parametrize(
    "content", [ONE[:-1], b"", ONE[:-1] + b"X", ONE + b"!"], ids=["cut off", "empty", "one byte off", "longer"]
)
def test_a_broken_jar_is_noticed_and_fetched_again(tmp_path, content):
    put(tmp_path, WANTED[0], content)
    put(tmp_path, WANTED[1], TWO)
    assert broken(WANTED, [one.path(tmp_path) for one in WANTED]) == [WANTED[0]]
    repository = Repository(tmp_path)
    fetch(WANTED, tmp_path, silent, repository)
    assert repository.asked == ["one"]
    assert broken(WANTED, [one.path(tmp_path) for one in WANTED]) == []


def test_nothing_is_asked_for_where_all_is_there(tmp_path):
    for one in WANTED:
        put(tmp_path, one, JARS[one.name])
    repository = Repository(tmp_path)
    steps = []
    fetch(WANTED, tmp_path, lambda *told: steps.append(told), repository)
    assert repository.asked == []
    assert steps == []


def test_progress_goes_from_nothing_to_all_bytes(tmp_path):
    told = []

    def tell(step, done=0, total=0):
        told.append((step, done, total))

    fetch(WANTED, tmp_path, tell, Repository(tmp_path))
    total = len(ONE) + len(TWO)
    assert told[0] == (STEP, 0, total)
    assert told[-1] == (STEP, total, total)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_a_download_that_breaks_off_is_tried_again(tmp_path):
    repository = Repository(tmp_path, one=[ONE[:100], ConnectionError(), ONE])
    fetch(WANTED, tmp_path, silent, repository)
    assert sorted(repository.asked) == ["one", "one", "one", "two"]
    assert broken(WANTED, [one.path(tmp_path) for one in WANTED]) == []


@pytest.mark.parametrize(
    ("failure", "message", "hint"),
    [
        (b"other bytes", "other bytes than the lock", "ENTRA_DEPLOYER_MAVEN_REPO"),
        (ConnectionError("https://user:secret@mirror.example/"), "cannot download one-1.0.jar: Conn", "HTTPS_PROXY"),
        (RuntimeError("not in {'mirror': 'https://user:secret@m/'}"), "does not have it", "ENTRA_DEPLOYER_MAVEN_REPO"),
        (OSError(errno.ENOSPC, "No space left"), "no space left", "ENTRA_DEPLOYER_CACHE"),
        (
            PermissionError(errno.EACCES, "Permission denied", "/cache/one"),
            "/cache/one may not",
            "ENTRA_DEPLOYER_CACHE",
        ),
    ],
)
def test_what_cannot_be_had_is_one_line_with_a_hint_and_no_secret(tmp_path, failure, message, hint):
    with pytest.raises(LocalStackError, match=message) as caught:
        fetch(WANTED, tmp_path, silent, Repository(tmp_path, one=[failure] * 3))
    assert hint in there(caught.value.hint)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not WANTED[0].path(tmp_path).exists()


def test_what_came_before_a_failure_stays(tmp_path):
    with pytest.raises(LocalStackError):
        fetch(WANTED[1:], tmp_path, silent, Repository(tmp_path, two=[ConnectionError()] * 3))
    fetch(WANTED[:1], tmp_path, silent, Repository(tmp_path))
    repository = Repository(tmp_path)
    fetch(WANTED, tmp_path, silent, repository)
    assert repository.asked == ["two"]


def test_an_interruption_stops_what_is_under_way(tmp_path):
    under_way, stopped = threading.Event(), []

    def download(wanted, count):
        if wanted.name == "one":
            under_way.wait(10)
            raise KeyboardInterrupt
        under_way.set()
        try:
            while True:
                count(0)
        except BaseException:
            stopped.append(wanted.name)
            raise

    with pytest.raises(KeyboardInterrupt):
        fetch(WANTED, tmp_path, silent, download)
    assert stopped == ["two"]
