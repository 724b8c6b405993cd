"""Overviews to draw pages of: the repository's own hunts, and what an environment says of them."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from entra_deployer.core.errors import Location
from entra_deployer.overview import Live, Overview, look_over, with_environment
from entra_deployer.plan.difference import Difference, DriftKind
from entra_deployer.plan.live_rule import Inventory, LastRun, LiveRule
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.verify.last import LastVerdict
from entra_deployer.verify.verdict import EntityOutcome, Mutant, MutationResult, Status, Verdict
from tests.reading import there
from tests.reports import test_drift_reports, test_forecast, test_history_reports

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 2, 1, 10, 0, tzinfo=UTC)
OUTCOMES = (
    EntityOutcome("mallory", "user.name=mallory", expected=True, caught=True, events=("a login x3",)),
    EntityOutcome("alice", "user.name=alice", expected=False, caught=False, reason="she is at home"),
)


@cache
def own() -> Overview:
    """The five hunts, the first of which passed with a survivor in the query's third line, the second failed."""
    found = replace(look_over(Repository(ROOT), OFFLINE, lambda: AT), commit="0123456789abcdef")
    proved, failed, *rest = found.rules
    return replace(found, rules=(with_verdict(proved, Status.PASSED), with_verdict(failed, Status.FAILED), *rest))


def with_verdict(rule, status: Status, *, is_current=True):
    survivor = Mutant(
        "a number is one more", "2", "3", Location(rule.source.hunt.source, rule.query.line + 2, 3), "case 3"
    )
    verdict = Verdict(
        rule.compiled.rule.key,
        rule.name,
        status,
        missed=("mallory",) if status is Status.FAILED else (),
        outcomes=tuple(replace(one, caught=False) if status is Status.FAILED else one for one in OUTCOMES),
        events=4,
        alerts=1,
        tests=("tests/a.yaml",),
        mutation=MutationResult(7, (survivor,)),
    )
    return replace(rule, last=LastVerdict("local", "sha256:1", "2026-02-01T09:00:00Z", verdict), is_current=is_current)


@cache
def live() -> Overview:
    """The same in staging: the first rule runs, the second fails, the third was edited, the others are not there."""
    overview = own()
    keys = [there(rule.compiled).rule.key for rule in overview.rules]
    runs = [LastRun(AT, "succeeded"), LastRun(AT, "failed", "no such index [logs-x]"), None]
    rules = tuple(
        LiveRule("default", key, key, enabled=True, severity="high", interval="5m", last_run=run)
        for key, run in zip(keys, runs, strict=False)
    )
    edited = Difference(DriftKind.CHANGED_IN_KIBANA, "default", "rule", keys[2], "Edited", by="alice")
    drift = replace(test_drift_reports.UNTOLD, differences=(edited,), issues=())
    inventory = Inventory("staging", AT, "Kibana 8.19.21, platinum, kibana.example", rules)
    return with_environment(
        overview, Live(inventory, drift, test_history_reports.HISTORY, test_forecast.FORECAST), (), {}
    )
