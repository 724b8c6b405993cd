"""The list of live rules as people and programs read it: golden files, one a form."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.live_rule import FirstRun, Inventory, LastRun, LiveRule, RunState
from entra_deployer.plan.report import Report
from entra_deployer.reports import render
from entra_deployer.reports.document import Document
from entra_deployer.reports.documents.live_rules import ago, live_rules_document, run_lines


def runs_as_text(report, width=100):
    """What `push --wait` tells behind its plan."""
    lines = tuple(run_lines(report.runs, "staging")) if report.runs else ()
    return render(Document("push", closing=lines), "text", width=width)


GOLDEN = Path(__file__).parents[1] / "golden"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def rule(name, *, run=None, **facts):
    defaults: dict[str, Any] = {
        "space": "default",
        "rule_id": f"id-of-{name.split()[0].lower()}",
        "enabled": True,
        "severity": "medium",
        "interval": "1h",
        "revision": 3,
        "changed_at": NOW - timedelta(days=2),
        "changed_by": "ci",
    }
    last_run = LastRun(NOW - timedelta(minutes=run[0]), *run[1:]) if run else None
    return LiveRule(name=name, last_run=last_run, **(defaults | facts))


RULES = (
    rule("Device codes from afar", run=(3, "succeeded", "Rule execution completed successfully")),
    rule("Guessed passwords", run=(70, "failed", 'verification_exception: Unknown column "usr"'), severity="critical"),
    rule("Rare agents [beta]", run=(4000, "partial failure", "no index matching: logs-*"), changed_by="alice"),
    rule("Switched off", run=(90000, "failed", "long ago"), enabled=False, revision=None, changed_by=""),
    rule("Brand new", space="soc"),
    rule("Waiting for logs", run=(5, "partial failure", "no index matching: logs-*"), space="soc"),
)
WARNING = Issue("DEP320", Level.WARNING, "the journal is kept in .deploy/ledger instead", "staging")
INVENTORY = Inventory("staging", NOW, "Kibana 8.19.21, platinum", RULES, (WARNING,))
ONE_SPACE = Inventory("staging", NOW, "Kibana 8.19.21, platinum", RULES[:1])

STEADY = "succeeded", "Rule execution completed successfully"
RUNS = (
    FirstRun(rule("Ran well", run=(-1, *STEADY)), RunState.RAN),
    FirstRun(
        rule("Ran badly and has a name that is longer than many", run=(-1, "failed", "Unknown column")),
        RunState.RAN,
    ),
    FirstRun(rule("Ran with a warning", run=(-1, "partial failure", "no index matching: logs-*")), RunState.RAN),
    FirstRun(rule("Ran before the push", run=(50, *STEADY)), RunState.NOT_DUE),
    FirstRun(rule("Never ran"), RunState.MISSING),
    FirstRun(rule("Switched off meanwhile", enabled=False), RunState.OFF),
)
PUSHED = Report("staging", runs=RUNS)
GOOD = Report("staging", runs=(RUNS[0], RUNS[3]))

FORMS = {
    "first_runs.txt": lambda: runs_as_text(PUSHED, width=100),
    "first_runs_good.txt": lambda: runs_as_text(GOOD, width=100),
    "first_runs_narrow.txt": lambda: runs_as_text(PUSHED, width=40),
    "live_rules.txt": lambda: render(live_rules_document(INVENTORY), "text", width=100),
    "live_rules_narrow.txt": lambda: render(live_rules_document(INVENTORY), "text", width=44),
    "live_rules_one_space.txt": lambda: render(live_rules_document(ONE_SPACE), "text", width=100),
    "live_rules.json": lambda: render(live_rules_document(INVENTORY), "json"),
}


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_its_golden_file(name):
    assert FORMS[name]() == (GOLDEN / name).read_text("utf-8")


@pytest.mark.parametrize("width", [20, 44, 89, 90, 200])
def test_no_line_is_wider_than_the_terminal(width):
    text = render(live_rules_document(INVENTORY), "text", width=width)
    assert max(map(len, text.splitlines())) <= width
    for word in (word for one in RULES for word in one.name.split()):
        assert word in text


def test_nothing_live_says_how_to_get_something_there():
    assert "`deploy push` brings them there" in render(live_rules_document(Inventory("staging", NOW)), "text")
    assert json.loads(render(live_rules_document(Inventory("staging", NOW)), "json"))["rules"] == []


def test_colour_only_where_it_is_asked_for():
    assert "\x1b[" not in render(live_rules_document(INVENTORY), "text")
    assert "\x1b[" in render(live_rules_document(INVENTORY), "text", colour=True)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s ago"),
        (99, "99 s ago"),
        (180, "3 min ago"),
        (7200, "2 h ago"),
        (3 * 86400, "3 days ago"),
        (90 * 86400, "on 2025-12-01"),
    ],
)
def test_a_time_is_told_as_long_ago(seconds, said):
    assert ago(NOW - timedelta(seconds=seconds), NOW) == said


def test_nothing_pushed_has_no_first_runs():
    assert runs_as_text(Report("staging", runs=())) == runs_as_text(Report("staging")) == ""
