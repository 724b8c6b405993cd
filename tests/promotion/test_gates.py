"""The gates of a promotion: each refusal once, and what passes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from entra_deployer.core.json import decode
from entra_deployer.core.target import StackVersion
from entra_deployer.promotion.attestation import Evidence
from entra_deployer.promotion.gates import Gatekeeper, Standing, is_same_version
from entra_deployer.stack.environment import Gates
from entra_deployer.verify.records import VerdictRecord, record_to_json
from entra_deployer.verify.verdict import Status

NOW = datetime(2026, 2, 10, tzinfo=UTC)
CONTENT, RULE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
RECORD = VerdictRecord(
    "r1", "Rare", CONTENT, RULE, Status.PASSED, 0.9, "2026-02-09T00:00:00+00:00", "ci", "8.19.21", "8.19.21"
)
EVIDENCE = Evidence("r1", "Rare", "rare", CONTENT, (RECORD,), since="2026-02-01T00:00:00+00:00", approved_by=("a", "b"))
STANDING = Standing(RULE, enabled=True, execution={"status": "succeeded"})
ALL = Gates(minimum_mutation_score=0.9, verdict_age=86400, soak=8 * 86400, approvals=2, approvals_file="f.yaml")


def codes(gates=ALL, evidence=EVIDENCE, record=RECORD, standing=STANDING):
    keeper = Gatekeeper("staging", gates, NOW)
    found = [*keeper.verdict(evidence, record, standing), *keeper.soak(evidence, standing), *keeper.approvals(evidence)]
    return [issue.code for issue in found]


def test_what_keeps_every_gate_passes():
    assert codes() == []


def test_a_promotion_asks_for_a_verdict_unless_its_gates_say_no():
    assert codes(Gates(), record=None) == ["DEP383"]
    assert codes(Gates(verdicts=False), record=None) == []


@pytest.mark.parametrize("status", [Status.FAILED, Status.ERROR])
def test_a_verdict_that_did_not_pass_refuses(status):
    assert codes(record=replace(RECORD, status=status)) == ["DEP384"]


def test_a_verdict_for_other_content_refuses():
    assert codes(evidence=replace(EVIDENCE, content="sha256:" + "c" * 64)) == ["DEP385"]


def test_a_verdict_for_a_rule_that_was_changed_since_refuses():
    assert codes(standing=replace(STANDING, rule="sha256:other")) == ["DEP385"]


def test_an_old_verdict_refuses():
    assert codes(record=replace(RECORD, at="2026-02-08T23:59:59+00:00")) == ["DEP385"]


@pytest.mark.parametrize("score", [None, 0.89])
def test_too_few_mutants_told_refuses(score):
    assert codes(record=replace(RECORD, mutation_score=score)) == ["DEP386"]


@pytest.mark.parametrize(
    ("since", "standing"),
    [
        ("2026-02-03T00:00:00+00:00", STANDING),
        ("", STANDING),
        (EVIDENCE.since, replace(STANDING, enabled=False)),
        (EVIDENCE.since, replace(STANDING, execution=None)),
        (EVIDENCE.since, replace(STANDING, execution={"status": "failed", "message": "x"})),
    ],
)
def test_a_rule_that_has_not_stood_and_worked_long_enough_refuses(since, standing):
    assert codes(evidence=replace(EVIDENCE, since=since), standing=standing) == ["DEP387"]
    assert codes(replace(ALL, soak=0), replace(EVIDENCE, since=since), standing=standing) == []


def test_too_few_approvals_refuse_and_say_what_to_write():
    keeper = Gatekeeper("staging", ALL, NOW)
    (issue,) = keeper.approvals(replace(EVIDENCE, approved_by=("a",)))
    assert issue.code == "DEP388"
    assert f"rule: rare, digest: {CONTENT}" in issue.hint


@pytest.mark.parametrize(("kibana", "same"), [("8.19.3", True), ("8.18.21", False), ("9.19.21", False)])
def test_patch_releases_are_one_version(kibana, same):
    assert is_same_version(RECORD, StackVersion.parse(kibana), StackVersion.parse("8.19.0")) is same


def test_a_record_is_written_and_read():
    assert decode(record_to_json(RECORD), VerdictRecord) == RECORD
