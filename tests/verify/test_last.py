"""The last verdict on each rule is there again, whole, until the next one takes its place."""

from entra_deployer.core.errors import Location
from entra_deployer.verify.last import FOLDER, LastVerdict, last_verdicts, remember_last
from entra_deployer.verify.records import VerdictRecord
from entra_deployer.verify.verdict import EntityOutcome, Mutant, MutationResult, Status, Verdict

SURVIVOR = Mutant("a number is one more", "2", "3", Location("rules/a/hunt.md", 12, 9), "case 3")
VERDICT = Verdict(
    "a",
    "A",
    Status.FAILED,
    missed=("mallory",),
    outcomes=(EntityOutcome("mallory", "user.name=mallory", expected=True, caught=False, events=("a login x3",)),),
    mutation=MutationResult(4, (SURVIVOR,)),
)
RECORD = VerdictRecord("a", "A", "sha256:1", "r", Status.FAILED, 0.8, "2026-02-01T10:00:00Z", "x", "8.19", "8.19")


def test_a_verdict_is_kept_whole(tmp_path):
    remember_last(tmp_path, "local", [VERDICT], [RECORD])
    kept = LastVerdict("local", RECORD.content, RECORD.at, VERDICT)
    assert last_verdicts(tmp_path, ["a", "b"]) == {"a": kept}


def test_the_next_verdict_takes_its_place(tmp_path):
    remember_last(tmp_path, "local", [VERDICT], [RECORD])
    again = Verdict("a", "A", Status.PASSED)
    remember_last(tmp_path, "local", [again], [RECORD])
    assert last_verdicts(tmp_path, ["a"])["a"].verdict == again


def test_a_verdict_without_a_record_is_about_nothing_that_stood(tmp_path):
    remember_last(tmp_path, "local", [VERDICT], [])
    assert last_verdicts(tmp_path, ["a"]) == {}


def test_what_this_tool_did_not_write_is_no_verdict(tmp_path):
    remember_last(tmp_path, "local", [VERDICT], [RECORD])
    for path in (tmp_path / FOLDER).glob("*/*"):
        path.write_text('{"verdict": "passed"}')
    assert last_verdicts(tmp_path, ["a"]) == {}
