"""A rule that was made in Kibana becomes a hunt which compiles to it."""

from pathlib import Path

import pytest

from entra_deployer.core.target import StackVersion, Target
from entra_deployer.hunts.edit import look_up
from entra_deployer.pull.drafts import Builder, Draft, read_plain, write_like_before
from entra_deployer.pull.imported_rules import Newcomer, draft_of_newcomer
from entra_deployer.pull.pulled_fields import Bringer, Wish
from tests.builders import rule
from tests.pull.test_pulled_fields import Connectors

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


def pulled(root, born=BORN):
    bringer = Bringer(Builder(TARGET, Connectors()))
    draft, fields = draft_of_newcomer(root, Newcomer(born, is_marked=False), TARGET, {})
    for name in fields:
        wish = Wish(born.key, {**fields, "tags": bringer.with_tags(draft, born.key, fields.get("tags", ()))})
        brought = bringer.bring(draft, wish, name)
        assert brought is not None, name
        draft = brought
    (compiled,) = bringer.builder.build(draft).rules.values()
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
