"""A push as a whole, over two servers in memory."""

import subprocess

import pytest

from entra_deployer.core.errors import ExitCode
from entra_deployer.core.git import is_older_checkout
from entra_deployer.plan.push import (
    OTHER_KEY,
    PushRequest,
    plan_rules,
    push_code,
    push_rules,
    push_saved_plan,
)
from entra_deployer.repository import Repository
from tests.chaos.faults import FAULTS
from tests.chaos.stack import ChaosStack, Killed, first_version, push, second_version, write_hunt
from tests.reading import there


@pytest.fixture
def root(tmp_path):
    first_version(tmp_path)
    return tmp_path


def run(stack, root, **options):
    with stack.connection(root) as connection:
        return push_rules(Repository(root), connection, PushRequest(**options))


def names(stack):
    return sorted(rule["name"] for rule in stack.rules.values())


def test_a_hunt_with_an_error_blocks_all_and_the_way_out_is_named(root):
    write_hunt(root, 4)
    (root / "rules" / "failures_4" / "rule.yaml").write_text("fields: {index: [a]}\n", "utf-8")
    stack = ChaosStack()
    report = run(stack, root)
    assert stack.rules == {}
    assert "--keep-going" in report.summary
    report = run(stack, root, keep_going=True)
    assert names(stack) == ["Failures 1", "Failures 2", "Failures 3"]
    assert report.left_out == ("failures_4",)
    assert push_code(report) is ExitCode.PARTLY
    assert any(issue.message.startswith("left out: ") for issue in report.issues)


def test_a_hunt_that_breaks_after_its_push_keeps_its_rule(root):
    stack = ChaosStack()
    push(stack, root)
    (root / "rules" / "failures_2" / "hunt.toml").write_text("[hunt]\nname = ", "utf-8")
    report = run(stack, root, keep_going=True, prune=True)
    assert names(stack) == ["Failures 1", "Failures 2", "Failures 3"]
    assert report.left_out == ("failures_2",)


def test_a_plan_is_shown_before_the_first_write_and_may_be_declined(root):
    stack = ChaosStack()
    shown = []

    def decline(plan):
        shown.append(len(plan.results))
        return "you said no"

    report = run(stack, root, agree=decline)
    assert shown == [len(report.results)]
    assert (stack.rules, stack.objects) == ({}, {})
    assert report.summary == "Nothing was pushed: you said no."


def test_what_a_rule_loses_is_told_when_it_is_written_and_not_again(root):
    (root / "rules" / "failures_2" / "rule.yaml").write_text("lookback: 1h\ninterval: 1h\n", "utf-8")
    stack = ChaosStack()
    assert "DEP037" in {issue.code for issue in run(stack, root).issues if issue.subject == "failures_2"}
    assert "DEP037" not in {issue.code for issue in run(stack, root).issues}


def test_a_second_push_writes_nothing_at_all(root):
    stack = ChaosStack()
    push(stack, root)
    seen = len(stack.asked)
    report = push(stack, root)
    assert report.plan.changes == ()
    writes = [url for method, url in stack.asked[seen:] if method in ("PUT", "PATCH", "DELETE") or "_bulk" in url]
    assert writes == []


def test_a_saved_plan_is_applied_only_while_it_is_what_a_push_would_do(root):
    stack = ChaosStack()
    push(stack, root)
    second_version(root)
    request = PushRequest(prune=True)
    with stack.connection(root) as connection:
        saved = there(plan_rules(Repository(root), connection, request).plan)
    stack.edit("Failures 2", severity="critical")
    with stack.connection(root) as connection:
        blocked = push_saved_plan(Repository(root), connection, saved, request)
    assert [issue.code for issue in blocked.errors] == ["DEP313"]
    stack.edit("Failures 2", severity="low")
    write_hunt(root, 2, severity="medium")
    with stack.connection(root) as connection:
        stale = push_saved_plan(Repository(root), connection, saved, request)
    assert "Plan again" in stale.summary
    assert "Failures 2: it has changed since" in stale.summary
    write_hunt(root, 2, severity="high")
    with stack.connection(root) as connection:
        done = push_saved_plan(Repository(root), connection, saved, request)
    assert push_code(done) is ExitCode.OK
    assert names(stack) == ["Failures 1", "Failures 2", "Failures 4"]


