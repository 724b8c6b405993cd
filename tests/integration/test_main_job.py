"""The main job: one hunt is pushed, stands, is left alone by a second push, and is proved."""

import json

import pytest

pytestmark = pytest.mark.any_stack

NAME = "Azure Entra Unusual Client App Authentication Requests on Behalf of Principal Users"


def test_push_makes_the_rule_the_search_and_the_tag(project):
    project.add_first_hunt()
    code, document = project.document("push", "test")
    assert code == 0
    assert document["format_version"] == 1
    assert document["environment"] == "test"
    changes = document["plan"]["changes"]
    assert [(c["action"], c["kind"], c["result"], c["error"]) for c in changes] == [
        ("create", "tag", "applied", None),
        ("create", "saved_search", "applied", None),
        ("create", "rule", "applied", None),
    ]
    assert {c["space"] for c in changes} == {project.space}
    rule = project.rules()[NAME]
    assert rule["type"] == rule["language"] == "esql"
    assert rule["enabled"] is True
    assert "Managed: entra-deployer" in rule["tags"]
    techniques = {t["id"] for tactic in rule["threat"] for t in tactic["technique"]}
    assert techniques == {"T1078", "T1110"}
    assert list(project.searches()) == [NAME]


def test_a_second_push_writes_nothing_at_all(project, proxy):
    project.add_first_hunt()
    assert project.deploy("push", "test") == 0
    assert proxy.writes()
    proxy.clear()
    assert project.deploy("push", "test") == 0
    assert "No changes: 3 objects as desired." in project.output
    assert proxy.writes() == []
    assert len(proxy.seen) > 3


def test_plan_shows_what_push_then_does_and_writes_nothing(project, proxy):
    project.add_first_hunt()
    code, planned = project.document("plan", "test")
    assert code == 0
    assert proxy.writes() == []
    _, pushed = project.document("push", "test")
    keys = [(c["action"], c["kind"], c["key"]) for c in planned["plan"]["changes"]]
    assert keys == [(c["action"], c["kind"], c["key"]) for c in pushed["plan"]["changes"]]
    assert {c["result"] for c in planned["plan"]["changes"]} == {"planned"}
    assert project.deploy("plan", "test", "--detailed-exit-code") == 0


def test_a_plan_for_one_hunt_says_nothing_of_the_others(project):
    for number, key in enumerate(("alpha", "beta")):
        project.add_hunt(key, number=number)
    assert project.deploy("push", "test") == 0
    project.add_hunt("alpha", number=0, threshold=4)
    code, document = project.document("plan", "test", "--rule", "alpha")
    assert code == 0
    assert [issue for issue in document["issues"] if issue["code"] == "DEP310"] == []
    assert len([change for change in document["plan"]["changes"] if change["kind"] == "rule"]) == 1


def test_a_plan_with_changes_exits_2_where_that_is_asked_for(project):
    project.add_first_hunt()
    assert project.deploy("plan", "test") == 0
    assert project.deploy("plan", "test", "--detailed-exit-code") == 2


def test_verify_passes_and_names_every_entity(project):
    project.add_first_hunt()
    project.deploy("push", "test")
    code, document = project.document("verify", "--on", "test")
    assert code == 0
    (verdict,) = document["verdicts"]
    assert (verdict["name"], verdict["status"]) == (NAME, "passed")
    assert verdict["missed"] == verdict["false_alarms"] == []
    assert project.deploy("verify", "--on", "test") == 0
    for user in ("alice@contoso.example", "hana@contoso.example", "noor@contoso.example"):
        assert user in project.output


def test_verify_without_a_pushed_rule_has_no_verdict(project):
    project.add_first_hunt()
    code, document = project.document("verify", "--on", "test")
    assert code == 1
    assert document["verdicts"][0]["status"] == "error"


@pytest.mark.parametrize("form", ["text", "json"])
def test_all_broken_files_are_told_with_their_places(project, form):
    for number, key in enumerate(("one", "two"), 1):
        project.add_hunt(key, number=number, settings="severty: high\n")
    code = project.deploy("push", "test", "--format", form)
    assert code == 1
    for key in ("one", "two"):
        assert key in project.output
    assert "did you mean 'severity'?" in project.output
    if form == "json":
        issues = json.loads(project.output)["issues"]
        assert {(i["path"], i["line"], i["column"]) for i in issues if i["level"] == "error"} == {
            ("rules/one/rule.yaml", 1, 1),
            ("rules/two/rule.yaml", 1, 1),
        }
    assert project.rules() == {}
