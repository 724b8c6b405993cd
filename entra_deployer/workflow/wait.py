"""After a push: has each rule that it wrote run once, as it stands now, and how did that go?"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from entra_deployer.errors import DeployError, ExitCode
from entra_deployer.model.live_rule import FAILED, LiveRule
from entra_deployer.model.plan import Change, Outcome
from entra_deployer.model.report import Report
from entra_deployer.model.state import Kind, LiveObject, StateObject
from entra_deployer.workflow.connection import Connection
from entra_deployer.workflow.list_rules import live_rule
from entra_deployer.workflow.push import push_code

type Patience = Callable[[int, int], bool]
"""Told how many of how many rules have not run yet, waits a little and says whether to look again."""


def wait_for_runs(connection: Connection, report: Report, patience: Patience) -> Report:
    """The report of a push with `runs`: every enabled rule that it wrote, with its last run.

    Kibana's own clock tells whether a run came after the write, so skewed clocks do no harm. A server that is away for
    a while is asked again.
    """
    written = [
        result.change
        for result in report.results
        if result.outcome is Outcome.APPLIED and result.change.kind is Kind.RULE and _is_on(result.change.desired)
    ]
    rules = [_unseen(change) for change in written]
    while waiting := _look(connection, rules):
        if not patience(waiting, len(rules)):
            break
    return replace(report, runs=tuple(sorted(rules, key=lambda rule: rule.order)))


def wait_code(report: Report) -> ExitCode:
    """As of the push; where that is 0, 2 for a rule whose run failed, 1 for one that has not run in time."""
    code = push_code(report)
    runs = report.runs or ()
    if code is not ExitCode.OK:
        return code
    if any(rule.has_run and rule.last_run and rule.last_run.status == FAILED for rule in runs):
        return ExitCode.DIFFERENT
    return ExitCode.OK if all(rule.has_run for rule in runs) else ExitCode.FAILED


def _is_on(one: StateObject | None) -> bool:
    return one is not None and bool(one.payload.get("enabled"))


def _unseen(change: Change) -> LiveRule:
    """A rule as it was sent, before it was looked at."""
    if change.desired is None:
        raise ValueError(f"{change.name} was not written")
    return live_rule(change.space, LiveObject(change.desired, "", ""))


def _look(connection: Connection, rules: list[LiveRule]) -> int:
    """Bring the rules that have not run yet up to date; how many are still awaited."""
    for space in sorted({rule.space for rule in rules if _is_awaited(rule)}):
        asked = [position for position, rule in enumerate(rules) if rule.space == space and _is_awaited(rule)]
        standing = _standing(connection, space, [rules[position].rule_id for position in asked])
        for position in asked:
            rules[position] = standing.get(rules[position].rule_id, rules[position])
    return sum(_is_awaited(rule) for rule in rules)


def _is_awaited(rule: LiveRule) -> bool:
    """Whether a run is still to come: somebody may have switched the rule off meanwhile."""
    return rule.enabled and not rule.has_run


def _standing(connection: Connection, space: str, rule_ids: Sequence[str]) -> dict[str, LiveRule]:
    try:
        found: Iterable[LiveObject] = connection.rules(space).by_key(rule_ids)
    except DeployError:
        return {}  # the next look may find the server again; the push itself is done and is told
    return {live.object.key: live_rule(space, live) for live in found}
