"""A field that was changed in Kibana arrives in the files by the smallest edit, and nothing else changes."""

import difflib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion, Target
from entra_deployer.hunts import FORMATS
from entra_deployer.hunts.edit import look_up
from entra_deployer.hunts.toml import write_toml
from entra_deployer.pull.drafts import Builder, Draft
from entra_deployer.pull.pulled_fields import Bringer, Wish

HUNT = """\
# Rare client app

## Metadata

- **Author:** Somebody
- **Description:** What it finds.
- **UUID:** `5e5a3a4e-7c4b-4a1e-9d3c-2f4b1c9d8e7f`
- **Integration:** [azure](https://docs.elastic.co/integrations/azure)
- **Language:** `[ES|QL]`

## Query

```sql
from logs-azure.signinlogs*
| where @timestamp > now() - 14 day
// only failures
| where event.outcome != "success"
| stats n = count(*) by user.name
| where n <= 3
```

## MITRE ATT&CK Techniques

- [T1078.004](https://attack.mitre.org/techniques/T1078/004)
"""
SETTINGS = """\
# Why it is so.
severity: medium   # a lead
risk_score: 47

interval: 1h
tags:
  - Ours
  - Theirs
"""
ENVIRONMENT = "# staging\nenabled: true\n"
ROOT = Path("/project")
RULE = "rare"


class Connectors:
    """A space in which every connector is called by its id."""

    def resolve(self, rule):
        payload = {**rule.rule.payload, "actions": [{"id": one["connector"]} for one in rule.settings.settings.actions]}
        return replace(rule, rule=replace(rule.rule, payload=payload))

    def named_actions(self, actions):
        return [{"connector": action["id"]} for action in actions]


def draft(hunt=HUNT, settings=SETTINGS, environment=ENVIRONMENT, suffix=".md"):
    path = ROOT / "rules" / RULE / f"hunt{suffix}"
    texts = {path: hunt, path.with_name("rule.yaml"): settings, ROOT / "deploy" / "staging.yaml": environment}
    return Draft.of(ROOT, RULE, path, "staging", texts)


def as_toml():
    return draft(write_toml(FORMATS[".md"].read(HUNT, "hunt.md")), suffix=".toml")


def bringer(version="8.19", licensed="platinum", **options):
    target = Target("staging", "default", StackVersion.parse(version), licensed)
    return Bringer(Builder(target, Connectors()), **options)


def only_rule(builder, some):
    (rule,) = builder.build(some).rules.values()
    return rule


def bring(some, name, value, *further, by=None):
    """Bring one field; `further` are other wishes of the same rule."""
    by = by or bringer()
    rule = only_rule(by.builder, some)
    return by.bring(some, Wish(rule.rule.key, {name: value, **dict(further)}), name)


def changed(before, after):
    """The lines of all files that went and came."""
    lines = []
    for path, text in after.texts.items():
        diff = difflib.unified_diff(before.texts[path].splitlines(), text.splitlines(), n=0, lineterm="")
        lines += [line for line in diff if line[0] in "+-" and line[:3] not in ("+++", "---")]
    return lines


@pytest.mark.parametrize(
    ("name", "value", "lines"),
    [
        ("severity", "high", ["-severity: medium   # a lead", "+severity: high     # a lead"]),
        ("risk_score", 73, ["-risk_score: 47", "+risk_score: 73"]),
        ("interval", "30m", ["-interval: 1h", "+interval: 30m"]),
        ("name", "Another", ["+name: Another"]),
        ("max_signals", 500, ["+max_signals: 500"]),
        ("false_positives", ["a", "b"], ["+false_positives:", "+  - a", "+  - b"]),
        ("enabled", True, ["+enabled: true"]),
        ("note", "see the wiki", ["+fields:", "+  note: see the wiki"]),
        ("investigation_fields", {"field_names": ["a"]}, None),
        ("from", "now-7d", ["+fields:", "+  from: now-7d"]),
        ("actions", [{"id": "soc"}], None),
    ],
)
def test_a_field_arrives_by_the_smallest_edit(name, value, lines):
    before = draft()
    after = bring(before, name, value)
    if name == "actions":
        assert look_up(after.settings, ["actions"]) == [{"connector": "soc"}]
        return
    assert only_rule(bringer().builder, after).rule.payload[name] == value
    if lines is not None:
        assert changed(before, after) == lines


