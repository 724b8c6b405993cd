"""The life of a rule on three stacks, dev, staging and an older production: every way on, and every refusal once."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from elasticsearch import Elasticsearch

from entra_deployer.__main__ import run
from entra_deployer.commands import project as projects
from entra_deployer.local import stack as local
from entra_deployer.objects.rule_fields import SERVER_SET
from entra_deployer.plan.push import now
from entra_deployer.promotion.promote import PromotionRequest, promote
from entra_deployer.repository import Repository
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.privileges import LEDGER as INDEX
from tests.integration.conftest import deploy, make_project
from tests.integration.projects import SIMPLE_HUNT, client, environment_file, on_a_terminal
from tests.reading import there

STAGES = {"dev": "8.19", "staging": "8.19", "production": "8.12"}
HUNT = "password_spray"
SOURCE = "logs-tests-spray-one"
TEST = """\
name: one fails, one does not
index: logs-tests-spray-default
events:
  - {name: a failure, at: 10m ago, count: 5, set: {user.name: mallory}}
  - {name: a slip, at: 10m ago, count: 3, set: {user.name: alice}}
catches:
  - entity: {user.name: mallory}
ignores:
  - entity: {user.name: alice}
"""
SETTINGS = "# Why it is so.\nseverity: low   # a lead\nenabled: true\nduplicates: none\ninterval: 5m\n"


@pytest.fixture(scope="module")
def stacks(tmp_path_factory) -> Iterator[Path]:
    """Three running stacks; the project that they belong to."""
    root = make_project(tmp_path_factory.mktemp("life") / "stacks")
    with ExitStack() as after:
        for name, profile in STAGES.items():
            after.callback(local.down, root, name)
            started = deploy(root, "local", "up", "--name", name, "--profile", profile)
            assert started.returncode == 0, started.stderr
        yield root


@dataclass
class Life:
    """A project whose environments are spaces of its own on the three stacks."""

    root: Path
    space: str
    names: dict[str, str]
    kibanas: dict[str, KibanaClient]
    capsys: pytest.CaptureFixture[str]
    output: str = field(default="")
    errors: str = field(default="")

    def deploy(self, line: str, *more: str) -> int:
        """Run a command line in this process; its output is in `output` and `errors`."""
        self.capsys.readouterr()
        code = run([*(self.names.get(word, word) for word in line.split()), *more])
        self.output, self.errors = self.capsys.readouterr()
        return code

    def document(self, line: str, *more: str):
        code = self.deploy(line, *more, "--format", "json")
        return code, json.loads(self.output)

    def refusals(self, line: str = "promote staging production") -> set[str]:
        """The codes that stand against a promotion, which writes nothing."""
        before = self.rules("production")
        code, document = self.document(line)
        assert (code, document["refused"]) == (1, True), document
        assert self.rules("production") == before
        return {issue["code"] for issue in document["issues"] if issue["level"] == "error"}

    def rules(self, environment: str):
        """All rules of an environment by name, as Kibana tells them."""
        found = self.kibanas[environment].get("/api/detection_engine/rules/_find", dict[str, Any], space=self.space)
        return {rule["name"]: rule for rule in found["data"]}

    def rule(self, environment: str):
        (rule,) = self.rules(environment).values()
        return rule

    def edit(self, environment: str, **fields: object) -> None:
        """Change the rule as somebody would in Kibana."""
        body = {"rule_id": self.rule(environment)["rule_id"], **fields}
        self.kibanas[environment]._send("PATCH", "/api/detection_engine/rules", self.space, json=body)

    def file(self, name: str) -> Path:
        return self.root / "rules" / HUNT / name

    def replace(self, name: str, old: str, new: str) -> None:
        text = self.file(name).read_text("utf-8")
        assert old in text
        self.file(name).write_text(text.replace(old, new), "utf-8")

    def gates(self, gates: str, more: str = "") -> None:
        """Write production's file with these gates."""
        self.environment("production", f"overlay: {{risk_score: 99}}\ngates: {{{gates}}}\n{more}")

    def environment(self, stage: str, more: str = "") -> None:
        """Write an environment's file: a space of this test's own on one of the three stacks."""
        stack = f'local: {{name: {stage}, profile: "{STAGES[stage]}"}}\n'
        (self.root / "deploy" / f"{self.names[stage]}.yaml").write_text(f"{stack}spaces: [{self.space}]\n{more}")

    def prove(self) -> None:
        """Push to staging and verify there."""
        assert self.deploy("push staging") == 0, self.output + self.errors
        assert self.deploy("verify --on staging") == 0, self.output + self.errors


