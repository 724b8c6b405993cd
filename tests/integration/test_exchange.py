"""Rules of a live space become hunts, and what is exported stands in Kibana after its own import."""

import json

import pytest

pytestmark = pytest.mark.any_stack

RULE = {
    "rule_id": "3f6b8a0e-3f0e-4a63-9a53-0a3f6f7d1c01",
    "description": "Made in Kibana.",
    "risk_score": 73,
    "severity": "high",
    "interval": "7m",
    "from": "now-20m",
    "type": "esql",
    "language": "esql",
    "query": "from logs-tests-exchange* metadata _id, _index, _version\n| where user.name is not null\n| keep *",
    "tags": ["Team: SOC"],
    "enabled": False,
}
RULES = "/api/detection_engine/rules"


def test_a_live_rule_becomes_a_hunt_that_a_push_takes_over(project):
    name = f"Theirs in {project.space}"
    project.kibana.post(RULES, {**RULE, "name": name}, space=project.space)
    code, told = project.document("import", "--on", "test", "--rule", "Theirs*")
    assert code == 0
    assert [one["name"] for one in told["imported"]] == [name]
    assert project.deploy("push", "test", "--adopt", "--yes") == 0, project.output + project.errors
    (live,) = project.rules().values()
    for field in ("rule_id", "severity", "interval", "from", "query", "risk_score"):
        assert live[field] == RULE[field]
    code, again = project.document("import", "--on", "test")
    assert (code, again["imported"]) == (1, [])


def test_kibanas_own_import_takes_an_export(project):
    project.add_hunt("alpha", number=1, settings="severity: critical\n")
    assert project.deploy("export", "--out", "out") == 0
    text = (project.root / "out" / "rules.ndjson").read_text("utf-8")
    *lines, counts = [json.loads(line) for line in text.splitlines()]
    assert counts["exported_rules_count"] == 1
    answer = project.kibana.upload(f"{RULES}/_import?overwrite=true", lines, space=project.space)
    assert answer["success"] is True
    (live,) = project.rules().values()
    assert (live["rule_id"], live["severity"]) == (lines[0]["rule_id"], "critical")
    assert live["query"] == lines[0]["query"]
