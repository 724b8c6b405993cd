"""What a verdict is about: digests that change with what matters, and with nothing else."""

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.ledger.ledger import Ledger
from entra_deployer.ledger.store import FileStore
from entra_deployer.objects.rule_fields import rule_digest
from entra_deployer.promotion.gates import read_approvals
from entra_deployer.verify.records import VerdictRecord, content_digest, kept_verdicts, record_to_json
from entra_deployer.verify.verdict import Status
from tests.builders import rule
from tests.ledger.stores import MemoryStore


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tests").mkdir()
    (tmp_path / "hunt.md").write_bytes(b"# A\nb\n")
    (tmp_path / "rule.yaml").write_bytes(b"severity: low\n")
    (tmp_path / "tests" / "a.yaml").write_bytes(b"name: a\n")
    return tmp_path


@pytest.mark.parametrize("name", ["hunt.md", "rule.yaml", "tests/a.yaml", "tests/b.yaml"])
def test_every_file_of_a_hunt_matters(folder, name):
    before = content_digest(folder)
    (folder / name).write_bytes(b"other\n")
    assert content_digest(folder) != before


def test_line_ends_and_files_of_others_do_not(folder):
    before = content_digest(folder)
    (folder / "hunt.md").write_bytes(b"# A\r\nb\r\n")
    (folder / "notes.txt").write_bytes(b"mine")
    assert content_digest(folder) == before


def test_no_two_foldings_of_the_same_bytes_are_one(folder):
    before = content_digest(folder)
    (folder / "rule.yaml").write_bytes(b"severity: low\nname: a\n")
    (folder / "tests" / "a.yaml").write_bytes(b"")
    assert content_digest(folder) != before


def test_a_rules_digest_is_of_what_git_owns():
    before = rule_digest(rule().payload)
    assert rule_digest(rule(enabled=False, tags=["x"], actions=[{}], version=7, interval="5m").payload) == before
    assert rule_digest(rule(query="FROM other").payload) != before


def test_of_each_rule_the_newest_verdict_for_each_version_is_kept(tmp_path):
    journal = Ledger("staging", ["default"], MemoryStore(), lambda: FileStore(tmp_path / "l", tmp_path / "o"))

    def record(status, at, kibana="8.19.21"):
        return VerdictRecord("r1", "Rare", "c", "r", status, None, at, "ci", kibana, "8.19.21")

    old, new = record(Status.FAILED, "1"), record(Status.PASSED, "2")
    other = record(Status.PASSED, "3", "8.12.2")
    journal.remember_verdicts([record_to_json(old), record_to_json(other)])
    journal.remember_verdicts([record_to_json(new)])
    assert sorted(kept_verdicts(journal), key=lambda one: one.at) == [new, other]


def test_a_verdict_that_is_none_is_told(tmp_path):
    journal = Ledger("staging", ["default"], MemoryStore(), lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    journal.remember_verdicts([{"rule_id": "r1", "kibana": "8.19.21", "at": 7}])
    with pytest.raises(InputError, match="a verdict that is none"):
        kept_verdicts(journal)


DIGEST = "sha256:" + "a" * 64


def test_approvals_count_people_for_one_content(tmp_path):
    lines = [f"  - {{rule: rare, digest: '{DIGEST}', by: {who}}}" for who in ("bob", "alice", "bob")]
    (tmp_path / "a.yaml").write_text("\n".join(["approvals:", *lines]))
    assert read_approvals(tmp_path, "a.yaml") == {("rare", DIGEST): ("alice", "bob")}
    assert read_approvals(tmp_path, "absent.yaml") == {}


@pytest.mark.parametrize("text", ["approvals: {}", "approvals:\n  - {rule: rare, digest: abc, by: me}", "a: [", "\xff"])
def test_a_malformed_file_of_approvals_is_refused_with_its_place(tmp_path, text):
    (tmp_path / "a.yaml").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"a\.yaml"):
        read_approvals(tmp_path, "a.yaml")
