"""A pull as people and programs read it: golden files, one a form."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects.state import RULE
from entra_deployer.pull.drafts import Brought, FileEdit, PullReport
from entra_deployer.reports import render
from entra_deployer.reports.documents.pull import pull_document, pull_summary

GOLDEN = Path(__file__).parents[1] / "golden"
REPORT = PullReport(
    environment="staging",
    stack="Kibana 8.19.21, platinum",
    edits=(
        FileEdit("rules/rare/rule.yaml", "severity: low\nrisk_score: 1\n", "severity: high\nrisk_score: 1\n"),
        FileEdit("rules/born/hunt.toml", "", "[hunt]\n"),
    ),
    brought=(
        Brought(RULE, "Rare", "soc", "severity", "rules/rare/rule.yaml", "alice", "2026-02-01T10:00:00Z"),
        Brought(RULE, "Born", "default", "", "rules/born/hunt.toml"),
    ),
    issues=(Issue("DEP370", Level.ERROR, "note: changed on both sides", "Rare", None, "`--theirs` takes theirs"),),
    written=True,
)
FORMS = {
    "pull.txt": lambda: render(pull_document(REPORT), "text", width=90),
    "pull_dry.txt": lambda: render(pull_document(replace(REPORT, issues=(), written=False)), "text", width=60),
    "pull.json": lambda: render(pull_document(REPORT), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_nothing_is_said_to_be_nothing():
    nothing = PullReport("staging")
    assert pull_summary(nothing) == "Nothing to pull: no change of Kibana's."
    assert pull_summary(replace(nothing, issues=REPORT.issues)) == "Nothing was brought: see the errors."
