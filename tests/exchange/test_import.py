"""Rules of other tools become hunts that compile to them; what cannot be carried over is told field by field."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.core.issue import Level
from entra_deployer.exchange.detection_rules import read_detection_rule
from entra_deployer.exchange.import_rules import import_files
from entra_deployer.exchange.ndjson import read_export
from entra_deployer.exchange.sigma import read_sigma
from entra_deployer.repository import OFFLINE, Repository
from tests.reading import there

FOREIGN = Path(__file__).parents[1] / "data" / "foreign"


@pytest.fixture
def root(tmp_path):
    (tmp_path / "rules").mkdir()
    return tmp_path


def told(report, name):
    return {(issue.level.value, issue.message) for issue in report.issues if issue.subject == name}


def only_rule(root):
    (rule,) = Repository(root).compile(OFFLINE).rules
    return rule


def test_a_rule_of_detection_rules_keeps_what_it_says(root):
    report = import_files(Repository(root), [FOREIGN / "detection-rules" / "many_owners.toml"])
    rule = only_rule(root)
    payload = rule.rule.payload
    assert payload["rule_id"] == "0f5f1c6e-52b1-4a5e-9a0f-3c1f6f1f2b11"
    assert (payload["from"], payload["interval"]) == ("now-70m", "1h")
    assert payload["alert_suppression"] == {
        "group_by": ["azure.auditlogs.identity"],
        "duration": {"value": 5, "unit": "h"},
        "missing_fields_strategy": "suppress",
    }
    assert (payload["severity"], payload["risk_score"]) == ("high", 73)
    assert [entry["tactic"]["name"] for entry in payload["threat"]] == ["Persistence"]
    assert payload["timestamp_override"] == "event.ingested"
    assert payload["note"].startswith("## Triage")
    assert "Team: Identity" in payload["tags"]
    assert "Tactic: Privilege Escalation" not in payload["tags"]
    settings = rule.settings.settings
    assert (settings.stack, settings.exceptions) == (">=8.16", ("break-glass-accounts",))
    assert rule.source.hunt.integrations == ("azure",)
    assert told(report, "Owners Added to Many Applications") == {
        ("warning", "[transform]: there is no place for it"),
        ("warning", "metadata.bypass_bbr_timing: there is no place for it"),
    }


def test_an_export_of_kibana_is_read_line_by_line(root):
    report = import_files(Repository(root), [FOREIGN / "export.ndjson"])
    rules = {rule.rule.name: rule.rule for rule in Repository(root).compile(OFFLINE).rules}
    assert rules["Sign-ins of a Disabled Account"].key == "7c2f8a34-0b6d-4b5c-9c41-5d2b6f3f7a01"
    assert rules["Sign-ins of a Disabled Account"].payload["from"] == "now-1320s"
    assert {message.partition(":")[0] for _, message in told(report, "Older Than UUIDs")} == {"rule_id", "query"}
    assert ("warning", "actions: they name connectors by id: name them under `actions:` in rule.yaml") in told(
        report, "Sign-ins of a Disabled Account"
    )
    (error,) = [issue for issue in report.issues if issue.level is Level.ERROR]
    assert "an exception list" in error.message
    assert there(error.location).line == 3


def test_a_hunt_in_toml_is_taken_as_it_is(root):
    source = FOREIGN / "hunting" / "guest_invitations.toml"
    report = import_files(Repository(root), [source])
    assert report.issues == ()
    assert (root / "rules" / "guests_who_were_invited_by_few" / "hunt.toml").read_text() == source.read_text()
    again = import_files(Repository(root), [source])
    assert [issue.message for issue in again.issues] == ["rules/guests_who_were_invited_by_few has its uuid already"]


def test_a_rule_of_sigma_reads_the_streams_of_its_logsource(root):
    report = import_files(Repository(root), [FOREIGN / "sigma"])
    rules = {rule.rule.name: rule for rule in Repository(root).compile(OFFLINE).rules}
    whoami = rules["Whoami with Everything"]
    assert whoami.source.hunt.queries[0].text.startswith("FROM logs-windows.*, logs-system.*, logs-endpoint.events.*")
    assert "process.command_line" in str(whoami.rule.payload["query"])
    assert (whoami.rule.payload["severity"], whoami.rule.payload["risk_score"]) == ("high", 73)
    assert whoami.source.hunt.mitre == ("T1033",)
    assert whoami.settings.settings.lookback is None
    unknown = {message.partition(":")[0] for _, message in told(report, "A Product That Nobody Knows")}
    assert unknown == {"fields", "letter case", "logsource"}


def test_all_of_a_folder_are_imported_and_clean(root):
    report = import_files(Repository(root), [FOREIGN])
    compilation = Repository(root).compile(OFFLINE)
    assert len(report.brought) == len(compilation.rules) == 6
    assert [issue for issue in compilation.issues if issue.level is Level.ERROR] == []
    again = import_files(Repository(root), [FOREIGN])
    assert again.brought == ()
    assert sum("already" in issue.message for issue in again.issues) == 6


def test_a_rule_of_another_type_is_told(root):
    report = import_files(Repository(root), [FOREIGN / "detection-rules" / "of_another_type.toml"])
    assert report.failed
    assert "it is of type query: only ES|QL rules become hunts" in report.issues[0].message
    assert list((root / "rules").iterdir()) == []


def test_a_dry_run_writes_nothing(root):
    report = import_files(Repository(root), [FOREIGN], dry_run=True)
    assert (len(report.brought), report.written) == (6, False)
    assert list((root / "rules").iterdir()) == []


def test_two_rules_of_one_name_get_folders_of_their_own(root):
    for number in "12":
        text = (FOREIGN / "detection-rules" / "many_owners.toml").read_text().replace("2b11", f"2b2{number}")
        (root / f"{number}.toml").write_text(text)
    report = import_files(Repository(root), [root / "1.toml", root / "2.toml"])
    folders = [Path(one.path).parent.name for one in report.brought]
    assert folders == ["owners_added_to_many_applications", "owners_added_to_many_applications_0f5f1c6e"]


BROKEN = {
    "a.toml": ("[rule\n", "not valid TOML"),
    "b.toml": ("[metadata]\n", "there is no table [rule]"),
    "c.toml": ("[rule]\nname = 3\ntype = 'esql'\n", "is no rule: name"),
    "d.toml": ("[hunt]\nname = 'x'\n", "the hunt has no"),
    "e.ndjson": ("{\n", "is no JSON"),
    "f.ndjson": ("[1]\n", "is no JSON object"),
    "g.ndjson": ('{"name": "x", "attributes": {}}\n', "is a connector or another saved object"),
    "h.yml": ("title: x\n", "Sigma"),
    "i.yml": ("- a\n", "Sigma"),
    "j.yml": (
        "title: x\nlogsource: {product: windows}\ndetection: {a: {b: c}, condition: a and d}\n",
        "pySigma cannot",
    ),
    "k.txt": ("x", "nothing reads such a file"),
    "l.toml": ("[rule]\nname = 'x'\ntype = 'esql'\nquery = 'FROM a | WHRE b'\n", "it does not compile"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_read_is_told_with_its_file_and_the_others_go_on(root, name):
    text, message = BROKEN[name]
    (root / name).write_text(text)
    report = import_files(Repository(root), [root / name, FOREIGN / "hunting"])
    (error,) = [issue for issue in report.issues if issue.level is Level.ERROR]
    assert message in error.message
    assert name in f"{error.location}{error.subject}{error.message}"
    assert len(report.brought) == 1


def test_a_folder_without_rules_is_wrong_usage(root):
    (root / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no file of rules"):
        import_files(Repository(root), [root / "empty"])


@settings(deadline=None)
@given(st.text(max_size=200) | st.sampled_from(["{}", "[rule]", "title: &a [*a]", '{"name":"x","type":"esql"}']))
def test_no_reader_lets_another_error_out(text):
    for reader in (read_export, read_sigma, lambda text, source: [read_detection_rule(text, source)]):
        try:
            list(reader(text, "file"))
        except InputError:
            continue
