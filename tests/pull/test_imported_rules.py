"""A rule that was made in Kibana becomes a hunt which compiles to it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion, Target
from entra_deployer.hunts.edit import look_up, set_in_yaml
from entra_deployer.hunts.hunt import Hunt, Query
from entra_deployer.hunts.rule_yaml import read_rule_yaml
from entra_deployer.hunts.toml import read_toml, write_toml
from entra_deployer.pull.drafts import Builder, Draft, read_plain, write_like_before
from entra_deployer.pull.imported_rules import Newcomer, draft_of_newcomer
from entra_deployer.pull.pulled_fields import Bringer
from tests.builders import rule
from tests.pull.test_pulled_fields import Connectors
from tests.reading import there

TARGET = Target("staging", "default", StackVersion(8, 19), "platinum")
BORN = rule(
    "0a1b2c3d-0000-4000-8000-000000000001",
    "Born: in Kibana!",
    query='FROM logs-azure.signinlogs* METADATA _id, _index, _version\n| WHERE user.name == "x"\n| LIMIT 9',
    severity="high",
    risk_score=73,
    interval="10m",
    **{"from": "now-20m"},
    tags=["SOC"],
    author=["Alice", "Bob"],
    references=["https://example.com"],
    note="Ask Alice.",
    actions=[{"id": "x"}],
    threat=[
        {
            "framework": "MITRE ATT&CK",
            "tactic": {"id": "TA0001", "name": "Initial Access", "reference": "r"},
            "technique": [{"id": "T1078", "name": "n", "reference": "r", "subtechnique": [{"id": "T1078.004"}]}],
        }
    ],
)


HUNT = Hunt(
    name="A",
    author="T",
    description="D",
    uuid="00000000-0000-4000-8000-000000000001",
    integrations=("azure",),
    languages=("ES|QL",),
    queries=(Query("from a", 1),),
    notes=(),
    mitre=(),
    references=(),
    license="",
    source="hunt.toml",
)


def pulled(root, born=BORN):
    bringer = Bringer(Builder(TARGET, Connectors()))
    draft, fields = draft_of_newcomer(root, Newcomer(born, is_marked=False), TARGET, {})
    draft, unsaid = bringer.bring_all(draft, born.key, fields)
    assert unsaid == ()
    (compiled,) = there(bringer.builder.build(draft)).rules.values()
    return draft, compiled.rule


def test_it_keeps_its_id_and_says_what_it_said(tmp_path):
    draft, compiled = pulled(tmp_path)
    assert draft.hunt_path == tmp_path / "rules" / "born_in_kibana" / "hunt.toml"
    assert compiled.key == BORN.key
    own = ("name", "query", "description", "severity", "risk_score", "interval", "from", "references", "note", "threat")
    assert {name: compiled.payload.get(name) for name in own} == {name: BORN.payload.get(name) for name in own}
    assert {"SOC", "Managed: entra-deployer"} <= set(compiled.payload["tags"])


def test_what_the_live_stack_owns_stays_there(tmp_path):
    draft, _ = pulled(tmp_path)
    assert "actions" not in draft.settings
    assert "enabled" not in draft.settings


def test_an_aggregating_rule_keeps_its_schedule(tmp_path):
    query = "FROM logs-azure.signinlogs*\n| STATS n = count(*) BY user.name"
    born = rule(BORN.key, "Counts", query=query, interval="5m", **{"from": "now-1h"})
    draft, compiled = pulled(tmp_path, born)
    assert (compiled.payload["interval"], compiled.payload["from"]) == ("5m", "now-1h")
    assert look_up(draft.settings, ["duplicates"]) == "none"
    assert "fields" not in draft.settings


RULE_IDS = st.text(
    st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters='"\\\ufeff\ufffe\uffff'),
    min_size=1,
    max_size=60,
)
ODD = ("123", "true", "null", "~", " ", "a/b", "../..", "a: b", "# no comment", "- x", "{a}", "*", "é", "x" * 500)


@pytest.mark.parametrize("key", ODD)
def test_it_keeps_any_id_that_kibana_takes(tmp_path, key):
    draft, compiled = pulled(tmp_path, replace(BORN, key=key, payload={**BORN.payload, "rule_id": key}))
    assert (compiled.key, compiled.payload["rule_id"]) == (key, key)
    assert draft.hunt_path.is_relative_to(tmp_path / "rules")


@given(RULE_IDS)
@settings(max_examples=30)
def test_any_id_survives_the_file(key):
    text = set_in_yaml("", ["rule_id"], key)
    hunt = read_toml(write_toml(HUNT), "hunt.toml")
    (one,), issues = read_rule_yaml(text, source="rule.yaml", hunt=hunt, subject="x")
    assert (one.settings.rule_id, issues) == (key, ())


@pytest.mark.parametrize("key", ['a"b', "a\\", "a\nb", "", "x" * 501])
def test_an_id_that_kibana_would_not_find_again_is_refused(key):
    hunt = read_toml(write_toml(HUNT), "hunt.toml")
    found, issues = read_rule_yaml(f"rule_id: {json.dumps(key)}\n", source="rule.yaml", hunt=hunt, subject="x")
    assert (found, [issue.code for issue in issues]) == ((), ["DEP002"])


def test_a_folder_that_is_taken_by_a_rule_of_an_odd_id_gets_another_name(tmp_path):
    (tmp_path / "rules" / "born_in_kibana").mkdir(parents=True)
    draft, _ = pulled(tmp_path, replace(BORN, key="../../etc", payload={**BORN.payload, "rule_id": "../../etc"}))
    assert draft.folder == "born_in_kibana_etc"


def test_a_folder_that_is_taken_is_not_written_over(tmp_path):
    (tmp_path / "rules" / "born_in_kibana").mkdir(parents=True)
    draft, _ = pulled(tmp_path)
    assert draft.folder == "born_in_kibana_0a1b2c3d"


@pytest.mark.parametrize("before", [b"a\r\nb\r\n", b"\xef\xbb\xbfa\nb\n", b"a\nb\n"])
def test_a_file_keeps_its_line_ends_and_its_mark(tmp_path, before):
    path = tmp_path / "f.yaml"
    path.write_bytes(before)
    assert read_plain(path) == "a\nb\n"
    write_like_before(path, "a\nc\n")
    assert path.read_bytes() == before.replace(b"b", b"c")


def test_a_draft_takes_a_text_that_is_edited_already(tmp_path):
    path = Path(tmp_path / "rules" / "x" / "hunt.md")
    draft = Draft.of(tmp_path, "x", path, "staging", {path: "edited"})
    assert (draft.hunt, draft.settings, draft.environment) == ("edited", "", "")