def test_a_lookback_says_the_time_range_where_nothing_else_hangs_on_it():
    suppression = {"group_by": ["user.name"], "duration": {"value": 168, "unit": "h"}}
    folded = {**suppression, "missing_fields_strategy": "suppress"}
    after = bring(draft(), "from", "now-7d", ("alert_suppression", folded))
    assert changed(draft(), after) == ["+lookback: 7d"]


def test_a_field_that_was_taken_away_is_patched_away():
    after = bring(draft(), "alert_suppression", None)
    assert "alert_suppression" not in only_rule(bringer().builder, after).rule.payload


def test_a_tag_of_rule_yaml_that_was_removed_goes_there():
    before = draft()
    tags = only_rule(bringer().builder, before).rule.payload["tags"]
    after = bring(before, "tags", [tag for tag in tags if tag != "Theirs"])
    assert changed(before, after) == ["-  - Theirs"]


def test_a_tag_of_the_compilers_that_was_removed_is_patched():
    before = draft()
    tags = only_rule(bringer().builder, before).rule.payload["tags"]
    after = bring(before, "tags", tags[1:])
    assert look_up(after.settings, ["fields", "tags"]) == tags[1:]


def test_threat_goes_by_its_tactics():
    threat = only_rule(bringer().builder, draft()).rule.payload["threat"]
    after = bring(draft(), "threat", [one for one in threat if one["tactic"]["name"] == "Initial Access"])
    assert changed(draft(), after) == ["+tactics:", "+  - Initial Access"]


def test_what_fields_says_no_more_is_taken_out():
    before = draft(settings="severity: low\nfields:\n  note: mine\n")
    compiled = only_rule(bringer().builder, draft(settings="severity: low\n")).rule.payload["note"]
    assert changed(before, bring(before, "note", compiled)) == ["-fields:", "-  note: mine"]


def test_a_hunt_without_settings_gets_a_file():
    after = bring(draft(settings=""), "severity", "high")
    assert after.settings == "severity: high\n"


# -- overlays ------------------------------------------------------------------------------------------------------


def test_overlay_writes_to_the_environments_file_alone():
    before = draft()
    after = bring(before, "severity", "high", by=bringer(overlay=True))
    assert changed(before, after) == ["+overlays:", f"+  {RULE}:", "+    severity: high"]


@pytest.mark.parametrize(
    ("environment", "line"),
    [
        ("overlays:\n  rare:\n    severity: low\n", "    severity: high"),
        ("overlay: {severity: low}\n", "    severity: high"),
        ("overlays:\n  Rare client app:\n    severity: low\n", "    severity: high"),
    ],
)
def test_where_an_overlay_decides_it_is_edited(environment, line):
    before = draft(environment=environment)
    after = bring(before, "severity", "high")
    assert after.settings == before.settings
    assert line in after.environment.splitlines()


# -- queries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [draft(), as_toml()], ids=["markdown", "toml"])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("n <= 3", "n <= 5"),
        ("// only failures", "// only failures, as the SOC wants"),
        ("| where n <= 3", "| where n <= 3\n| where user.name is not null"),
        ('| where event.outcome != "success"\n', ""),
        ("signinlogs*", "signinlogs-*"),
    ],
)
def test_an_edited_query_arrives_and_the_hunts_own_window_stays(before, old, new):
    builder = bringer().builder
    compiled = only_rule(builder, before).rule.payload["query"]
    assert "now()" not in compiled
    live = compiled.replace(old, new)
    after = bring(before, "query", live)
    assert only_rule(builder, after).rule.payload["query"] == live
    assert "@timestamp > now() - 14 day" in after.hunt
    assert after.settings == before.settings
    assert len(changed(before, after)) <= 2