@pytest.fixture
def life(stacks, tmp_path, monkeypatch, capsys) -> Iterator[Life]:
    """A project with one hunt; each environment has a name and a space that no other test has."""
    own = tmp_path.name.replace("_", "-")[-40:].strip("-")
    folder = tmp_path / "rules" / HUNT
    (folder / "tests").mkdir(parents=True)
    uuid = "00000000-0000-4000-8000-00000000abcd"
    hunt = SIMPLE_HUNT.format(key="spray", name="Password spray", uuid=uuid, threshold=3)
    (folder / "hunt.toml").write_text(hunt, "utf-8")
    (folder / "rule.yaml").write_text(SETTINGS, "utf-8")
    (folder / "tests" / "a.yaml").write_text(TEST, "utf-8")
    (tmp_path / "deploy").mkdir()
    (tmp_path / ".deploy").mkdir()
    monkeypatch.chdir(tmp_path)
    some = Life(tmp_path, own, {stage: f"{stage}-{own}" for stage in STAGES}, {}, capsys)
    with ExitStack() as after:
        for stage in STAGES:
            (tmp_path / ".deploy" / stage).symlink_to(stacks / ".deploy" / stage)
            some.environment(stage)
            found = there(local.find(stacks, stage))
            kibana = after.enter_context(client(found.kibana_url, found.password))
            kibana.post("/api/spaces/space", {"id": own, "name": own})
            some.kibanas[stage] = kibana
        yield some


def test_the_whole_life(life):
    life.gates("")
    assert life.deploy("push dev") == 0, life.output + life.errors
    assert life.deploy("verify --on dev") == 0, life.output
    assert life.deploy("promote dev staging") == 0, life.output
    assert life.deploy("verify --on staging") == 0, life.output
    rule_id = life.rule("staging")["rule_id"]

    # an analyst changes the rule in Kibana, by what git owns and by what Kibana owns
    query = life.rule("staging")["query"].replace("failures > 3", "failures > 4")
    life.edit("staging", query=query, severity="high", enabled=False)
    code, document = life.document("drift staging")
    assert code == 2
    found = {one["kind"]: one for one in document["differences"] if one["counts"]}
    assert set(found) == {"changed_in_kibana"}
    assert [one["path"] for one in found["changed_in_kibana"]["fields"]] == ["query", "severity"]
    assert found["changed_in_kibana"]["by"] == "elastic"
    assert {one["kind"] for one in document["differences"] if not one["counts"]} == {"disabled"}
    assert life.refusals() >= {"DEP381"}

    # it comes back into the files, by two lines; the window of the hunt's own query stays
    assert life.deploy("pull staging") == 0, life.output
    assert "| where failures > 4" in life.file("hunt.toml").read_text()
    assert "now() - 1 day" in life.file("hunt.toml").read_text()
    assert life.file("rule.yaml").read_text() == SETTINGS.replace("low   #", "high  #")
    assert life.deploy("pull staging") == 0
    assert "Nothing to pull" in life.output
    assert life.deploy("push staging") == 0
    assert life.deploy("drift staging") == 0, life.output
    assert life.deploy("pull staging") == 0
    assert "Nothing to pull" in life.output

    # what was verified is no longer what stands there
    assert life.refusals() == {"DEP385"}
    assert life.deploy("verify --on staging") == 0, life.output
    assert life.deploy("promote staging production", "--out", "attestation.json") == 0, life.output
    attestation = json.loads((life.root / "attestation.json").read_text())
    (attested,) = attestation["rules"]
    assert [(one["kibana"], one["status"]) for one in attested["verdicts"]] == [
        ("8.19.21", "passed"),
        ("8.12.2", "passed"),
    ]
    assert life.rule("production")["rule_id"] == rule_id
    assert life.rule("production")["risk_score"] == 99, "production's overlay is applied"
    assert life.deploy("promote staging production") == 0
    assert "Nothing to promote" in life.output

    # a second version reaches production, and is taken back
    object_id = life.rule("production")["id"]
    life.replace("rule.yaml", "severity: high ", "severity: critical ")
    life.prove()
    assert life.deploy("promote staging production") == 0, life.output
    assert life.rule("production")["severity"] == "critical"
    assert life.deploy("rollback production --dry-run") == 0
    assert life.rule("production")["severity"] == "critical"
    assert life.deploy("rollback production") == 0, life.output
    assert (life.rule("production")["severity"], life.rule("production")["id"]) == ("high", object_id)
    code, history = life.document("history production")
    assert [push["note"] for push in history["pushes"]] == [
        "rollback to #1",
        f"promoted from {life.names['staging']}",
        f"promoted from {life.names['staging']}",
    ]
    code, document = life.document("drift production")
    assert (code, [one["kind"] for one in document["differences"]]) == (2, ["not_pushed"])


