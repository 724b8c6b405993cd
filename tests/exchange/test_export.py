"""Compiled rules in the forms of other tools, and back again."""

import json
import re
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from entra_deployer.core.json import Json
from entra_deployer.exchange.export_rules import ExportForm, export_rules
from entra_deployer.exchange.import_rules import import_files
from entra_deployer.exchange.terraform import write_resource
from entra_deployer.objects import KINDS
from entra_deployer.objects.rule_fields import RULE_FIELDS, Owner
from entra_deployer.objects.state import RULE
from entra_deployer.objects.tag import OWNER_TAG
from entra_deployer.repository import OFFLINE, Repository
from tests.reading import there

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 26)
COMPILED = Repository(ROOT).compile(OFFLINE).rules


def exported(form, rules=COMPILED):
    return export_rules(rules, form, TODAY)


@pytest.mark.parametrize("form", [ExportForm.DETECTION_RULES, ExportForm.NDJSON])
def test_an_export_comes_back_as_the_same_rules(form, tmp_path):
    (tmp_path / "rules").mkdir()
    (tmp_path / "out").mkdir()
    for name, text in exported(form).files.items():
        (tmp_path / "out" / name).write_text(text, "utf-8")
    report = import_files(Repository(tmp_path), [tmp_path / "out"])
    assert not report.failed
    back = {rule.rule.key: rule.rule.payload for rule in Repository(tmp_path).compile(OFFLINE).rules}
    assert back.keys() == {rule.rule.key for rule in COMPILED}
    for rule in COMPILED:
        before, after = rule.rule.payload, back[rule.rule.key]
        git = [name for name, field in RULE_FIELDS.items() if field.owner is Owner.GIT]
        changed = {name for name in git if not KINDS[RULE].same(name, before.get(name), after.get(name))}
        assert changed <= {"required_fields"}, rule.rule.name  # which the compiler makes of the hunt's own query


@pytest.mark.parametrize("form", list(ExportForm))
def test_nothing_outside_bears_our_mark(form):
    assert all(OWNER_TAG not in text for text in exported(form).files.values())


def test_a_file_of_detection_rules_has_its_tables(tmp_path):
    rule = COMPILED[0]
    (text,) = exported(ExportForm.DETECTION_RULES, [rule]).files.values()
    document = tomllib.loads(text)
    assert document["metadata"]["creation_date"] == "2026/11/26"
    assert document["metadata"]["integration"] == ["azure"]
    assert document["rule"]["query"] == rule.rule.payload["query"]
    assert document["rule"]["rule_id"] == rule.rule.key
    assert document["rule"]["threat"][0]["tactic"]["name"]


def test_an_export_of_kibana_ends_in_its_counts():
    (text,) = exported(ExportForm.NDJSON).files.values()
    *rules, counts = [json.loads(line) for line in text.splitlines()]
    assert [rule["name"] for rule in rules] == sorted(rule.rule.name for rule in COMPILED)
    assert counts["exported_rules_count"] == len(COMPILED)


def test_an_export_is_the_same_each_time():
    assert exported(ExportForm.TERRAFORM) == exported(ExportForm.TERRAFORM)


def test_a_resource_says_suppression_and_fields_as_the_provider_does():
    payload: dict[str, Json] = {
        "name": "x",
        "from": "now-1d/d",
        "alert_suppression": {"group_by": ["a"], "duration": {"value": 15, "unit": "m"}},
        "investigation_fields": {"field_names": ["a", "b"]},
        "output_index": ".alerts",
        "threat": [{"framework": "MITRE ATT&CK", "tactic": {"id": "TA1"}, "technique": []}],
    }
    text, losses = write_resource("1_hunt", payload)
    assert text.startswith('resource "elasticstack_kibana_security_detection_rule" "_1_hunt" {\n')
    assert 'duration = "15m"' in text
    assert 'investigation_fields = ["a", "b"]' in text
    assert {loss.field for loss in losses} == {"from", "output_index"}
    assert text.count("{") == text.count("}")


@given(st.text(st.characters(codec="utf-8"), max_size=60))
@example(r"a \bword\b and \f")
@example("\b\f")
def test_any_text_is_written_as_itself(text):
    resource, _ = write_resource("a", {"name": text or "x", "from": "now-1d"})
    written = there(re.search(r'^  name = (".*")$', resource, re.MULTILINE))[1]
    assert not re.search(r"(?<!\$)\$\{|(?<!%)%\{", written)
    assert json.loads(re.sub(r"([$%])\1\{", r"\1{", written)) == (text or "x")


@pytest.mark.parametrize(
    ("stack", "oldest", "is_told"), [(">=8.14", "8.14.0", False), (">=8.14,<9", None, True), (None, None, False)]
)
def test_an_oldest_stack_is_said_and_another_range_told(stack, oldest, is_told):
    rule = COMPILED[0]
    settings = replace(rule.settings, settings=replace(rule.settings.settings, stack=stack))
    found = exported(ExportForm.DETECTION_RULES, [replace(rule, settings=settings)])
    (text,) = found.files.values()
    assert tomllib.loads(text)["metadata"].get("min_stack_version") == oldest
    assert any(issue.message.startswith("stack:") for issue in found.issues) == is_told
