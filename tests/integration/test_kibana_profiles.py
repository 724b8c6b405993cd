"""What the versions after 8.12 do otherwise."""

import json
from collections.abc import Iterator

import pytest

from entra_deployer.local.stack import LocalStack
from tests.integration.kibana_server import Server, serving
from tests.integration.test_kibana_contract import RULES, SEARCH, SOURCE, found, rule

EXTRAS = {
    "setup": "## how",
    "related_integrations": [{"package": "azure", "version": "^1.0.0", "integration": "signinlogs"}],
    "required_fields": [{"name": "user.name", "type": "keyword"}],
    "alert_suppression": {"group_by": ["user.name"], "missing_fields_strategy": "suppress"},
    "response_actions": [{"action_type_id": ".osquery", "params": {"query": "select 1"}}],
}


@pytest.fixture(scope="module")
def kibana(stack: LocalStack) -> Iterator[Server]:
    with serving(stack, "8.19") as server:
        yield server


@pytest.fixture(scope="module")
def newest(stack: LocalStack) -> Iterator[Server]:
    with serving(stack, "9.x") as server:
        yield server


def test_rules_keep_what_8_12_dropped(kibana: Server) -> None:
    made = kibana.ask("POST", RULES, rule(rule_id="extras", **EXTRAS)).body
    assert {name: made[name] for name in EXTRAS} == EXTRAS | {
        "required_fields": [{"name": "user.name", "type": "keyword", "ecs": True}]
    }
    assert made["rule_source"] == {"type": "internal"}
    put = kibana.ask("PUT", RULES, rule(rule_id="extras")).body
    assert put["setup"] == ""
    assert "alert_suppression" not in put


def test_suppression_is_looked_at(kibana: Server) -> None:
    answer = kibana.ask("POST", RULES, rule(alert_suppression={"group_by": []}))
    assert answer.message == "[request body]: alert_suppression.group_by: Array must contain at least 1 element(s)"
    answer = kibana.ask("POST", RULES, rule(alert_suppression={"group_by": ["a", "b", "c", "d"]}))
    assert answer.message == "[request body]: alert_suppression.group_by: Array must contain at most 3 element(s)"


def test_a_put_leaves_a_rule_switched_off(kibana: Server) -> None:
    kibana.ask("POST", RULES, rule(rule_id="off", enabled=False))
    assert kibana.ask("PUT", RULES, rule(rule_id="off", name="other")).body["enabled"] is False


def test_an_overwriting_import_is_a_full_update(kibana: Server) -> None:
    kibana.upload(f"{RULES}/_import", [rule(rule_id="full", note="n", enabled=False)])
    assert kibana.upload(f"{RULES}/_import?overwrite=true", [rule(rule_id="full", name="new")]).body["success"]
    now = kibana.ask("GET", found("full")).body
    assert "note" not in now
    assert (now["name"], now["enabled"], now["revision"]) == ("new", False, 1)


def test_an_import_of_what_was_exported_changes_nothing(kibana: Server) -> None:
    kibana.ask("POST", RULES, rule(rule_id="again", enabled=False, **EXTRAS))
    before = kibana.ask("GET", found("again")).body
    lines = kibana.ask("POST", f"{RULES}/_export", {"objects": [{"rule_id": "again"}]}).body.splitlines()
    assert kibana.upload(f"{RULES}/_import?overwrite=true", lines).body["success"]
    after = kibana.ask("GET", found("again")).body
    assert after | {"updated_at": ""} == before | {"updated_at": ""}


def test_new_rules_are_switched_on_before_9_and_off_from_then_on(kibana: Server, newest: Server) -> None:
    assert kibana.ask("POST", RULES, rule(rule_id="new")).body["enabled"] is True
    assert newest.ask("POST", RULES, rule(rule_id="new")).body["enabled"] is False
    newest.upload(f"{RULES}/_import", [rule(rule_id="imported")])
    assert newest.ask("GET", found("imported")).body["enabled"] is False


def test_a_search_has_the_version_of_its_kibana(kibana: Server) -> None:
    attributes = {"title": "t", "density": "compact", "kibanaSavedObjectMeta": SOURCE}
    made = kibana.ask("POST", f"{SEARCH}/versioned", {"attributes": attributes}).body
    assert made["typeMigrationVersion"] == "10.5.0"
    line = {"type": "search", "id": "later", "attributes": attributes, "references": []}
    newer = kibana.upload("/api/saved_objects/_import", [{**line, "typeMigrationVersion": "10.9.0"}])
    assert (newer.status, newer.body["error"]) == (422, "Unprocessable Entity")


def test_a_flat_search_gets_a_tab_in_9(newest: Server) -> None:
    attributes = {"title": "t", "columns": ["a"], "kibanaSavedObjectMeta": SOURCE}
    line = {"type": "search", "id": "flat", "attributes": attributes, "references": []}
    assert newest.upload("/api/saved_objects/_import", [line]).body["success"]
    [tab] = newest.ask("GET", f"{SEARCH}/flat").body["attributes"]["tabs"]
    assert tab["label"] == "Untitled"
    assert tab["attributes"]["columns"] == ["a"]
    assert json.loads(tab["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])["query"] == {
        "esql": "from logs-x"
    }


def test_the_status_names_the_version(kibana: Server, newest: Server) -> None:
    assert kibana.ask("GET", "/api/status").body["version"]["number"] == "8.19.21"
    assert newest.ask("GET", "/api/status").body["version"]["number"].startswith("9.")