# -- every refusal once --------------------------------------------------------------------------------------------


def test_what_staging_does_not_have_is_not_promoted(life):
    assert life.refusals() == {"DEP381", "DEP383"}


def test_what_nobody_verified_is_not_promoted(life):
    assert life.deploy("push staging") == 0
    assert life.refusals() == {"DEP383"}


def test_what_failed_its_verification_is_not_promoted(life):
    life.replace("tests/a.yaml", "count: 5", "count: 2")
    assert life.deploy("push staging") == 0
    assert life.deploy("verify --on staging") == 2
    assert life.refusals() == {"DEP384"}


@pytest.mark.parametrize("name", ["tests/a.yaml", "hunt.toml"])
def test_other_content_than_was_verified_is_not_promoted(life, name):
    life.prove()
    life.replace(name, "a failure" if "tests" in name else "Look at", "another word")
    found = life.refusals()
    assert "DEP385" in found
    assert found <= {"DEP381", "DEP385"}


def test_a_drift_in_production_stops_a_promotion(life):
    life.gates("")
    life.prove()
    assert life.deploy("promote staging production") == 0, life.output
    life.edit("production", note="changed in the night")
    life.replace("rule.yaml", "severity: low", "severity: high")
    life.prove()
    assert life.refusals() == {"DEP313", "DEP382"}


def test_an_older_stack_than_the_rule_needs_stops_a_promotion(life):
    life.replace("hunt.toml", "by user.name\n", "by user.name\n| eval digest = md5(user.name)\n")
    life.replace("hunt.toml", "| where failures > 3\n", "| where failures > 3 and digest is not null\n")
    life.prove()
    codes = life.refusals()
    assert codes & {"DEP011", "DEP012"}


def test_the_gates_of_production_stop_a_promotion_until_they_are_met(life):
    key = Ed25519PrivateKey.generate()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (life.root / "key.pem").write_bytes(key.private_bytes(*form))
    approvals = "approvals: {file: deploy/approvals/production.yaml, count: 1}"
    demands = f"minimum_mutation_score: 0.5, verdict_age: 7d, soak: 1d, {approvals}, signed: true"
    life.gates(demands)
    life.prove()
    assert life.refusals() == {"DEP386", "DEP387", "DEP388", "DEP389"}

    life.gates(demands, "signing_key: {file: key.pem}\n")
    _, document = life.document("promote staging production --dry-run")
    (life.root / "deploy" / "approvals").mkdir()
    approval = {"rule": HUNT, "digest": document["evidence"][0]["content"], "by": "alice"}
    (life.root / "deploy" / "approvals" / "production.yaml").write_text(yaml.safe_dump({"approvals": [approval]}))
    assert life.deploy("verify --on staging --mutate") == 0, life.output
    body = {"rule_id": life.rule("staging")["rule_id"]}
    life.kibanas["staging"].post("/local/rules/run", body, space=life.space)
    assert life.refusals() == {"DEP387"}, "it has not stood there for a day"

    def promoted_in(days):
        with ExitStack() as both:
            here, there = (
                both.enter_context(projects.connection(Path(), life.names[stage]))
                for stage in ("production", "staging")
            )
            return promote(Repository(Path()), there, here, PromotionRequest(), lambda: now() + timedelta(days=days))

    assert {issue.code for issue in promoted_in(8).errors} == {"DEP385"}, "the verdict is older than a week"
    promotion = promoted_in(2)
    assert not promotion.errors
    assert promotion.attestation["rules"][0]["approved_by"] == ["alice"]
    assert promotion.attestation["signature"]["algorithm"] == "ed25519"
    assert life.rule("production")["name"] == "Password spray"


