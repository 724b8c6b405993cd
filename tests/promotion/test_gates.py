"""The gates of a promotion: each refusal once, and what passes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from entra_deployer.core.json import decode
from entra_deployer.core.signing import public_key_of, sign
from entra_deployer.core.target import StackVersion
from entra_deployer.promotion.attestation import Evidence
from entra_deployer.promotion.gates import Gatekeeper, Standing, is_same_version
from entra_deployer.stack.answers import LastExecution
from entra_deployer.stack.environment import Gates
from entra_deployer.verify.records import VerdictRecord, record_to_json
from entra_deployer.verify.verdict import Status
from tests.core.test_signing import pem
from tests.reading import there

NOW = datetime(2026, 2, 10, tzinfo=UTC)
CONTENT, RULE = "sha256:" + "a" * 64, "sha256:" + "b" * 64
RECORD = VerdictRecord(
    "r1", "Rare", CONTENT, RULE, Status.PASSED, 0.9, "2026-02-09T00:00:00+00:00", "ci", "8.19.21", "8.19.21"
)
EVIDENCE = Evidence("r1", "Rare", "rare", CONTENT, (RECORD,), since="2026-02-01T00:00:00+00:00", approved_by=("a", "b"))
STANDING = Standing(RULE, enabled=True, execution=LastExecution("succeeded"))
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
        (EVIDENCE.since, replace(STANDING, execution=LastExecution("failed", message="x"))),
    ],
)
def test_a_rule_that_has_not_stood_and_worked_long_enough_refuses(since, standing):
    assert codes(evidence=replace(EVIDENCE, since=since), standing=standing) == ["DEP387"]
    assert codes(replace(ALL, soak=0), replace(EVIDENCE, since=since), standing=standing) == []


def test_too_few_approvals_refuse_and_say_what_to_write():
    keeper = Gatekeeper("staging", ALL, NOW)
    (issue,) = keeper.approvals(replace(EVIDENCE, approved_by=("a",)))
    assert issue.code == "DEP388"
    assert f"rule: rare, digest: {CONTENT}" in there(issue.hint)


@pytest.mark.parametrize(("kibana", "same"), [("8.19.3", True), ("8.18.21", False), ("9.19.21", False)])
def test_patch_releases_are_one_version(kibana, same):
    assert is_same_version(RECORD, StackVersion.parse(kibana), StackVersion.parse("8.19.0")) is same


def test_a_record_is_written_and_read():
    assert decode(record_to_json(RECORD), VerdictRecord) == RECORD


def test_a_verdict_has_to_be_signed_by_a_trusted_key_where_keys_are_named():
    mine, other = pem(Ed25519PrivateKey.generate()), pem(Ed25519PrivateKey.generate())
    signed = decode(sign(record_to_json(RECORD), mine), VerdictRecord)

    def told(record, *keys):
        keeper = Gatekeeper("staging", ALL, NOW, tuple(map(public_key_of, keys)))
        return [issue.code for issue in keeper.verdict(EVIDENCE, record, STANDING)]

    assert told(RECORD) == told(signed, mine) == told(signed, other, mine) == []
    assert told(RECORD, mine) == told(signed, other) == ["DEP392"]
    assert told(replace(signed, mutation_score=1.0), mine) == ["DEP392"]  # a forged score


@pytest.mark.parametrize(
    ("gates", "trusted", "message"),
    [
        (Gates(), (), "taken on trust: verdicts as the ledger of staging holds them"),
        (ALL, (), "taken on trust: verdicts as the ledger of staging holds them and approvals as f.yaml names them"),
        (ALL, ("key",), "taken on trust: approvals as f.yaml names them"),
        (Gates(), ("key",), None),
        (Gates(verdicts=False), (), None),
    ],
)
def test_what_is_taken_on_trust_is_said(gates, trusted, message):
    found = [issue.message for issue in Gatekeeper("staging", gates, NOW, trusted).taken_on_trust("production")]
    assert found == ([message] if message else [])
