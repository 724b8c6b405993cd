"""Faults that memory cannot show: a slow drip, a full disk. `slow_faults.py` has those that take a minute each."""

import subprocess
import sys

import pytest

from tests.fault_proxy import Fault, FaultProxy

RULES = "/api/detection_engine/rules"
IMPORT = f"{RULES}/_import"


def started(root, *words, full_disk=False):
    """`deploy` in a process of its own; with `full_disk` no file of it can grow, by the system's own limit."""
    command = [sys.executable, "-P", "-m", "entra_deployer", *words]
    command = ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command] if full_disk else command
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def severities(project):
    return sorted(rule["severity"] for rule in project.rules().values())


def add_hunts(project, severity):
    for number, key in enumerate(("alpha", "beta"), 1):
        project.add_hunt(key, number=number, settings=f"severity: {severity}\n")


def ends_well(project, severity):
    """One plain push, and there is nothing left to do."""
    assert project.deploy("push", "test") == 0, project.output + project.errors
    assert severities(project) == [severity] * 2
    assert len(project.searches()) == 2
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0, project.output


@pytest.mark.parametrize(("method", "path"), [("POST", IMPORT), ("PATCH", RULES), ("GET", f"{RULES}/_find")])
def test_an_answer_that_drips_ends_with_the_time_of_the_request(project, proxy, method, path):
    add_hunts(project, "low")
    if method == "PATCH":
        assert project.deploy("push", "test") == 0
        add_hunts(project, "high")
    file = project.root / "deploy" / "test.yaml"
    whole = file.read_text("utf-8")
    file.write_text(f"{whole}timeout: 1\n", "utf-8")
    proxy.add(Fault(method=method, path=path, drips=0.3))
    assert project.deploy("push", "test") in (0, 1, 3), "what the deadline cut off is read again or told"
    proxy.clear()
    file.write_text(whole, "utf-8")
    ends_well(project, "high" if method == "PATCH" else "low")


def test_a_full_disk_where_the_ledger_is_kept_stops_before_the_first_write(project, proxy):
    """The journal cannot be written, so that nothing else is."""
    project.add_hunt("alpha", number=1)
    proxy_of_ledger = Fault(path="/entra-deployer-ledger", answer=403, times=999)
    with FaultProxy(_elasticsearch(project)) as elasticsearch:
        elasticsearch.add(proxy_of_ledger)
        _point_at(project, elasticsearch.url)
        process = started(project.root, "push", "test", "--no-lock", full_disk=True)
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 1
        assert "cannot be written: File too large" in errors
        assert project.rules() == {}
        assert not list(project.root.rglob("*.partial"))
        assert project.deploy("push", "test", "--no-lock") == 0, project.output + project.errors
        assert len(project.rules()) == 1


def _elasticsearch(project):
    """The URL that the project's file names."""
    text = (project.root / "deploy" / "test.yaml").read_text("utf-8")
    return text.partition("elasticsearch: {url: '")[2].partition("'")[0]


def _point_at(project, url):
    path = project.root / "deploy" / "test.yaml"
    path.write_text(path.read_text("utf-8").replace(_elasticsearch(project), url), "utf-8")