def test_a_checkout_behind_what_was_pushed_is_an_older_one(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.com")
        done = subprocess.run(["git", *identity, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "one")
    first = git("rev-parse", "HEAD")
    git("commit", "-q", "--allow-empty", "-m", "two")
    second = git("rev-parse", "HEAD")
    assert not is_older_checkout(tmp_path, first)
    assert not is_older_checkout(tmp_path, f"{second}+")
    git("checkout", "-q", first)
    assert is_older_checkout(tmp_path, f"{second}+")
    assert not is_older_checkout(tmp_path, "0" * 40)
    assert not is_older_checkout(tmp_path, "")


def test_what_a_push_that_was_cut_off_has_made_is_known_to_be_ours(root):
    """The journal says so, and what it made."""
    stack = ChaosStack()
    probe = stack.healed()
    push_rules(Repository(root), probe.connected(root), PushRequest())
    imports = [number for number, (_, url) in enumerate(probe.asked) if "saved_objects/_import" in url]
    stack.at, stack.fault = imports[-1], FAULTS["kill -9 after the write"]
    with pytest.raises(Killed):
        push_rules(Repository(root), stack.connected(root), PushRequest())
    second_version(root)
    stack = stack.healed()
    assert not run(stack, root).errors  # without a prune what is left over stays, and stays known
    assert len([one for one in stack.objects.values() if one["type"] == "search"]) == 4
    push(stack, root)
    titles = sorted(one["attributes"]["title"] for one in stack.objects.values() if one["type"] == "search")
    assert titles == ["Failures 1", "Failures 2", "Failures 4"]


@pytest.mark.parametrize("somebody", ["elastic", "ci-key"])
def test_that_rules_run_by_another_key_from_now_on_is_told(root, somebody):
    stack = ChaosStack()
    push(stack, root)
    write_hunt(root, 2, severity="high")
    stack.user = somebody
    with stack.connection(root) as connection:
        told = [
            issue for issue in plan_rules(Repository(root), connection, PushRequest()).issues if issue.code == OTHER_KEY
        ]
    assert [issue.message for issue in told] == (
        ["the rules that are written run as ci-key from now on; elastic pushed last"] if somebody == "ci-key" else []
    )


def test_a_new_rule_alone_takes_no_other_rule_to_another_key(root):
    stack = ChaosStack()
    push(stack, root)
    write_hunt(root, 4)
    stack.user = "ci-key"
    with stack.connection(root) as connection:
        assert OTHER_KEY not in {issue.code for issue in plan_rules(Repository(root), connection, PushRequest()).issues}


@pytest.mark.parametrize("closing", [plan_rules, push_rules])
def test_the_journal_of_a_push_that_died_after_its_last_write_is_closed_by_the_next(root, closing):
    stack = ChaosStack()
    probe = stack.healed()
    push_rules(Repository(root), probe.connected(root), PushRequest())
    writes = [number for number, (_, url) in enumerate(probe.asked) if "entra-deployer-ledger/_bulk" in url]
    stack.at, stack.fault = writes[-2], FAULTS["kill -9 before the write"]  # the outcomes, then that it is over
    with pytest.raises(Killed):
        push_rules(Repository(root), stack.connected(root), PushRequest())
    stack = stack.healed()
    assert [one["state"] for one in stack.ledger("push")] == ["started"]
    assert len(stack.rules) == 3
    with stack.connection(root) as connection:
        assert closing(Repository(root), connection, PushRequest()).plan.changes == ()
    assert [one["state"] for one in stack.ledger("push")] == ["recovered"]
    assert len(stack.ledger("object")) == 7  # three rules, three searches, the tag


def cut_off(stack, root, after, fault="kill -9 after the write"):
    """A push that died at the last of its requests that `after` is a part of; the stack as it was left."""
    probe = stack.healed()
    push_rules(Repository(root), probe.connected(root), PushRequest())
    writes = [number for number, (_, url) in enumerate(probe.asked) if after in url]
    stack.at, stack.fault = writes[-1], FAULTS[fault]
    with pytest.raises(Killed):
        push_rules(Repository(root), stack.connected(root), PushRequest())
    return stack.healed()


def test_what_a_push_made_whose_journal_is_closed_only_now_is_pruned_at_once(root):
    """Closing writes the base that the very same plan starts from."""
    stack = cut_off(ChaosStack(), root, "detection_engine/rules/_import")
    second_version(root)
    assert not push(stack, root).errors
    titles = sorted(one["attributes"]["title"] for one in stack.objects.values() if one["type"] == "search")
    assert titles == ["Failures 1", "Failures 2", "Failures 4"]
    assert "started" not in {one["state"] for one in stack.ledger("push")}


def test_a_push_with_nothing_to_do_takes_the_place_of_one_that_was_cut_off(root):
    """It died before its first write, and the repository went back since: nobody wants what it had left to do."""
    stack = ChaosStack()
    push(stack, root)
    second_version(root)
    stack, probe = stack.healed(), stack.healed()
    push_rules(Repository(root), probe.connected(root), PushRequest())
    journal = [number for number, (_, url) in enumerate(probe.asked) if "entra-deployer-ledger/_bulk" in url]
    stack.at, stack.fault = journal[1], FAULTS["kill -9 after the write"]
    with pytest.raises(Killed):
        push_rules(Repository(root), stack.connected(root), PushRequest())
    first_version(root)
    stack = stack.healed()
    assert not push(stack, root).results
    assert {one["state"] for one in stack.ledger("push")} == {"finished", "superseded"}
    assert stack.ledger("lease") == []
