"""After a push: has each rule that it wrote run once, as it stands now, and how did that go?"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from entra_deployer.core.errors import DeployError, ExitCode
from entra_deployer.live.list_rules import live_rule
from entra_deployer.objects.state import RULE, LiveObject, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.live_rule import FirstRun, LiveRule, RunState
from entra_deployer.plan.plan import Action, Change, Outcome
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
    watch = _Watch(
        connection, [_unseen(change) for change in written], within, frozenset(map(_place, _at_once(written)))
    )
    while waiting := watch.look():
        if not patience(waiting, len(written)):
            break
    return replace(report, runs=tuple(watch.runs()))


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


def _at_once(changes: Sequence[Change]) -> Iterator[Change]:
    """Those that made or switched on a rule: Kibana runs it within seconds, whatever its interval."""
    for change in changes:
        switched = any(diff.path == "enabled" and diff.desired for diff in change.diffs)
        if change.action is Action.CREATE or switched:
            yield change


def _place(change: Change) -> tuple[str, str]:
    return (change.space, change.key)


@dataclass
class _Watch:
    """The rules that were pushed, as they were last seen. `at_once` are those that run at once, by space and id."""

    connection: Connection
    rules: list[LiveRule]
    within: timedelta
    at_once: frozenset[tuple[str, str]]

    def look(self) -> int:
        """Bring the rules that have not run yet up to date; how many are still awaited."""
        for space in sorted({self.rules[number].space for number in self._awaited()}):
            asked = [number for number in self._awaited() if self.rules[number].space == space]
            standing = _standing(self.connection, space, [self.rules[number].rule_id for number in asked])
            for number in asked:
                self.rules[number] = standing.get(self.rules[number].rule_id, self.rules[number])
        return len(self._awaited())

    def runs(self) -> Iterator[FirstRun]:
        """Each rule with what became of its first run."""
        for rule in sorted(self.rules, key=lambda rule: rule.order):
            yield FirstRun(rule, self._state(rule))

    def _awaited(self) -> list[int]:
        return [number for number, rule in enumerate(self.rules) if self._state(rule) is RunState.MISSING]

    def _state(self, rule: LiveRule) -> RunState:
        if rule.has_run:
            return RunState.RAN
        if not rule.enabled:
            return RunState.OFF
        if rule.is_running or (rule.space, rule.rule_id) in self.at_once:
            return RunState.MISSING
        late = rule.due is not None and rule.changed_at is not None and rule.due > rule.changed_at + self.within
        return RunState.NOT_DUE if late else RunState.MISSING


def _standing(connection: Connection, space: str, rule_ids: Sequence[str]) -> dict[str, LiveRule]:
    try:
        found: Iterable[LiveObject] = connection.rules(space).by_key(rule_ids)
    except DeployError:
        return {}  # the next look may find the server again; the push itself is done and is told
    return {live.object.key: live_rule(space, live) for live in found}
