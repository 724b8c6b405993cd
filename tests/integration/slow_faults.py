"""A process that stands still past its lock's time, and an Elasticsearch that is killed: a minute each.

`make chaos` runs them; their file is not named like the tests of the suite.
"""

import os
import signal
import subprocess
import threading

import pytest

from entra_deployer.local import stack as local
from entra_deployer.local.state import StackFolder
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.conftest import deploy, make_project
from tests.integration.projects import Project, client, environment_file
from tests.integration.test_real_faults import RULES, add_hunts, ends_well, severities, started
from tests.reading import there


@pytest.mark.timeout(240)
def test_a_push_that_stood_still_past_its_lock_writes_nothing_over_a_newer_one(project, proxy):
    """SIGSTOP for longer than the lock lives; meanwhile another push waits, takes the lock and writes."""
    add_hunts(project, "low")
    assert project.deploy("push", "test") == 0
    add_hunts(project, "medium")
    box: dict[str, subprocess.Popen[str]] = {}
    stopped = threading.Event()

    def stand_still():
        box["process"].send_signal(signal.SIGSTOP)
        stopped.set()

    proxy.add(Fault(method="GET", path=f"{RULES}?id=", act=stand_still))  # the look before the first write
    box["process"] = sleeper = started(project.root, "push", "test")
    try:
        assert stopped.wait(60)
        add_hunts(project, "critical")
        assert project.deploy("push", "test", "--wait-lock", "120") == 0, project.output + project.errors
        assert severities(project) == ["critical"] * 2
    finally:
        sleeper.send_signal(signal.SIGCONT)
    output, errors = sleeper.communicate(timeout=60)
    assert sleeper.returncode == 1, output + errors
    assert "lost while this push stood still" in output + errors
    assert severities(project) == ["critical"] * 2
    ends_well(project, "critical")


@pytest.mark.timeout(300)
@pytest.mark.usefixtures("stack")
def test_an_elasticsearch_that_is_killed_in_the_middle_loses_nothing(tmp_path, monkeypatch, capsys):
    """kill -9 of the node at the first write of rules; it starts again, and one plain push ends it."""
    root = make_project(tmp_path / "project")
    (root / "deploy").mkdir()
    try:
        assert deploy(root, "local", "up", "--name", "own").returncode == 0
        found = there(local.find(root, "own"))
        node = there(there(StackFolder(root, "own").read()).node)
        monkeypatch.setenv("TEST_PASSWORD", found.password)
        monkeypatch.chdir(root)
        project = Project(root, "default", client(found.kibana_url, found.password), capsys)
        file = root / "deploy" / "test.yaml"
        with FaultProxy(found.kibana_url) as proxy:
            file.write_text(environment_file(proxy.url, found.elasticsearch_url, "default"), "utf-8")
            add_hunts(project, "low")
            assert project.deploy("push", "test") == 0, project.output + project.errors
            add_hunts(project, "high")
            proxy.add(Fault(method="PATCH", path=RULES, act=lambda: os.kill(node.pid, signal.SIGKILL)))
            struck = started(root, "push", "test")  # a process that is gone when the next one finds its lock
            struck.communicate(timeout=120)
            assert struck.returncode in (1, 3)
        assert deploy(root, "local", "up", "--name", "own").returncode == 0
        again = there(local.find(root, "own"))
        project.kibana = client(again.kibana_url, again.password)
        file.write_text(environment_file(again.kibana_url, again.elasticsearch_url, "default"), "utf-8")
        ends_well(project, "high")
    finally:
        local.down(root, "own")
