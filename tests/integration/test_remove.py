"""`deploy remove`: what is ours goes, or is switched off; what is not ours stays."""

import subprocess
import sys

import pytest

from tests.fault_proxy import Fault
from tests.integration.projects import on_a_terminal

pytestmark = pytest.mark.any_stack

RULES = "/api/detection_engine/rules"
FOREIGN = {
    "rule_id": "theirs",
    "name": "Theirs",
    "description": "d",
    "risk_score": 1,
    "severity": "low",
    "type": "esql",
    "language": "esql",
    "query": "from x",
    "enabled": True,
}


@pytest.fixture
def pushed(project):
    """A project with two hunts that stand as desired."""
    for number, key in enumerate(("alpha", "beta"), 1):
        project.add_hunt(key, number=number, settings="enabled: true\n")
    assert project.deploy("push", "test") == 0, project.output
    return project


def name(project, key):
    return f"{key} of {project.space}"


def changes(document):
    return {(c["action"], c["kind"], c["name"], c["result"]) for c in document["plan"]["changes"]}


@pytest.mark.parametrize("called", ["folder", "name", "rule_id"])
def test_the_rule_and_its_saved_search_go(pushed, called):
    alpha = name(pushed, "alpha")
    word = {"folder": "alpha", "name": alpha, "rule_id": pushed.rules()[alpha]["rule_id"]}[called]
    code, document = pushed.document("remove", word, "test", "--yes")
    assert code == 0
    assert changes(document) == {
        ("delete", "rule", alpha, "applied"),
        ("delete", "saved_search", alpha, "applied"),
    }
    assert list(pushed.rules()) == list(pushed.searches()) == [name(pushed, "beta")]


def test_the_next_push_is_foretold_and_creates_it_again(pushed):
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 0
    assert "the next push" in pushed.output
    assert "1 rule removed." in pushed.output
    code, document = pushed.document("push", "test")
    assert code == 0
    assert changes(document) == {
        ("create", "rule", name(pushed, "alpha"), "applied"),
        ("create", "saved_search", name(pushed, "alpha"), "applied"),
    }


def test_a_rule_that_left_the_repository_goes_by_its_name(pushed):
    for file in (pushed.root / "rules" / "alpha").iterdir():
        file.unlink()
    (pushed.root / "rules" / "alpha").rmdir()
    code, document = pushed.document("remove", name(pushed, "alpha"), "test", "--yes")
    assert code == 0
    assert document["issues"] == []
    assert list(pushed.rules()) == list(pushed.searches()) == [name(pushed, "beta")]
    assert pushed.deploy("plan", "test", "--detailed-exit-code") == 0


def test_a_search_that_is_left_of_a_deleted_rule_goes(pushed):
    rule_id = pushed.rules()[name(pushed, "alpha")]["rule_id"]
    pushed.kibana.delete(RULES, space=pushed.space, params={"rule_id": rule_id})
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 0
    assert list(pushed.searches()) == [name(pushed, "beta")]


def test_a_second_removal_has_nothing_to_do(pushed, proxy):
    pushed.deploy("remove", "alpha", "test", "--yes")
    proxy.clear()
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 0
    assert "Nothing to do" in pushed.output
    assert proxy.writes() == []


def test_switching_off_changes_nothing_else(pushed):
    before = pushed.rules()[name(pushed, "alpha")]
    code, document = pushed.document("remove", "alpha", "test", "--disable", "--yes")
    assert code == 0
    assert changes(document) == {("update", "rule", name(pushed, "alpha"), "applied")}
    after = pushed.rules()[name(pushed, "alpha")]
    assert (before["enabled"], after["enabled"], after["revision"]) == (True, False, before["revision"])
    assert len(pushed.searches()) == 2
    assert pushed.deploy("plan", "test", "--detailed-exit-code") == 0
    assert pushed.deploy("remove", "alpha", "test", "--disable", "--yes") == 0
    assert "Nothing to do" in pushed.output


def test_where_git_owns_the_switch_the_next_push_is_foretold(pushed):
    (pushed.root / "rules" / "alpha" / "rule.yaml").write_text("enabled: true\nowners: {enabled: git}\n")
    assert pushed.deploy("remove", "alpha", "test", "--disable", "--yes") == 0
    assert "the next push tells it as an edit made in Kibana" in " ".join(pushed.output.split())
    assert pushed.deploy("plan", "test") == 1
    assert "enabled is false, would be true" in " ".join(pushed.output.split())
    assert pushed.deploy("plan", "test", "--overwrite", "--detailed-exit-code") == 2


def test_nobody_to_ask_and_no_yes_means_no(pushed, proxy):
    proxy.clear()
    code, document = pushed.document("remove", "alpha", "test")
    assert code == 1
    assert {result for *_, result in changes(document)} == {"skipped"}
    assert proxy.writes() == []
    assert pushed.deploy("remove", "alpha", "test") == 1
    assert "say --yes" in pushed.output
    assert len(pushed.rules()) == 2


@pytest.mark.parametrize(("answer", "left", "code"), [("n", 2, 1), ("y", 1, 0)])
def test_on_a_terminal_it_shows_and_asks(pushed, answer, left, code):
    returned, seen, output = on_a_terminal(pushed.root, answer, "remove", "alpha", "test")
    assert returned == code
    assert "Plan: 1 rule to be removed." in seen
    assert "Go on?" in seen
    assert "Go on?" not in output
    assert ("1 rule removed." if left == 1 else "Nothing was removed: you said no.") in output
    assert len(pushed.rules()) == left


def test_what_is_not_ours_is_refused(pushed):
    pushed.kibana.post(RULES, FOREIGN, space=pushed.space)
    assert pushed.deploy("remove", "Theirs", "test", "--yes") == 64
    assert "not ours" in pushed.errors
    assert "Theirs" in pushed.rules()


def test_an_unknown_name_is_wrong_usage_with_the_nearest_one(pushed):
    assert pushed.deploy("remove", "alpa", "test", "--yes") == 64
    assert "did you mean 'alpha'?" in pushed.errors
    code, document = pushed.document("remove", "zzz", "test", "--yes")
    assert code == 64
    assert "deploy list test" in document["issues"][0]["hint"]


def test_an_interrupted_push_comes_first(pushed, proxy):
    (pushed.root / "rules" / "beta" / "rule.yaml").write_text("severity: high\n")
    command = [sys.executable, "-P", "-m", "entra_deployer", "push", "test"]
    with subprocess.Popen(command, cwd=pushed.root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as push:
        proxy.add(Fault(method="PATCH", path=RULES, cut="before", times=20, act=push.kill))
        assert push.wait(60) < 0
    proxy.clear()
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 1
    assert "`deploy recover` finishes or undoes it" in pushed.output
    assert proxy.writes() == []
    assert pushed.deploy("recover", "test") == 0
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 0


def test_a_server_that_goes_silent_leaves_a_told_rest(pushed, proxy):
    proxy.add(Fault(path="_bulk_action", answer=500, body=b'{"message": "down"}', times=100))
    code, document = pushed.document("remove", "alpha", "test", "--yes")
    proxy.clear()
    assert code == 3
    assert ("delete", "rule", name(pushed, "alpha"), "failed") in changes(document)
    assert pushed.deploy("remove", "alpha", "test", "--yes") == 0
    assert list(pushed.rules()) == [name(pushed, "beta")]
