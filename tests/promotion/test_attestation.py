"""The document of a promotion: what is read is what was written, who vouches for it, where it is kept."""

import json
import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.__main__ import run
from entra_deployer.core.errors import ExitCode, InputError, SecretError
from entra_deployer.core.json import encode_json, parse_json
from entra_deployer.core.signing import public_key_of, sign
from entra_deployer.promotion.attestation import (
    DONE,
    INTENDED,
    Attestation,
    AttestedRule,
    Attestor,
    Stack,
    check_attestation,
    read_attestation,
)
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.documents.promotion import attestation_document
from entra_deployer.stack.environment import Gates
from entra_deployer.verify.records import VerdictRecord
from entra_deployer.verify.verdict import Status
from tests.chaos.stack import ChaosStack
from tests.core.test_signing import pem
from tests.reading import there

KEY, OTHER = pem(Ed25519PrivateKey.generate()), pem(Ed25519PrivateKey.generate())
VERDICT = VerdictRecord("r1", "Rare", "sha256:a", "sha256:b", Status.PASSED, 0.9, "2026", "ci", "8.19.2", "8.19.2")
RULE = AttestedRule("r1", "Rare", "rare", "sha256:a", "sha256:b", (VERDICT,), "2026-01-01", ("ann", "bob"))
ONE = Attestation(
    *(1, "2026-02-01", "ci", "abc", Stack("staging", "8.19.2", "8.19.2", "basic")),
    *(Stack("production", "8.12.2", "8.12.2", "basic"), {"signed": True}, (RULE,), "sha256:c"),
)
TEXT = st.text(max_size=20)
RULES = st.builds(
    AttestedRule,
    *([TEXT] * 5),
    st.lists(
        st.builds(
            VerdictRecord,
            *([TEXT] * 4),
            status=st.sampled_from(Status),
            mutation_score=st.none() | st.floats(0, 1),
            at=TEXT,
            by=TEXT,
            kibana=TEXT,
            elasticsearch=TEXT,
            signature=st.none(),
        ),
        max_size=2,
    ).map(tuple),
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
)


@given(st.lists(RULES, max_size=3).map(tuple), st.sampled_from([DONE, INTENDED]))
def test_what_is_read_is_what_was_written(rules, state):
    one = replace(ONE, rules=rules, state=state)
    assert read_attestation(parse_json(encode_json(one.to_json())), "here") == one


@pytest.mark.parametrize("document", [None, [], {}, {"format_version": 1}, {**ONE.to_json(), "rules": [{}]}])
def test_what_is_no_attestation_is_refused_with_its_place(document):
    with pytest.raises(InputError) as raised:
        read_attestation(document, "there.json")
    assert str(raised.value.location) == "there.json"


def test_a_newer_format_is_not_guessed_at():
    with pytest.raises(InputError, match="format 2"):
        read_attestation({**ONE.to_json(), "format_version": 2}, "there.json")


# -- held against keys -----------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path):
    """A project whose production trusts one key."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "key.pem").write_text(public_key_of(KEY), "utf-8")
    (tmp_path / "deploy" / "production.yaml").write_text("local: {}\ntrusted_keys: [key.pem]\n", "utf-8")
    return tmp_path


def checked(root, document):
    path = root / "attestation.json"
    path.write_text(json.dumps(document, indent=2), "utf-8")
    return check_attestation(root, path)


def test_a_signed_one_holds_however_it_is_laid_out(root):
    found = checked(root, sign(ONE.to_json(), KEY))
    assert (found.problem, found.code, found.environment) == ("", ExitCode.OK, "production")


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (ONE.to_json(), "not signed"),
        (sign(ONE.to_json(), OTHER), "not trusted"),
        ({**sign(ONE.to_json(), KEY), "by": "mallory"}, "was changed"),
        ({**sign(ONE.to_json(), KEY), "more": 1}, "was changed"),
        (sign(replace(ONE, state=INTENDED).to_json(), KEY), "'intended'"),
    ],
)
def test_one_that_nobody_vouches_for_does_not(root, document, problem):
    found = checked(root, document)
    assert problem in found.problem
    assert found.code is ExitCode.DIFFERENT


def test_without_a_key_to_hold_it_against_it_cannot_be_told(root):
    (root / "deploy" / "production.yaml").write_text("local: {}\n", "utf-8")
    with pytest.raises(InputError, match="names no trusted_keys"):
        checked(root, sign(ONE.to_json(), KEY))


def test_a_trusted_key_that_is_none_is_told_at_its_line(root):
    (root / "key.pem").write_text("no key", "utf-8")
    with pytest.raises(InputError, match=r"key\.pem is not an Ed25519 public key") as raised:
        checked(root, sign(ONE.to_json(), KEY))
    assert there(raised.value.location).line == 2


# -- what stands against a promotion ---------------------------------------------------------------------------------


def against(root, stack=None, **settings):
    with (stack or ChaosStack()).connection(root, **settings) as target:
        tuple(target.journal.entries())
        return [issue.code for issue in Attestor(target).against()]


def test_signed_gates_want_a_key_that_is_trusted_and_a_ledger_that_keeps(tmp_path):
    signed = Gates(verdicts=False, signed=True)
    assert against(tmp_path, gates=signed) == ["DEP389"]
    assert against(tmp_path, gates=signed, signing_key=KEY) == []
    assert against(tmp_path, gates=signed, signing_key=KEY, trusted_keys=(public_key_of(KEY),)) == []
    assert against(tmp_path, gates=signed, signing_key=KEY, trusted_keys=(public_key_of(OTHER),)) == ["DEP389"]
    assert against(tmp_path, ChaosStack(closed=True), gates=signed, signing_key=KEY) == ["DEP391"]
    with pytest.raises(SecretError):
        against(tmp_path, signing_key="")


# -- as a user sees it -----------------------------------------------------------------------------------------------


@pytest.fixture
def project(root, monkeypatch):
    (root / "rules").mkdir()
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("key", "code", "said"),
    [(KEY, 0, "which production trusts, vouches for 1 rule."), (OTHER, 2, "which is not trusted here.")],
)
def test_promote_verify_says_whether_it_holds(project, capsys, key, code, said):
    (project / "attestation.json").write_text(json.dumps(sign(ONE.to_json(), key)), "utf-8")
    assert run(["promote", "--verify", "attestation.json"]) == code
    lines = capsys.readouterr().out.splitlines()
    assert "staging -> production" in lines[0]
    assert lines[-1].endswith(said)
    assert run(["promote", "--verify", "attestation.json", "--format", "json"]) == code
    assert json.loads(capsys.readouterr().out)["holds"] is (code == 0)


@pytest.mark.parametrize("words", [["promote"], ["promote", "staging"], ["promote", "a", "b", "--verify", "x"]])
@pytest.mark.usefixtures("project")
def test_promote_wants_both_environments_or_a_file(words):
    assert run(words) == ExitCode.USAGE


@pytest.mark.parametrize("form", FORMS)
def test_each_form_tells_it(root, form):
    told = render(attestation_document(checked(root, ONE.to_json())), form)
    # the folder's name says where a page breaks its lines
    assert "not signed" in " ".join(re.sub("<[^>]*>", "", told).split())
