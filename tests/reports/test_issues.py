"""Issues in six forms: golden files, and the same set in each."""

import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft4Validator

from entra_deployer.checked import Cell, CheckReport, MatrixRow, Support
from entra_deployer.compiler.compiled import CompileReport
from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.documents.checks import check_document
from entra_deployer.reports.documents.compilation import compilation_as_ndjson, compilation_document
from entra_deployer.reports.layout import fold_issues
from tests.compiler.build import rule

TESTS = Path(__file__).parents[1]
SUFFIXES = {"json": "json", "sarif": "sarif", "junit": "xml", "markdown": "md", "github": "github"}
REPORT = CheckReport(
    target="8.19.21, platinum",
    hunts=3,
    rules=2,
    issues=(
        Issue(
            "DEP010",
            Level.ERROR,
            "mismatched input '=' expecting <EOF>",
            "a_hunt",
            Location("rules/a_hunt/hunt.md", 12, 5),
            "Elasticsearch would refuse the query here",
        ),
        Issue(
            "DEP014",
            Level.WARNING,
            'event.type | "start" & 100 % <null>',
            "a_hunt",
            Location("rules/a_hunt/hunt.md", 14),
            'write `event.type : "start"`',
        ),
        Issue("DEP016", Level.NOTE, "no LIMIT", "b_hunt", Location("rules/b, c/hunt.toml")),
        Issue("DEP003", Level.ERROR, "two rules are named x", "b_hunt"),
    ),
    titles={"DEP010": "syntax that Elasticsearch refuses", "DEP014": "a field with several values"},
    matrix=(
        MatrixRow("A hunt", "a_hunt", (Cell("8.15", Support.NO, ("no MATCH",)), Cell("9.4", Support.YES))),
        MatrixRow("B hunt", "b_hunt", (Cell("8.15", Support.UNKNOWN, ("the function X",)), Cell("9.4", Support.YES))),
    ),
)
EMPTY = CheckReport(target="8.19.21, basic", hunts=0, rules=0, issues=())


def golden(name: str) -> str:
    return (TESTS / "golden" / name).read_text("utf-8")


@pytest.mark.parametrize("form", sorted(SUFFIXES))
def test_each_form_is_its_golden_file(form):
    assert render(check_document(REPORT), form) == golden(f"issues.{SUFFIXES[form]}")


def test_text_is_its_golden_file():
    assert render(check_document(REPORT), "text", width=80) == golden("issues.txt")


def test_notes_are_counted_where_they_are_not_shown():
    text = render(check_document(REPORT, notes=False), "text", width=200)
    assert "DEP016" not in text
    assert "1 note (--notes shows these)." in text


def issue(line: int, message: str, hint: str | None, path: str = "a.md") -> Issue:
    return Issue("DEP014", Level.WARNING, message, "a_hunt", Location(path, line, 3), hint)


def test_what_is_alike_in_one_file_is_said_once_with_all_places():
    report = replace(
        EMPTY,
        issues=(issue(4, "m", "h"), issue(5, "n", "h"), issue(7, "m", "h"), issue(9, "m", "h"), issue(9, "m", "i")),
    )
    assert render(check_document(report), "text", width=80).splitlines()[:8] == [
        "warning DEP014 a.md:4:3: m",
        "      the same at 7:3",
        "      h",
        "warning DEP014 a.md:5:3: n",
        "      h",
        "warning DEP014 a.md:9:3: m",
        "      h",
        "      i",
    ]
    assert "5 warnings" in render(check_document(report), "text", width=80)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            issue,
            st.integers(0, 4),
            st.sampled_from("mn"),
            st.sampled_from(["h", "i", None]),
            st.sampled_from(["a.md", "b.md"]),
        ),
        unique=True,
    )
)
def test_a_fold_loses_no_place_and_no_next_step(issues):
    said = [
        replace(one.issue, location=place, hint=hint)
        for one in fold_issues(issues)
        for place in (one.issue.location, *one.others)
        for hint in one.hints or (None,)
    ]
    steps = {replace(one, hint=None) for one in issues if one.hint}
    assert sorted(said, key=repr) == sorted((one for one in issues if one.hint or one not in steps), key=repr)


