"""A node that cannot start says why in one line, and is gone."""

import socket
import sys
from contextlib import closing
from pathlib import Path

import pytest

from entra_deployer.errors import LocalStackError
from entra_deployer.local.elasticsearch import Node, NodeSettings
from entra_deployer.local.home import Home, ensure_home
from entra_deployer.local.progress import silent
from entra_deployer.local.state import StackFolder
from entra_deployer.local.training import free_port


@pytest.fixture
def home(stack) -> Home:
    """The home that the shared stack has made."""
    return ensure_home(silent)


def started(home: Home, settings: NodeSettings) -> Node:
    options = (f"-XX:AOTCache={home.start_archive}",)
    return Node.start(home, settings, log=sys.__stderr__, options=options)


def test_a_taken_port_is_named_with_the_next_step(home: Home, tmp_path: Path):
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        node = started(home, NodeSettings(tmp_path / "data", tmp_path / "logs", port, "s3cret"))
        with pytest.raises(LocalStackError, match=f"port {port} is taken") as caught:
            node.wait_ready()
    assert "another port" in caught.value.hint
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