def test_a_query_written_anew_keeps_its_time_range():
    live = "from logs-azure.signinlogs*\n| stats m = count(*) by user.name"
    after = bring(draft(), "query", live)
    rule = only_rule(bringer().builder, after).rule.payload
    assert (rule["query"], rule["from"]) == (live, "now-14d")


def test_a_query_that_elasticsearch_would_refuse_is_not_taken():
    assert bring(draft(), "query", "from logs-azure.signinlogs* | nonsense") is None


def test_the_query_of_a_saved_search_is_the_hunts_own():
    by, before = bringer(), draft()
    rule = only_rule(by.builder, before)
    text = rule.query.text.replace("n <= 3", "n <= 9")
    after = by.bring_search_query(before, rule.rule.key, text)
    assert changed(before, after) == ["-| where n <= 3", "+| where n <= 9"]
    assert by.bring_search_query(before, rule.rule.key, rule.query.text) == before


# -- several queries -----------------------------------------------------------------------------------------------

TWO = HUNT.replace(
    "| where n <= 3\n```", "| where n <= 3\n```\n\n```sql\nfrom logs-azure.auditlogs* metadata _id | limit 3\n```"
)


@pytest.mark.parametrize(
    "settings",
    [
        "",
        "severity: low\nfields:\n  note: both\n",
        "queries:\n  a: {contains: signinlogs}\n  b:\n    contains: auditlogs\n    severity: low\n",
    ],
)
@pytest.mark.parametrize(("name", "value"), [("severity", "critical"), ("license", "ours")])
def test_one_of_several_queries_changes_alone_and_keeps_its_id(settings, name, value):
    by, before = bringer(), draft(TWO, settings)
    first, second = by.builder.build(before).rules.values()
    after = by.bring(before, Wish(second.rule.key, {name: value}), name)
    rules = by.builder.build(after).rules
    assert rules.keys() == {first.rule.key, second.rule.key}
    assert rules[first.rule.key].rule == first.rule
    assert rules[second.rule.key].rule.payload == {**second.rule.payload, name: value}


# -- laws ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["8.12", "8.19", "9.1"])
def test_what_is_as_it_should_be_changes_nothing(version):
    by, before = bringer(version), draft()
    rule = only_rule(by.builder, before).rule
    for name in rule.payload:
        assert by.bring(before, Wish(rule.key, rule.payload), name) == before


VALUES = {
    "severity": st.sampled_from(["low", "medium", "high", "critical"]),
    "risk_score": st.integers(0, 100),
    "interval": st.sampled_from(["5m", "1h", "2d"]),
    "from": st.sampled_from(["now-1h", "now-30d", "now-1d/d"]),
    "note": st.text(st.characters(codec="utf-8", exclude_categories=["C"]) | st.just("\n"), max_size=30),
    "references": st.lists(st.sampled_from(["http://a", "http://b"]), max_size=2),
    "setup": st.text("ab: #\n", max_size=10),
    "investigation_fields": st.fixed_dictionaries({"field_names": st.lists(st.sampled_from("ab"), min_size=1)}),
    "alert_suppression": st.none() | st.just({"group_by": ["user.name"]}),
    "building_block_type": st.none() | st.just("default"),
}


@settings(max_examples=40, deadline=None)
@given(st.fixed_dictionaries({}, optional=VALUES))
def test_every_wish_comes_true_in_any_company(wished):
    by, some = bringer(), draft()
    rule = only_rule(by.builder, some).rule
    for name in wished:
        some = by.bring(some, Wish(rule.key, wished), name)
        assert some is not None
    after = only_rule(by.builder, some).rule.payload
    for name in VALUES:
        assert (after.get(name) or None) == (wished.get(name, rule.payload.get(name)) or None)
