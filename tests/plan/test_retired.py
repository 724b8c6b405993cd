"""A retired rule: off at the next push, deleted by a prune when its time is over, never made anew."""

from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.plan.drift import find_drift
from entra_deployer.plan.push import PushRequest, plan_rules, push_rules
from entra_deployer.promotion.promote import PromotionRequest, promote
from entra_deployer.repository import Repository
from entra_deployer.stack.environment import Gates
from entra_deployer.verify.verify_rules import VerifyRequest, verify_rules
from tests.chaos.stack import ChaosStack, first_version, push
from tests.reading import there

TODAY = datetime(2026, 11, 25, 12, tzinfo=UTC)  # as the servers in memory say
TAG = "Retired: 2026-11-25"
DAY = 86_400


@pytest.fixture
def root(tmp_path):
    first_version(tmp_path)
    return tmp_path


@pytest.fixture
def stack(root):
    found = ChaosStack()
    assert not push(found, root).errors
    return found


def retire(root, *, retired=True):
    (root / "rules" / "failures_2" / "rule.yaml").write_text(
        "severity: low\n" + ("retired: true\n" if retired else ""), "utf-8"
    )


def run(stack, root, *, after=30 * DAY, **options):
    with stack.connection(root, retire_after=after) as connection:
        return push_rules(Repository(root), connection, PushRequest(**options))


def rule(stack):
    return next((one for one in stack.rules.values() if one["name"] == "Failures 2"), None)


def test_a_push_switches_it_off_and_says_since_when(root, stack):
    retire(root)
    report = run(stack, root, prune=True)
    assert rule(stack)["enabled"] is False
    assert TAG in rule(stack)["tags"]
    assert [issue.message for issue in report.issues if issue.code == "DEP318"] == [
        "retired, switched off since 2026-11-25: a prune removes it 30 days after that"
    ]
    again = run(stack, root, prune=True)
    assert again.results == ()
    with stack.connection(root) as connection:
        assert not [one for one in find_drift(Repository(root), connection).differences if one.counts]


@pytest.mark.parametrize(("days", "prune", "stands"), [(31, True, False), (31, False, True), (29, True, True)])
def test_a_prune_deletes_it_with_its_search_when_its_time_is_over(root, stack, days, prune, stands):
    retire(root)
    run(stack, root)
    long_ago = (TODAY - timedelta(days=days)).date()
    key = rule(stack)["rule_id"]
    stack.rules[key]["tags"] = [f"Retired: {long_ago}" if one == TAG else one for one in stack.rules[key]["tags"]]
    assert not run(stack, root, prune=prune).errors
    assert bool(rule(stack)) is stands
    searches = [one["attributes"]["title"] for one in stack.objects.values() if one["type"] == "search"]
    assert ("Failures 2" in searches) is stands
    assert not run(stack, root, prune=True, after=0).errors
    assert rule(stack) is None
    assert run(stack, root).results == (), "it is not made anew"


def test_where_it_does_not_stand_it_is_not_made(root):
    retire(root)
    stack = ChaosStack()
    assert not run(stack, root).errors
    assert sorted(one["name"] for one in stack.rules.values()) == ["Failures 1", "Failures 3"]


def test_an_analyst_who_switches_it_on_again_is_a_conflict(root, stack):
    retire(root)
    run(stack, root)
    stack.edit("Failures 2", enabled=True)
    assert {issue.code for issue in run(stack, root).errors} == {"DEP313"}
    assert rule(stack)["enabled"] is True


def test_what_is_retired_no_more_loses_its_tag_and_stays_off(root, stack):
    retire(root)
    run(stack, root)
    retire(root, retired=False)
    assert not run(stack, root).errors
    assert TAG not in rule(stack)["tags"]
    assert rule(stack)["enabled"] is False


def test_it_needs_no_verdict_to_be_promoted_and_gets_none(root, stack):
    target = ChaosStack()
    push(target, root)
    retire(root)
    run(stack, root)
    with stack.connection(root) as here:
        report = verify_rules(Repository(root), here, VerifyRequest(), lambda: TODAY)
    assert sorted(one.name for one in report.verdicts) == ["Failures 1", "Failures 3"]
    with stack.connected(root, name="staging") as there, target.connection(root, gates=Gates()) as here:
        done = promote(Repository(root), there, here, PromotionRequest())
    assert not done.errors
    assert rule(target)["enabled"] is False


def test_a_plan_says_it_too(root, stack):
    retire(root)
    with stack.connection(root) as connection:
        plan = plan_rules(Repository(root), connection, PushRequest())
    (change,) = there(plan.plan).changes
    assert sorted(diff.path for diff in change.diffs) == ["enabled", "tags"]
