"""Verdicts as people and programs read them: golden files, one a form."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports import render
from entra_deployer.reports.documents.verdicts import verdicts_document
from entra_deployer.verify.verdict import EntityOutcome, Mutant, MutationResult, Status, Verdict, VerifyReport

GOLDEN = Path(__file__).parents[1] / "golden"


def entity(name, *, expected, caught, reason, events=()):
    return EntityOutcome(name, f"user.name={name}", expected=expected, caught=caught, reason=reason, events=events)


PASSED = Verdict(
    "3f0c",
    "Rare client app",
    Status.PASSED,
    outcomes=(
        entity("alice / CLI", expected=True, caught=True, reason="a single wrong password", events=("one", "two x3")),
        entity("bob", expected=False, caught=False, reason="four failures", events=("four x4",)),
    ),
    events=8,
    alerts=1,
    tests=("rules/rare/tests/a.yaml",),
    mutation=MutationResult(
        7,
        (
            Mutant("one more", "3", "4", Location("rules/rare/hunt.md", 44, 31), "not: n <= 3"),
            Mutant("window halved", "now-14d", "now-604800s", same=True),
        ),
        invalid=1,
    ),
)
PROBLEM = Issue("DEP801", Level.ERROR, "`a == 1` became null for some events", "Device code", None, "use MV_EXPAND")
FAILED = Verdict(
    "7b1d",
    "Device code",
    Status.FAILED,
    missed=("carol",),
    false_alarms=("dave", "eve / x"),
    outcomes=(
        entity("carol", expected=True, caught=False, reason="found, but no alert was made of it", events=("a guess",)),
        entity("dave", expected=False, caught=True, reason="", events=("a success",)),
        entity("eve / x", expected=False, caught=True, reason="nobody expected it"),
    ),
    events=2,
    alerts=2,
    problems=(PROBLEM,),
    tests=("rules/device/tests/a.yaml", "rules/device/tests/b.yaml"),
)
ERROR = Verdict("9c2e", "Token <replay>", Status.ERROR, error="the rule is not there: deploy push puts it there")
WARNING = Issue("DEP810", Level.WARNING, "no test shows that it stays quiet", "rare", None, "add a near miss")
REPORT = VerifyReport("local", "Elasticsearch 8.19.21", 3, verdicts=(PASSED, FAILED, ERROR), issues=(PROBLEM, WARNING))

FORMS = {
    "verdicts.txt": lambda: render(verdicts_document(REPORT), "text", width=90),
    "verdicts_narrow.txt": lambda: render(verdicts_document(REPORT), "text", width=40),
    "verdicts.json": lambda: render(verdicts_document(REPORT), "json"),
    "verdicts.xml": lambda: render(verdicts_document(REPORT), "junit"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_as_in_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


def test_colour_changes_no_word():
    assert "\x1b[" in render(verdicts_document(REPORT), "text", width=90, colour=True)
    assert "\x1b[" not in render(verdicts_document(REPORT), "text", width=90)


def test_no_line_is_wider_than_the_terminal():
    assert max(map(len, render(verdicts_document(REPORT), "text", width=40).splitlines())) <= 40


def test_nothing_verified_is_said():
    assert render(verdicts_document(VerifyReport("local")), "text").splitlines()[-1] == "No rule was verified."


def test_junit_counts_each_entity_and_each_problem():
    suites = ET.fromstring(render(verdicts_document(REPORT), "junit"))
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("7", "4", "1")


def test_what_is_only_said_is_no_failure_in_junit():
    note = replace(PROBLEM, level=Level.NOTE)
    report = VerifyReport("local", verdicts=(replace(PASSED, problems=(note,)),), issues=(note,))
    suites = ET.fromstring(render(verdicts_document(report), "junit"))
    assert (suites.get("failures"), suites.get("errors")) == ("0", "0")


def test_junit_holds_no_character_that_xml_cannot():
    broken = Verdict("x", "bell \x07", Status.ERROR, error="nul \x00 lone \ud800")
    assert ET.fromstring(render(verdicts_document(VerifyReport("local", verdicts=(broken,))), "junit")) is not None


def test_the_json_document_holds_the_promised_keys():
    document = json.loads(render(verdicts_document(REPORT), "json"))
    assert list(document) == ["format_version", "environment", "plan", "verdicts", "issues"]
    for verdict in document["verdicts"]:
        assert {"rule_id", "name", "status", "missed", "false_alarms"} <= set(verdict)