def test_every_form_holds_every_issue():
    said = {form: render(check_document(REPORT), form, width=200) for form in FORMS}
    for form, text in said.items():
        found = re.findall(r"DEP\d{3}", text if form != "sarif" else json.dumps(json.loads(text)["runs"][0]["results"]))
        assert sorted(found) == sorted(issue.code for issue in REPORT.issues), form


def test_sarif_is_valid_by_its_schema():
    schema = json.loads((TESTS / "data" / "sarif-2.1.0.schema.json").read_text("utf-8"))
    for report in (REPORT, EMPTY):
        document = json.loads(render(check_document(report), "sarif"))
        assert not [error.message for error in Draft4Validator(schema).iter_errors(document)]
    result = json.loads(render(check_document(REPORT), "sarif"))["runs"][0]["results"][0]
    place = result["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 12, "startColumn": 5}


def test_junit_fails_where_an_error_is():
    suite = ET.fromstring(render(check_document(REPORT), "junit"))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert [case.get("name") for case in suite] == ["a_hunt", "b_hunt"]


def test_junit_has_a_case_for_each_hunt_that_was_read_and_one_where_there_is_none():
    sound = replace(EMPTY, folders=("a_hunt", "b_hunt"), issues=(issue(4, "m", "h"),))
    cases = list(ET.fromstring(render(check_document(sound), "junit")))
    assert [(case.get("name"), case.find("failure")) for case in cases] == [("a_hunt", None), ("b_hunt", None)]
    assert "DEP014 a.md:4:3: m (h)" in (cases[0].findtext("system-out") or "")
    assert len(ET.fromstring(render(check_document(EMPTY), "junit"))) == 1


def test_sarif_tells_what_a_code_means_and_knows_an_issue_again_when_its_line_moves():
    run = json.loads(render(check_document(REPORT), "sarif"))["runs"][0]
    assert all(rule["help"]["text"] for rule in run["tool"]["driver"]["rules"])
    moved = replace(REPORT, issues=tuple(replace(one, location=_below(one.location)) for one in REPORT.issues))
    again = json.loads(render(check_document(moved), "sarif"))["runs"][0]
    prints = [[result["partialFingerprints"] for result in one["results"]] for one in (run, again)]
    assert prints[0] == prints[1]
    assert len({str(one) for one in prints[0]}) == len(REPORT.issues)


def _below(place):
    return place and replace(place, line=place.line + 7)


def test_a_name_cannot_end_a_github_command():
    odd = CheckReport("8.19", 1, 1, (Issue("DEP001", Level.ERROR, "a\nb::c", "x", Location("a,b:c.md", 1, 1)),))
    assert render(check_document(odd), "github").splitlines() == [
        "::error col=1,file=a%2Cb%3Ac.md,line=1,title=DEP001::a%0Ab::c",
        "Checked 1 rule of 1 hunt for 8.19: 1 error, 0 warnings, 0 notes.",
    ]


def test_nothing_wrong_is_said_too():
    assert render(check_document(EMPTY), "text", width=100) == (
        "Checked 0 rules of 0 hunts for 8.19.21, basic: 0 errors, 0 warnings, 0 notes.\n"
    )


def test_ndjson_holds_each_object_once_in_the_order_of_writing():
    one = rule("from a | where @timestamp > now() - 7d | stats c = count(*) by user.name")
    lines = [json.loads(line) for line in compilation_as_ndjson(CompileReport("8.19", (one, one))).splitlines()]
    assert [line["type"] for line in lines] == ["tag", "search", "esql"]
    assert lines[1]["references"][0]["id"] == lines[0]["id"]
    assert lines[2] == one.rule.payload


def test_an_explanation_shows_the_lines_before_and_after():
    one = rule("from a\n| where @timestamp > now() - 7d\n| keep user.name")
    text = render(compilation_document(CompileReport("8.19, platinum", (one,)), explain=True), "text", width=160)
    assert "    - from a\n    + from a METADATA _id, _index, _version\n" in text
    assert "    - | where @timestamp > now() - 7d\n" in text
    assert "    + | keep user.name, _id, _index, _version\n" in text
