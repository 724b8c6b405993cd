"""Waiting for first runs: what counts as one, and a server that is away for a while."""

from dataclasses import replace
from datetime import timedelta

import pytest

from entra_deployer.core.errors import ExitCode, Refused, Unreachable
from entra_deployer.live.wait import wait_code, wait_for_runs
from entra_deployer.objects.state import FieldDiff
from entra_deployer.plan.live_rule import RunState
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome
from entra_deployer.plan.report import Report
from entra_deployer.stack.answers import LastExecution
from tests.builders import live, rule

PUSHED = "2026-03-01T12:00:00.000Z"
WITHIN = timedelta(minutes=5)
BEFORE, AFTER = "2026-03-01T11:59:59.000Z", "2026-03-01T12:00:03.000Z"


class Kibana:
    """Answers each look with the next of its answers, the last one over and over."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def rules(self, space):
        return self

    def by_key(self, keys):
        self.asked.append(sorted(keys))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [one for one in answer if one.object.key in keys]


class Patience:
    """Says yes `times` times and remembers what it was told."""

    def __init__(self, times):
        self.left = times
        self.told = []

    def __call__(self, waiting, total):
        self.told.append((waiting, total))
        self.left -= 1
        return self.left >= 0


def standing(key, date=None, status="succeeded", **fields):
    execution = LastExecution(status, date, "said") if date else None
    return live(rule(key, key, **fields), updated_at=PUSHED, execution=execution)


def pushed(*keys, outcome=Outcome.APPLIED, action=Action.CREATE, **fields):
    changes = (Change(action, "default", rule().kind, key, key, rule(key, key, **fields), None) for key in keys)
    return Report("t", results=tuple(ChangeResult(change, outcome) for change in changes))


def wait(kibana, report, times=3):
    patience = Patience(times)
    found = wait_for_runs(kibana, report, patience, WITHIN)
    return found, patience.told


def states(report):
    return [run.state for run in report.runs]


def test_each_look_asks_only_for_those_that_have_not_run():
    kibana = Kibana([standing("a", AFTER), standing("b")], [standing("b", AFTER)])
    report, told = wait(kibana, pushed("a", "b"))
    assert states(report) == [RunState.RAN] * 2
    assert kibana.asked == [["a", "b"], ["b"]]
    assert told == [(1, 2)]
    assert wait_code(report) is ExitCode.OK


@pytest.mark.parametrize(
    ("date", "status"), [(None, ""), (BEFORE, "succeeded"), (AFTER, "running"), (AFTER, "going to run")]
)
def test_what_is_not_a_run_since_the_push(date, status):
    report, told = wait(Kibana([standing("a", date, status)]), pushed("a"), times=2)
    assert states(report) == [RunState.MISSING]
    assert told == [(1, 1)] * 3
    assert wait_code(report) is ExitCode.FAILED


@pytest.mark.parametrize(
    ("status", "code"),
    [("succeeded", ExitCode.OK), ("partial failure", ExitCode.OK), ("failed", ExitCode.DIFFERENT)],
)
def test_how_it_went_is_the_exit_code(status, code):
    report, told = wait(Kibana([standing("a", AFTER, status)]), pushed("a"))
    assert told == []
    assert wait_code(report) is code


@pytest.mark.parametrize(
    ("interval", "state", "code"),
    [
        ("5m", RunState.MISSING, ExitCode.FAILED),
        ("6m", RunState.NOT_DUE, ExitCode.OK),
        ("14d", RunState.NOT_DUE, ExitCode.OK),
        ("often", RunState.MISSING, ExitCode.FAILED),
    ],
)
def test_a_rule_is_waited_for_where_it_is_due(interval, state, code):
    report, _ = wait(Kibana([standing("a", BEFORE, interval=interval)]), pushed("a", action=Action.UPDATE))
    assert states(report) == [state]
    assert wait_code(report) is code


@pytest.mark.parametrize("status", ["running", "going to run"])
def test_a_run_that_has_begun_is_waited_for_whatever_the_interval(status):
    kibana = Kibana([standing("a", AFTER, status, interval="14d")], [standing("a", AFTER, "failed", interval="14d")])
    report, told = wait(kibana, pushed("a", action=Action.UPDATE))
    assert told == [(1, 1)]
    assert wait_code(report) is ExitCode.DIFFERENT


def switched_on(report):
    diffs = (FieldDiff("enabled", existing=False, desired=True),)
    return replace(report, results=tuple(replace(r, change=replace(r.change, diffs=diffs)) for r in report.results))


@pytest.mark.parametrize("report", [pushed("a"), switched_on(pushed("a", action=Action.UPDATE))])
def test_a_rule_that_was_made_or_switched_on_runs_at_once(report):
    kibana = Kibana([standing("a", BEFORE, interval="14d")], [standing("a", AFTER, interval="14d")])
    found, told = wait(kibana, report)
    assert told == [(1, 1)]
    assert states(found) == [RunState.RAN]


@pytest.mark.parametrize("error", [Unreachable("away"), Refused("busy", status=500)])
def test_a_server_that_is_away_is_asked_again(error):
    report, _ = wait(Kibana(error, [standing("a", AFTER)]), pushed("a"))
    assert wait_code(report) is ExitCode.OK


def test_a_server_that_stays_away_leaves_the_push_told():
    report, _ = wait(Kibana(Unreachable("away")), pushed("a"))
    assert states(report) == [RunState.MISSING]
    assert report.results
    assert wait_code(report) is ExitCode.FAILED


def test_a_rule_that_somebody_switches_off_is_not_awaited():
    report, told = wait(Kibana([standing("a", enabled=False)]), pushed("a"))
    assert told == []
    assert states(report) == [RunState.OFF]


def test_only_rules_that_are_on_and_were_written_are_awaited():
    kibana = Kibana([])
    off = pushed("off", enabled=False)
    failed = pushed("failed", outcome=Outcome.FAILED)
    deleted = pushed("deleted")
    gone = replace(deleted.results[0], change=replace(deleted.results[0].change, action=Action.DELETE, desired=None))
    report, told = wait(kibana, Report("t", results=(*off.results, *failed.results, gone)))
    assert report.runs == ()
    assert kibana.asked == told == []


def test_a_push_that_was_not_done_in_full_stays_so():
    report, _ = wait(
        Kibana([standing("a", AFTER)]),
        Report("t", results=pushed("a").results + pushed("b", outcome=Outcome.FAILED).results),
    )
    assert wait_code(report) is ExitCode.PARTLY
