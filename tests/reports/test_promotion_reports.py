"""A promotion as people and programs read it: golden files, one a form."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects.state import RULE, FieldDiff
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan
from entra_deployer.plan.report import Report
from entra_deployer.promotion.attestation import Evidence, Promotion
from entra_deployer.reports import render
from entra_deployer.reports.documents.promotion import promotion_document, promotion_summary
from entra_deployer.verify.records import VerdictRecord
from entra_deployer.verify.verdict import Status

GOLDEN = Path(__file__).parents[1] / "golden"
CONTENT = "sha256:" + "ab" * 32
RECORD = VerdictRecord(
    "r1", "Rare", CONTENT, CONTENT, Status.PASSED, 0.9, "2026-02-01T09:30:00+00:00", "ci", "8.19.21", "8.19.21"
)
CHANGE = Change(
    *(Action.UPDATE, "default", RULE, "r1", "Rare", None, None), diffs=(FieldDiff("severity", "low", "high"),)
)
PLAN = Plan("production", (CHANGE,), unchanged=2)
REPORT = Report("production", "Kibana 8.12.2, basic", 1, PLAN, (ChangeResult(CHANGE, Outcome.APPLIED),))
PROMOTED = Promotion(
    "staging",
    "production",
    REPORT,
    (
        Evidence(
            *("r1", "Rare", "rare", CONTENT),
            verdicts=(RECORD, replace(RECORD, kibana="8.12.2", mutation_score=None)),
            since="2026-01-30T09:30:00+00:00",
            approved_by=("alice", "bob"),
        ),
    ),
    attestation={"format_version": 1},
)
REFUSED = replace(
    PROMOTED,
    report=replace(REPORT, results=(ChangeResult(CHANGE, Outcome.PLANNED),)),
    issues=(Issue("DEP387", Level.ERROR, "it has not run in staging yet", "Rare", None, "wait for its first run"),),
    attestation=None,
)
FORMS = {
    "promotion.txt": lambda: render(promotion_document(PROMOTED), "text", width=80),
    "promotion_refused.txt": lambda: render(promotion_document(REFUSED), "text", width=80),
    "promotion.json": lambda: render(promotion_document(REFUSED), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_nothing_to_promote_is_said():
    nothing = Promotion("staging", "production", Report("production", plan=Plan("production", ())))
    assert promotion_summary(nothing) == "Nothing to promote from staging to production: it is there already."
