"""After a push: has each rule that it wrote run once, as it stands now, and how did that go?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from entra_deployer.core.errors import DeployError, ExitCode
from entra_deployer.live.list_rules import live_rule
from entra_deployer.objects.state import RULE, LiveObject, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.live_rule import FirstRun, LiveRule, RunState
from entra_deployer.plan.plan import Change, Outcome
from entra_deployer.plan.push import push_code
from entra_deployer.plan.report import Report

type Patience = Callable[[int, int], bool]
"""Told how many of how many rules have not run yet, waits a little and says whether to look again."""


def wait_for_runs(connection: Connection, report: Report, patience: Patience, within: timedelta) -> Report:
    """The report of a push with `runs`: every enabled rule that it wrote, with its last run.

    Kibana's own clock tells whether a run came after the write, so skewed clocks do no harm. A rule that ran before and
    is not due `within` this time of the write is not waited for. A server that is away for a while is asked again.
    """
    written = [
        result.change
        for result in report.results
        if result.outcome is Outcome.APPLIED and result.change.kind == RULE and _is_on(result.change.desired)
    ]
    rules = [_unseen(change) for change in written]
    while waiting := _look(connection, rules, within):
        if not patience(waiting, len(rules)):
            break
    runs = (FirstRun(rule, _state(rule, within)) for rule in sorted(rules, key=lambda rule: rule.order))
    return replace(report, runs=tuple(runs))


def wait_code(report: Report) -> ExitCode:
    """As of the push; where that is 0, 2 for a rule whose run failed, 1 for one that was due and has not run."""
    code = push_code(report)
    if code is not ExitCode.OK or not report.runs:
        return code
    if any(run.state is RunState.RAN and run.rule.has_failed for run in report.runs):
        return ExitCode.DIFFERENT
    waited = {RunState.MISSING, RunState.OFF}
    return ExitCode.FAILED if any(run.state in waited for run in report.runs) else ExitCode.OK


def _is_on(one: StateObject | None) -> bool:
    return one is not None and bool(one.payload.get("enabled"))


def _unseen(change: Change) -> LiveRule:
    """A rule as it was sent, before it was looked at."""
    if change.desired is None:
        raise ValueError(f"{change.name} was not written")
    return live_rule(change.space, LiveObject(change.desired, "", ""))


def _look(connection: Connection, rules: list[LiveRule], within: timedelta) -> int:
    """Bring the rules that have not run yet up to date; how many are still awaited."""

    def awaited() -> list[int]:
        return [number for number, rule in enumerate(rules) if _state(rule, within) is RunState.MISSING]

    for space in sorted({rules[number].space for number in awaited()}):
        asked = [number for number in awaited() if rules[number].space == space]
        standing = _standing(connection, space, [rules[number].rule_id for number in asked])
        for number in asked:
            rules[number] = standing.get(rules[number].rule_id, rules[number])
    return len(awaited())


def _state(rule: LiveRule, within: timedelta) -> RunState:
    if rule.has_run:
        return RunState.RAN
    if not rule.enabled:
        return RunState.OFF
    late = rule.due is not None and rule.changed_at is not None and rule.due > rule.changed_at + within
    return RunState.NOT_DUE if late else RunState.MISSING


def _standing(connection: Connection, space: str, rule_ids: Sequence[str]) -> dict[str, LiveRule]:
    try:
        found: Iterable[LiveObject] = connection.rules(space).by_key(rule_ids)
    except DeployError:
        return {}  # the next look may find the server again; the push itself is done and is told
    return {live.object.key: live_rule(space, live) for live in found}
