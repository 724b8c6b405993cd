"""`deploy coverage --on ENV`: what an environment proved, has and raised, on the embedded Elasticsearch."""

import json

import pytest

from tests.integration.test_list import run

TEST = """\
name: many failures
index: logs-tests-alpha-default
events:
  - name: a failure
    at: 5m ago
    count: 5
    every: 1s
    set: {user.name: mallory}
  - name: one failure
    at: 5m ago
    set: {user.name: alice}
catches:
  - entity: {user.name: mallory}
ignores:
  - entity: {user.name: alice}
    reason: once
"""


def stage(project):
    code, found = project.document("coverage", "--on", "test")
    assert code == 0, project.output
    [technique] = found["techniques"]
    return technique["id"], technique["stage"]


INDEX = "logs-tests-alpha-default"


@pytest.fixture
def events(connection):
    """Five failures of mallory in an index that the rule reads; no other test finds it."""
    now = connection.elastic.now().isoformat()
    yield lambda: connection.elastic.bulk(INDEX, [{"@timestamp": now, "user.name": "mallory"} for _ in range(5)])
    connection.elastic.delete_index(INDEX)


def test_a_technique_goes_from_a_hunt_to_an_alert(project, events, tmp_path):
    folder = project.add_hunt("alpha", number=1, settings="enabled: true\n")
    assert stage(project) == ("T1078.004", "compiled")
    (folder / "tests").mkdir()
    (folder / "tests" / "many.yaml").write_text(TEST, "utf-8")
    assert stage(project) == ("T1078.004", "tested")
    assert project.deploy("push", "test") == 0, project.output
    assert stage(project) == ("T1078.004", "tested")
    assert project.deploy("verify", "--on", "test") == 0, project.output
    assert stage(project) == ("T1078.004", "enabled")
    events()
    run(project, f"alpha of {project.space}")
    layer = tmp_path / "layer.json"
    assert project.deploy("coverage", "--on", "test", "--layer", str(layer)) == 0
    assert "T1078.004 ■■■■■■■ Cloud Accounts" in project.output
    assert json.loads(layer.read_text("utf-8"))["techniques"][0]["score"] == 7


def test_two_environments_are_compared_by_what_each_has_and_raised(project, events):
    there = (project.root / "deploy" / "test.yaml").read_text("utf-8").replace(project.space, f"{project.space}-2")
    (project.root / "deploy" / "next.yaml").write_text(there, "utf-8")
    project.kibana.post("/api/spaces/space", {"id": f"{project.space}-2", "name": f"{project.space}-2"})
    folder = project.add_hunt("alpha", number=1, settings="enabled: true\n")
    (folder / "tests").mkdir()
    (folder / "tests" / "many.yaml").write_text(TEST, "utf-8")
    assert project.deploy("push", "test") == 0, project.output
    assert project.deploy("verify", "--on", "test") == 0, project.output
    events()
    run(project, f"alpha of {project.space}")

    def shifts(on, against):
        code, found = project.document("coverage", "--on", on, "--against", against)
        assert code == 0, project.output
        return [(one["id"], one["before"], one["after"]) for one in found["changes"]]

    assert shifts("test", "next") == [("T1078.004", "tested", "fired")]
    assert shifts("next", "test") == [("T1078.004", "fired", "tested")]
    assert shifts("test", "test") == []
