"""The status of an environment: what it says, of what it makes an error, and how it is told."""

import json
from datetime import UTC, datetime

import pytest

from entra_deployer.core.errors import ExitCode, Unreachable
from entra_deployer.doctor import status as doctor
from entra_deployer.doctor.findings import Finding, Health
from entra_deployer.plan.difference import Difference, DriftKind, DriftReport
from entra_deployer.plan.journal import LockHolder, PushEntry, PushState
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.reports import FORMS, render
from entra_deployer.reports.documents.status import no_status, status_document, statuses_document
from entra_deployer.repository import Repository
from entra_deployer.stack.answers import LastExecution
from tests.builders import live, rule
from tests.memory_stack import MemoryStack
from tests.test_nonsense_everywhere import add_hunt

PUSH = PushEntry("p1", "staging", "2026-11-25T01:35:07Z", "ute", "5f7c37b7f57d00", PushState.FINISHED)


def clock():
    return datetime(2026, 11, 25, 12, tzinfo=UTC)


def ran(name, status, **fields):
    execution = LastExecution(status, "2026-11-25T11:59:00Z") if status else None
    return live(rule(name, name, **fields), execution=execution)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    top = tmp_path_factory.mktemp("repository")
    for number in (1, 2):
        add_hunt(top, number)
    return top


@pytest.fixture
def stack(root):
    """Two rules that were pushed and stand as desired."""
    found = MemoryStack()
    with found.connection(root) as connection:
        push_rules(Repository(root), connection, PushRequest())
    return found


def look(root, stack):
    with stack.connection(root) as connection:
        return doctor.look(Repository(root), connection, clock)


def told(status):
    return {(finding.about, finding.health) for finding in status.findings}


def test_what_stands_as_pushed_is_well(root, stack):
    status = look(root, stack)
    assert ("drift", Health.OK) in told(status)
    assert ("push", Health.OK) in told(status)
    assert ("lock", Health.OK) in told(status)
    assert (status.runs.rules, status.runs.enabled, len(status.runs.never_ran)) == (2, 2, 2)
    assert "kibana.example" in status.stack
    assert doctor.status_code([status]) is ExitCode.OK


@pytest.mark.parametrize(("embedded", "hint"), [(True, "--run-rules"), (False, "task manager")])
def test_rules_that_never_ran_are_told_with_what_runs_them(embedded, hint):
    runs = doctor.count_runs([ran("a", None, enabled=True)])
    (finding,) = doctor.judge_runs(runs, embedded=embedded)
    assert hint in finding.hint


def test_an_edit_and_a_failing_run_are_to_be_seen_to(root, stack):
    one, other = stack.rules.values()
    one["severity"] = "critical"
    other["execution_summary"] = {
        "last_execution": {"status": "failed", "date": "2026-11-25T11:00:00Z", "message": "x"}
    }
    status = look(root, stack)
    assert {("drift", Health.ERROR), ("rules", Health.ERROR)} <= told(status)
    assert status.runs.failing == (other["name"],)
    assert status.differing > 0
    assert doctor.status_code([status]) is ExitCode.DIFFERENT


def test_it_writes_nothing_and_asks_little(root, stack):
    stack.asked.clear()
    look(root, stack)
    reads = ("_search", "_query", "_field_caps", "_has_privileges", "_export")
    assert [
        ask for ask in stack.asked if ask[0] not in ("GET", "HEAD") and not any(read in ask[1] for read in reads)
    ] == []
    assert len(stack.asked) < 40


def test_a_rule_that_is_off_is_not_expected_to_run():
    rules = [ran("a", "succeeded"), ran("b", "failed"), ran("c", None), ran("d", "failed", enabled=False)]
    runs = doctor.count_runs([*rules, ran("e", "partial failure"), ran("f", "running")])
    assert runs == doctor.RuleRuns(6, 5, ("b",), ("e",), ("c",))


@pytest.mark.parametrize(
    ("finding", "health", "said"),
    [
        (doctor.judge_push(None), Health.WARNING, "no push is written down"),
        (doctor.judge_push(PUSH), Health.OK, "last 2026-11-25 01:35 by ute, commit 5f7c37b7f57d"),
        (doctor.judge_locks([LockHolder("o", "ci@host", "soc")]), Health.OK, "held by ci@host (soc)"),
        (doctor.judge_verdicts([]), Health.WARNING, "no verdict"),
        (next(doctor.judge_interrupted([PUSH])), Health.ERROR, "was cut off"),
        (
            doctor.judge_drift(
                DriftReport("staging", differences=(Difference(DriftKind.CONFLICT, "", "rule", "a", "A"),))
            ),
            Health.ERROR,
            "1 changed on both sides",
        ),
    ],
)
def test_each_thing_is_judged(finding, health, said):
    assert finding.health is health
    assert said in finding.message


def test_an_environment_that_is_away_is_a_row_among_the_others(root, stack):
    statuses = [
        look(root, stack),
        doctor.away("far", Unreachable("no answer from http://far.example", hint="is it up?")),
    ]
    assert doctor.status_code(statuses) is ExitCode.DIFFERENT
    text = render(statuses_document(statuses), "text", width=200)
    assert "no answer from http://far.example" in text
    assert text.splitlines()[-1] == "1 of 2 environments well."


@pytest.mark.parametrize(
    ("healths", "last"),
    [
        ([Health.OK], "All is well."),
        ([Health.OK, Health.WARNING, Health.WARNING], "Nothing is wrong; 2 warnings."),
        ([Health.WARNING, Health.ERROR], "1 thing to see to."),
    ],
)
def test_the_last_line_calls_nothing_well_that_has_a_warning(healths, last):
    findings = tuple(Finding("rules", health, "so it is") for health in healths)
    text = render(status_document(doctor.EnvironmentStatus("staging", findings=findings)), "text")
    assert text.splitlines()[-1] == last


@pytest.mark.parametrize("form", FORMS)
def test_every_form_tells_it(root, stack, form):
    status = look(root, stack)
    assert render(status_document(status), form)
    assert render(statuses_document([status]), form)
    assert render(no_status("x", ()), form)


def test_json_has_the_counts(root, stack):
    document = json.loads(render(status_document(look(root, stack)), "json"))
    assert document["is_well"] is True
    assert document["rules"]["live"] == 2
    assert document["last_push"]["by"] == "elastic"