def test_on_a_terminal_a_promotion_shows_what_it_would_do_and_asks(life, stacks, monkeypatch):
    found = there(local.find(stacks, "production"))
    monkeypatch.setenv("TEST_PASSWORD", found.password)
    file = life.root / "deploy" / f"{life.names['production']}.yaml"
    file.write_text(environment_file(found.kibana_url, found.elasticsearch_url, life.space), "utf-8")
    life.prove()
    words = ("promote", life.names["staging"], life.names["production"])
    code, shown, printed = on_a_terminal(life.root, "n", *words, "--out", "attestation.json")
    assert (code, life.rules("production")) == (1, {}), shown + printed
    assert "Go on?" in shown
    assert "Password spray" in shown
    assert "you said no" in " ".join(printed.split())
    assert not (life.root / "attestation.json").exists()
    code, shown, printed = on_a_terminal(life.root, "y", *words, "--out", "attestation.json")
    assert (code, set(life.rules("production"))) == (0, {"Password spray"}), shown + printed
    (attested,) = json.loads((life.root / "attestation.json").read_text())["rules"]
    assert attested["rule_id"] == life.rule("production")["rule_id"]
    code, shown, _ = on_a_terminal(life.root, "n", *words)
    assert code == 0
    assert "Go on?" not in shown


def test_a_promotion_to_itself_or_from_nowhere_is_wrong_usage(life):
    assert life.deploy("promote staging staging") == 64
    assert life.deploy("promote nowhere production") == 64


# -- drift and pull ------------------------------------------------------------------------------------------------


def test_one_change_after_the_other_comes_back_from_kibana(life):
    assert life.deploy("push staging") == 0
    for severity in ("high", "critical"):
        life.edit("staging", severity=severity)
        code, document = life.document("drift staging")
        assert (code, [one["kind"] for one in document["differences"]]) == (2, ["changed_in_kibana"])
        assert life.deploy("pull staging") == 0, life.output
        assert life.deploy("push staging") == 0
        assert "No changes" in life.output
        assert life.deploy("drift staging") == 0, life.output


def test_what_both_sides_changed_is_left_unless_somebody_decides(life):
    assert life.deploy("push staging") == 0
    life.edit("staging", severity="critical", note="Ask Alice.", tags=["mine"])
    life.replace("rule.yaml", "severity: low", "severity: high")
    code, document = life.document("drift staging")
    kinds = {one["kind"]: [field["path"] for field in one["fields"]] for one in document["differences"]}
    assert (code, kinds) == (2, {"conflict": ["severity"], "changed_in_kibana": ["note", "tags"]})
    code, document = life.document("pull staging --dry-run")
    assert (code, document["written"]) == (1, False)
    assert {issue["code"] for issue in document["issues"]} >= {"DEP370"}
    assert "note" not in life.file("rule.yaml").read_text()
    assert life.deploy("pull staging --theirs") == 0, life.output
    assert "severity: critical" in life.file("rule.yaml").read_text()
    assert "note: Ask Alice." in life.file("rule.yaml").read_text()
    assert life.deploy("push staging") == 0
    assert {"mine", "Managed: entra-deployer"} <= set(life.rule("staging")["tags"]), "our mark is back, hers stays"
    assert life.deploy("drift staging") == 0, life.output


