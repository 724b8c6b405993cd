"""`push --wait`: the push is done, and each rule has run once as it stands, or it is told which one has not."""

from collections.abc import Callable

import pytest

from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from tests.fault_proxy import Fault

FIND = "/api/detection_engine/rules/_find"


@pytest.fixture
def hunts(project):
    """Two hunts whose rules are on, and one whose rule is off."""
    for number, key in enumerate(("alpha", "beta"), 1):
        project.add_hunt(key, number=number, settings="enabled: true\n")
    project.add_hunt("gamma", number=3, settings="enabled: false\n")
    return project


@pytest.fixture
def scheduler(hunts, proxy):
    """A scheduler that runs every enabled rule whenever somebody looks; what is in the list happens before a run."""
    before: list[Callable[[], object]] = []

    def run_all():
        for rule in hunts.rules().values():
            if rule["enabled"]:
                for work in before:
                    work()
                hunts.kibana.post("/local/rules/run", {"rule_id": rule["rule_id"]}, space=hunts.space)

    proxy.add(Fault(method="GET", path=FIND, times=1000, act=run_all))
    return before


def runs(document):
    return [
        (run["name"].split()[0], run["first_run"], (run["last_run"] or {}).get("status")) for run in document["runs"]
    ]


@pytest.mark.usefixtures("scheduler")
def test_each_enabled_rule_has_run_once(hunts):
    code, document = hunts.document("push", "test", "--wait")
    assert code == 0
    assert runs(document) == [("alpha", "ran", "partial failure"), ("beta", "ran", "partial failure")]


@pytest.mark.usefixtures("scheduler")
def test_how_it_went_is_told_below_the_push(hunts):
    assert hunts.deploy("push", "test", "--wait") == 0
    assert "First runs: 2 warned." in hunts.output
    assert "no index matching" in hunts.output


@pytest.fixture
def spoiled(hunts, stack, scheduler):
    """Data without the column that the rules read arrive between the push and the first run."""
    elastic = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, "elastic")))
    index = f"logs-tests-alpha-{hunts.space}"

    def arrive():
        scheduler.clear()
        elastic.create_index(index, mappings={"properties": {"@timestamp": {"type": "date"}}})

    scheduler.append(arrive)
    yield
    elastic.delete_index(index)
    elastic.close()


@pytest.mark.usefixtures("spoiled")
def test_a_rule_that_fails_is_a_failed_check(hunts):
    code, document = hunts.document("push", "test", "--wait")
    assert runs(document) == [("alpha", "ran", "failed"), ("beta", "ran", "partial failure")]
    assert code == 2
    assert {change["result"] for change in document["plan"]["changes"]} == {"applied"}


def test_a_kibana_that_runs_no_rules_is_told_after_the_time(hunts):
    assert hunts.deploy("push", "test", "--wait-seconds", "0") == 1
    assert "Pushed: " in hunts.output
    assert "First runs: 2 none yet." in hunts.output
    assert "`deploy list test` tells later" in hunts.output


def test_a_rule_that_ran_before_and_is_not_due_is_not_waited_for(hunts):
    hunts.deploy("push", "test")
    for rule in hunts.rules().values():
        hunts.kibana.post("/local/rules/run", {"rule_id": rule["rule_id"]}, space=hunts.space)
    hunts.add_hunt("alpha", number=1, threshold=9, settings="enabled: true\n")
    code, document = hunts.document("push", "test", "--wait")
    assert runs(document) == [("alpha", "not_due", "partial failure")]
    assert code == 0


def test_nothing_pushed_is_nothing_to_wait_for(hunts):
    hunts.deploy("push", "test")
    code, document = hunts.document("push", "test", "--wait")
    assert code == 0
    assert document["runs"] == []
