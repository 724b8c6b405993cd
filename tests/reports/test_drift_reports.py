"""Drift as people and programs read it: golden files, one a form."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects.state import RULE, SAVED_SEARCH, FieldDiff
from entra_deployer.plan.difference import Difference, DriftKind, DriftReport, FieldDrift
from entra_deployer.plan.journal import PushEntry, PushState
from entra_deployer.reports import render
from entra_deployer.reports.documents.drift import drift_document
from entra_deployer.reports.words import diff_lines

GOLDEN = Path(__file__).parents[1] / "golden"
FILE = "rules/rare/hunt.md"


def one(kind, name="Rare client app", **fields):
    return Difference(kind, "default", RULE, "3f0c", name, FILE, **fields)


REPORT = DriftReport(
    environment="staging",
    stack="Kibana 8.19.21, platinum",
    hunts=3,
    compared=7,
    last_push=PushEntry("p", "staging", "2026-02-01T09:30:12.000+00:00", "ci", "a" * 40 + "+", PushState.FINISHED),
    differences=(
        one(
            DriftKind.CONFLICT,
            fields=(FieldDrift("severity", "low", "high", "critical"),),
            by="alice",
            at="2026-02-01T10:00:00.000Z",
        ),
        one(DriftKind.CHANGED_IN_KIBANA, fields=(FieldDrift("query", "FROM a\n| LIMIT 1", "", "FROM b\n| LIMIT 1"),)),
        Difference(DriftKind.DELETED_IN_KIBANA, "soc", SAVED_SEARCH, "s1", "Rare", message="it is gone"),
        one(DriftKind.DISABLED, message="switched off", by="bob", counts=False),
        one(DriftKind.FAILING, message="Unknown column [a]", at="2026-02-01T10:00:00.000Z"),
        one(DriftKind.SOURCE_CHANGED, fields=(FieldDrift("user.name", "keyword", "keyword", None),)),
        one(DriftKind.DIFFERENT, fields=(FieldDrift("note", None, "ours", "theirs"),)),
        one(DriftKind.NOT_PUSHED, fields=(FieldDrift("tags", ["a"], ["a", "b, 100%"], ["a"]),)),
    ),
)
ERROR = Issue("DEP010", Level.ERROR, "no viable alternative", "rare", Location(FILE, 12, 3), "correct it")
UNTOLD = replace(REPORT, issues=(ERROR,))
CLEAN = replace(REPORT, differences=(), last_push=None, three_way=False)

FORMS = {
    "drift.txt": lambda: render(drift_document(REPORT), "text", width=90),
    "drift_clean.txt": lambda: render(drift_document(CLEAN), "text", width=90),
    "drift_untold.txt": lambda: render(drift_document(UNTOLD), "text", width=60),
    "drift.json": lambda: render(drift_document(REPORT), "json"),
    "drift.xml": lambda: render(drift_document(UNTOLD), "junit"),
    "drift.github": lambda: render(drift_document(UNTOLD), "github"),
    "drift.md": lambda: render(drift_document(UNTOLD), "markdown"),
    "drift.sarif": lambda: render(drift_document(UNTOLD), "sarif"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_junit_fails_for_what_counts_alone():
    suite = ET.fromstring(render(drift_document(REPORT), "junit"))
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("9", "7", "0")


def test_an_annotation_stays_on_one_line():
    lines = render(drift_document(REPORT), "github").splitlines()
    assert all(line.startswith("::") for line in lines[:-1])
    assert len(lines) == len(REPORT.differences) + 1


def test_the_json_document_tells_all_three_sides():
    document = json.loads(render(drift_document(REPORT), "json"))
    assert document["drifted"]
    field = document["differences"][0]["fields"][0]
    assert field == {"path": "severity", "base": "low", "desired": "high", "live": "critical"}


def test_a_query_inside_a_searchs_source_is_compared_line_by_line():
    def source(last):
        return {"searchSourceJSON": json.dumps({"query": {"esql": f"FROM a\n| WHERE b\n| LIMIT {last}"}})}

    lines = diff_lines(FieldDiff("kibanaSavedObjectMeta", source(1), source(2)))
    changed = [line.strip() for line in lines if line.strip()[:1] in ("-", "+")]
    assert changed == ['-        "| LIMIT 1"', '+        "| LIMIT 2"']