def test_what_has_no_place_in_the_files_is_told(life):
    assert life.deploy("push staging") == 0
    kibana = life.kibanas["staging"]
    (found,) = kibana.get("/api/saved_objects/_find", space=life.space, params={"type": "search"})["saved_objects"]
    line = {**found, "attributes": {**found["attributes"], "columns": ["user.name"], "description": "hers"}}
    kept = {
        name: line[name] for name in ("type", "id", "attributes", "references", "typeMigrationVersion") if name in line
    }
    kibana.upload("/api/saved_objects/_import", [kept], space=life.space, params={"overwrite": "true"})
    assert life.deploy("drift staging") == 2
    code, document = life.document("pull staging")
    assert (code, document["files"], [issue["code"] for issue in document["issues"]]) == (0, [], ["DEP372"] * 2)
    assert life.deploy("push staging") == 1
    assert life.deploy("push staging --overwrite") == 0
    assert life.deploy("drift staging") == 0, life.output


def test_a_key_that_may_only_read_is_enough_to_look(life, elastic, monkeypatch):
    assert life.deploy("push staging") == 0
    role = {
        "cluster": ["monitor"],
        "index": [
            {"names": [INDEX], "privileges": ["read"]},
            {"names": ["logs-*"], "privileges": ["view_index_metadata"]},
        ],
        "applications": [{"application": "kibana-.kibana", "privileges": ["read"], "resources": ["*"]}],
    }
    key = elastic.security.create_api_key(name="reader", role_descriptors={"reader": role})
    found = there(local.find(life.root, "staging"))
    servers = f"kibana: {{url: '{found.kibana_url}'}}\nelasticsearch: {{url: '{found.elasticsearch_url}'}}\n"
    text = f"{servers}auth: {{api_key: {{variable: READ_KEY}}}}\nenabled: true\nspaces: [{life.space}]\n"
    (life.root / "deploy" / f"{life.names['staging']}.yaml").write_text(text)
    monkeypatch.setenv("READ_KEY", key["encoded"])
    assert life.deploy("drift staging") == 0, life.output + life.errors
    assert "last push" in life.output
    life.edit("staging", severity="high")
    assert life.deploy("drift staging") == 2
    assert life.deploy("pull staging") == 0
    assert life.deploy("history staging") == 0
    life.edit("staging", severity="low")
    assert life.deploy("push staging") != 0, "it may not write"


def test_without_the_ledger_the_rule_itself_says_that_nobody_touched_it(life, elastic):
    assert life.deploy("push staging") == 0
    life.replace("rule.yaml", "severity: low", "severity: high")
    query = {"bool": {"filter": [{"term": {"type": "object"}}, {"term": {"space": life.space}}]}}
    for hit in elastic.search(index=INDEX, query=query)["hits"]["hits"]:
        elastic.delete(index=INDEX, id=hit["_id"], refresh=True)
    _, document = life.document("drift staging")
    assert not document["three_way"]
    assert [one["kind"] for one in document["differences"]] == ["not_pushed"]
    life.edit("staging", note="edited")
    _, document = life.document("drift staging")
    assert [one["kind"] for one in document["differences"]] == ["different"]


def test_a_copy_made_in_kibana_is_found_and_becomes_a_hunt(life):
    assert life.deploy("push staging") == 0
    copy = {name: value for name, value in life.rule("staging").items() if name not in SERVER_SET | {"rule_id"}}
    copy |= {"name": "Password spray [Duplicate]", "enabled": False}
    life.kibanas["staging"].post("/api/detection_engine/rules", copy, space=life.space)
    code, document = life.document("drift staging")
    assert (code, [one["kind"] for one in document["differences"]]) == (2, ["foreign_copy"])
    assert life.deploy("pull staging") == 0, life.output
    assert (life.root / "rules" / "password_spray_duplicate" / "hunt.toml").is_file()
    assert life.deploy("push staging") == 0, life.output
    assert len(life.rules("staging")) == 2
    assert life.deploy("drift staging") == 0, life.output
    assert life.deploy("pull staging --dry-run") == 0
    assert "Nothing to pull" in life.output


