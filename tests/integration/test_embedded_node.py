"""A node that cannot start says why in one line, and is gone."""

import socket
import sys
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.elasticsearch import Node, NodeSettings
from entra_deployer.local.home import CACHE_VARIABLE, Home, ensure_home
from entra_deployer.local.machine import silent
from entra_deployer.local.state import StackFolder
from entra_deployer.local.training import free_port
from tests.reading import there


@pytest.fixture
def home(stack) -> Home:
    """The home that the shared stack has made."""
    return ensure_home(silent)


def started(home: Home, settings: NodeSettings) -> Node:
    return Node.start(home, settings, log=there(sys.__stderr__), options=home.start_options)


@pytest.fixture
def other_home(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in another cache with a difficult name, which shares the jars."""
    cache = tmp_path / "a cache: é"
    cache.mkdir()
    (cache / "jars").symlink_to(home.folder.parent / "jars")
    monkeypatch.setenv(CACHE_VARIABLE, str(cache))
    return ensure_home(silent)


def test_a_home_works_wherever_the_cache_is(other_home: Home, tmp_path: Path):
    assert other_home.folder.parent == tmp_path / "a cache: é"
    node = started(other_home, NodeSettings(tmp_path / "data", tmp_path / "logs", free_port(), "s3cret"))
    assert node.wait_ready()
    assert node.ask("GET", "/_license") == 200
    node.stop()
    assert not node.is_running


def test_a_broken_home_is_built_again_and_what_a_killed_build_left_is_swept(other_home: Home):
    jar = next(other_home.folder.glob("lib/x-pack-esql-8*.jar"))
    jar.unlink()  # it is a link to the shared one, which is not to be written on
    jar.write_bytes(b"half a jar")
    left = other_home.folder.with_name("building-of-a-killed-one")
    (left / "home").mkdir(parents=True)
    steps = []
    assert ensure_home(lambda step, *_: steps.append(step)) == other_home
    assert steps == ["building Elasticsearch"]
    assert zipfile.is_zipfile(jar)
    assert not left.exists()
    assert ensure_home(lambda step, *_: steps.append(step)) == other_home
    assert steps == ["building Elasticsearch"]


def test_a_taken_port_is_named_with_the_next_step(home: Home, tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        node = started(home, NodeSettings(tmp_path / "data", tmp_path / "logs", port, "s3cret"))
        with pytest.raises(LocalStackError, match=f"port {port} is taken") as caught:
            node.wait_ready()
    assert "another port" in there(caught.value.hint)
    node.stop()
    assert not node.is_running


def test_data_that_another_node_uses_is_left_alone(home: Home, stack_root: Path, tmp_path: Path):
    data = StackFolder(stack_root, "local").data
    node = started(home, NodeSettings(data, tmp_path / "logs", free_port(), "s3cret"))
    with pytest.raises(LocalStackError, match="another Elasticsearch uses") as caught:
        node.wait_ready()
    assert str(data) in caught.value.message
    node.stop()
    assert not node.is_running


def test_a_node_without_java_is_one_line(home: Home, tmp_path: Path):
    settings = NodeSettings(tmp_path / "data", tmp_path / "logs", free_port(), "s3cret")
    with pytest.raises(LocalStackError, match="Java does not run here"):
        started(Home(home.folder, tmp_path / "no" / "java"), settings)
