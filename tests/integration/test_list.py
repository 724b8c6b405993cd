"""`deploy list`: what is live of ours, and how it runs."""

import pytest

RULES = "/api/detection_engine/rules"
OURS = "Managed: entra-deployer"


@pytest.fixture
def pushed(project):
    """A project with two hunts that stand as desired; alpha is on, beta is off."""
    for number, key in enumerate(("alpha", "beta"), 1):
        project.add_hunt(key, number=number, settings=f"enabled: {str(key == 'alpha').lower()}\nseverity: high\n")
    assert project.deploy("push", "test") == 0, project.output
    return project


def run(project, name):
    """What the scheduler of a Kibana does: run the rule."""
    rule = project.rules()[name]
    project.kibana.post("/local/rules/run", {"rule_id": rule["rule_id"]}, space=project.space)
    return rule


def names(project):
    return [f"{key} of {project.space}" for key in ("alpha", "beta")]


def test_an_empty_environment_says_how_to_get_something_there(project):
    assert project.deploy("list", "test") == 0
    assert "`deploy push` brings them there" in project.output


def test_each_rule_is_told_with_its_switch_and_its_last_run(pushed):
    alpha, beta = names(pushed)
    run(pushed, alpha)
    code, document = pushed.document("list", "test")
    assert code == 0
    assert document["environment"] == "test"
    assert document["issues"] == []
    told = [(rule["name"], rule["space"], rule["enabled"], rule["severity"]) for rule in document["rules"]]
    assert told == [(alpha, pushed.space, True, "high"), (beta, pushed.space, False, "high")]
    ran, silent = document["rules"]
    assert ran["last_run"]["status"] == "partial failure"
    assert "no index matching" in ran["last_run"]["message"]
    assert (ran["changed_by"], ran["revision"], ran["interval"]) == ("elastic", 0, "15m")
    assert silent["last_run"] is None


def test_what_went_wrong_is_told_below_the_table(pushed):
    run(pushed, names(pushed)[0])
    assert pushed.deploy("list", "test") == 0
    assert "warned" in pushed.output
    assert "2 rules: 1 on, 1 off." in pushed.output


def test_somebody_elses_rule_is_not_listed(pushed):
    foreign = {"rule_id": "theirs", "name": "Theirs", "description": "d", "risk_score": 1, "severity": "low"}
    esql = {"type": "esql", "language": "esql", "query": "from x", "enabled": False}
    pushed.kibana.post(RULES, {**foreign, **esql}, space=pushed.space)
    _, document = pushed.document("list", "test")
    assert [rule["name"] for rule in document["rules"]] == names(pushed)


def test_a_rule_that_lost_its_mark_is_still_ours(pushed):
    alpha = names(pushed)[0]
    pushed.edit(alpha, tags=[])
    _, document = pushed.document("list", "test")
    assert [rule["name"] for rule in document["rules"]] == names(pushed)


def test_it_writes_nothing(pushed, proxy):
    proxy.clear()
    pushed.deploy("list", "test")
    assert proxy.writes() == []
    assert proxy.seen


def test_an_unreachable_kibana_is_told_in_both_forms(pushed, monkeypatch):
    file = pushed.root / "deploy" / "test.yaml"
    file.write_text(file.read_text("utf-8").replace("kibana: {url: '", "kibana: {url: 'http://127.0.0.1:9/"), "utf-8")
    code, document = pushed.document("list", "test")
    assert code == 1
    assert document["rules"] == []
    assert "connection refused" in document["issues"][0]["message"]
    assert "connection refused" in pushed.errors
    assert pushed.deploy("list", "test") == 1
    assert pushed.output == ""


def test_an_unknown_environment_is_wrong_usage(project):
    assert project.deploy("list", "nowhere") == 64
    assert "known: local, test" in project.errors
