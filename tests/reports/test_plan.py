"""Plans and pushes as people and programs read them: golden files, one a form."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects.state import FieldDiff, FieldKept
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan, not_applied, planned
from entra_deployer.plan.report import Report
from entra_deployer.reports import render
from entra_deployer.reports.documents.plan import plan_document
from tests.builders import live, rule, search

GOLDEN = Path(__file__).parents[1] / "golden"
BEFORE = "FROM logs-azure.signinlogs-*\n| STATS failures = COUNT(*) BY user.name\n| WHERE failures <= 3"
AFTER = BEFORE.replace("<= 3", "<= 5")

CREATED = Change(Action.CREATE, "default", search().kind, "s1", "Sign-ins of a kind", search(), None)
UPDATED = Change(
    Action.UPDATE,
    "soc",
    rule().kind,
    "r1",
    "Unusual client app",
    rule(),
    live(rule()),
    (
        FieldDiff("query", BEFORE, AFTER),
        FieldDiff("severity", "low", "high"),
        FieldDiff("note", None, "Look at `user.name`.", edited=True),
    ),
    (FieldKept("enabled", False, "owned by the live stack"),),
)
DELETED = Change(Action.DELETE, "default", rule().kind, "r2", "A rule that left", None, live(rule()))
WARNING = Issue("DEP330", Level.WARNING, "no data yet", "hunt_one", hint="ship the logs")
ERROR = Issue("DEP002", Level.ERROR, "unknown key 'x'", "hunt_two", Location("rules/hunt_two/rule.yaml", 3, 1))
PLAN = Plan("staging", (CREATED, UPDATED, DELETED), 4, (WARNING,))
BLOCKED = replace(PLAN, issues=(ERROR, WARNING), blockers=(ERROR,))
PARTLY = (
    ChangeResult(CREATED, Outcome.APPLIED),
    ChangeResult(UPDATED, Outcome.FAILED, "Kibana said 500 to PUT /api/detection_engine/rules: no"),
    ChangeResult(DELETED, Outcome.SKIPPED, "no answer"),
)


def report(plan, results):
    return Report("staging", "Kibana 8.19.21, platinum", 2, plan, tuple(results), issues=plan.issues)


PLANNED = report(PLAN, planned(PLAN))
FORMS = {
    "plan.txt": render(plan_document("plan")(PLANNED), "text", width=80),
    "plan_narrow.txt": render(plan_document("plan")(PLANNED), "text", width=40),
    "plan_blocked.txt": render(
        plan_document("plan")(report(BLOCKED, not_applied(BLOCKED, "blocked"))), "text", width=80
    ),
    "plan_partly.txt": render(plan_document("plan")(report(PLAN, PARTLY)), "text", width=80),
    "plan_empty.txt": render(plan_document("plan")(report(Plan("staging", (), 7), ())), "text", width=80),
    "plan.md": render(plan_document("plan")(PLANNED), "markdown"),
    "plan.html": render(plan_document("plan")(PLANNED), "html"),
    "plan.json": render(plan_document("plan")(report(PLAN, PARTLY)), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_its_golden_file(name):
    assert FORMS[name] == (GOLDEN / name).read_text("utf-8")


def test_colour_is_for_terminals_alone():
    assert "\x1b[" not in FORMS["plan.txt"]
    assert "\x1b[" in render(plan_document("plan")(PLANNED), "text", width=80, colour=True)


def test_a_page_escapes_what_a_hunt_says():
    named = replace(CREATED, name="<script>alert(1)</script>")
    plan = replace(PLAN, changes=(named,))
    for text in (
        render(plan_document("plan")(report(plan, planned(plan))), "html"),
        render(plan_document("plan")(report(plan, planned(plan))), "markdown"),
    ):
        assert "<script>" not in text


def test_a_fence_in_a_note_does_not_end_the_diff():
    diff = FieldDiff("note", "a\n```\nb", "a\n```\nc")
    plan = replace(PLAN, changes=(replace(UPDATED, diffs=(diff,)),))
    assert "````diff" in render(plan_document("plan")(report(plan, planned(plan))), "markdown")


def test_an_edit_of_a_query_is_shown_once_however_many_fields_hold_it():
    source = json.dumps({"query": {"esql": BEFORE}}), json.dumps({"query": {"esql": AFTER}})
    searched = FieldDiff("meta", {"searchSourceJSON": source[0]}, {"searchSourceJSON": source[1]})
    noted = FieldDiff("note", f"Look at it:\n{BEFORE}\nand think", f"Look at it:\n{AFTER}\nand think", edited=True)
    other = FieldDiff("setup", "one\ntwo\n" * 20, "one\nthree\n" * 20)
    found = replace(CREATED, action=Action.UPDATE, diffs=(searched,))
    plan = replace(PLAN, changes=(found, replace(UPDATED, diffs=(UPDATED.diffs[0], noted, other))))
    text = render(plan_document("plan")(report(plan, planned(plan))), "text")
    assert text.count("| WHERE failures <= 5") == 1
    assert "    meta: the same edit as in the query\n" in text
    assert "    note: the same edit as in the query (edited in Kibana since the last push)\n" in text
    assert "+three" in text