def test_a_rule_born_in_kibana_becomes_a_hunt_that_a_push_takes_over(life):
    born = {
        "type": "esql",
        "language": "esql",
        "query": "from logs-tests-born* metadata _id | limit 10",
        "name": "Born in Kibana",
        "description": "Made by hand.",
        "severity": "high",
        "risk_score": 73,
        "interval": "7m",
        "from": "now-21m",
        "enabled": False,
        "tags": ["SOC"],
        "note": "Ask Alice.",
    }
    made = life.kibanas["staging"].post("/api/detection_engine/rules", born, space=life.space)
    assert life.deploy("push staging") == 0
    assert life.deploy("pull staging", "--new", "Nobody's rule") == 64
    assert life.deploy("pull staging", "--new", "Born in Kibana") == 0, life.output
    assert life.deploy("push staging") == 1, "it bears no mark of ours yet"
    assert life.deploy("push staging --adopt") == 0, life.output
    now_there = life.rules("staging")["Born in Kibana"]
    kept = ("id", "rule_id", "severity", "risk_score", "interval", "from", "note", "enabled")
    assert {name: now_there[name] for name in kept} == {name: made[name] for name in kept}
    assert life.deploy("drift staging") == 0, life.output


@pytest.fixture
def elastic(stacks) -> Iterator[Elasticsearch]:
    """The Elasticsearch of staging; the index that the rule reads is gone afterwards."""
    found = there(local.find(stacks, "staging"))
    with Elasticsearch(found.elasticsearch_url, basic_auth=("elastic", found.password)) as client_:
        yield client_
        client_.indices.delete(index=SOURCE, ignore_unavailable=True)


def mapped(kind: str):
    return {"properties": {"@timestamp": {"type": "date"}, "user": {"properties": {"name": {"type": kind}}}}}


def test_a_field_of_the_source_that_changes_its_type_is_found(life, elastic):
    elastic.indices.create(index=SOURCE, mappings=mapped("keyword"))
    assert life.deploy("push staging") == 0
    assert life.deploy("drift staging") == 0, life.output
    elastic.indices.delete(index=SOURCE)
    elastic.indices.create(index=SOURCE, mappings=mapped("text"))
    code, document = life.document("drift staging")
    (found,) = document["differences"]
    assert (code, found["kind"]) == (2, "source_changed")
    assert found["fields"] == [{"path": "user.name", "base": "keyword", "desired": "keyword", "live": "text"}]


def test_a_failing_rule_is_drift(life, elastic):
    elastic.indices.create(index=SOURCE, mappings=mapped("keyword"))
    assert life.deploy("push staging") == 0
    life.edit("staging", query="from logs-tests-spray* | where no.such.field == 1")
    body = {"rule_id": life.rule("staging")["rule_id"]}
    life.kibanas["staging"].post("/local/rules/run", body, space=life.space)
    code, document = life.document("drift staging")
    found = {one["kind"]: one for one in document["differences"]}
    assert code == 2
    assert set(found) == {"changed_in_kibana", "failing"}
    assert "no.such.field" in found["failing"]["message"]
    assert found["failing"]["counts"]


def test_a_changed_id_is_a_deletion_and_a_creation(life):
    assert life.deploy("push staging") == 0
    before = life.rule("staging")["rule_id"]
    life.replace("hunt.toml", "00000000abcd", "00000000abce")
    code, document = life.document("push staging")
    assert code == 0
    actions = [(one["action"], one["kind"]) for one in document["plan"]["changes"]]
    assert actions == [("create", "saved_search"), ("create", "rule"), ("delete", "saved_search"), ("delete", "rule")]
    assert "DEP312" in {issue["code"] for issue in document["issues"]}
    assert life.rule("staging")["rule_id"] != before


def test_what_cannot_be_read_is_told_and_leaves_with_1(life):
    assert life.deploy("push staging") == 0
    life.replace("hunt.toml", "stats failures", "stast failures")
    code, document = life.document("drift staging")
    assert code == 1
    assert {issue["code"] for issue in document["issues"]} == {"DEP010"}
