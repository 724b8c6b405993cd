"""What is proved is the repository's rule: the local stack is brought up to date, elsewhere another rule fails."""

import pytest

from entra_deployer.core.issue import Level
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.repository import Repository
from entra_deployer.verify.verdict import Status
from entra_deployer.verify.verify_rules import VerifyRequest, verify_code, verify_rules
from tests.memory_stack import MemoryStack
from tests.test_nonsense_everywhere import add_hunt, clock


@pytest.fixture
def root(tmp_path):
    """A repository with one hunt."""
    add_hunt(tmp_path, 1)
    return tmp_path


@pytest.fixture
def pushed(root):
    stack = MemoryStack()
    with stack.connection(root) as connection:
        assert not push_rules(Repository(root), connection, PushRequest()).errors
    return stack


def verified(root, stack, *, embedded=False, **request):
    with stack.connection(root, embedded=embedded) as connection:
        return verify_rules(Repository(root), connection, VerifyRequest(**request), clock)


def reword(root):
    hunt = root / "rules" / "failures_1" / "hunt.toml"
    hunt.write_text(hunt.read_text("utf-8").replace("failures > 1", "failures > 2"), "utf-8")


def edit(stack, **fields):
    """What somebody changes in Kibana."""
    (key,) = stack.rules
    stack.rules[key] = {**stack.rules[key], **fields}


def codes(report):
    return [issue.code for issue in report.issues if issue.code in ("DEP313", "DEP813", "DEP814")]


def test_a_rule_as_the_repository_has_it_is_tried_and_nothing_is_written(root, pushed):
    before = dict(pushed.rules)
    for embedded in (True, False):
        report = verified(root, pushed, embedded=embedded)
        assert codes(report) == []
        assert report.verdicts[0].outcomes
    assert pushed.rules == before


def test_the_local_stack_is_brought_up_to_date_first(root, pushed):
    reword(root)
    report = verified(root, pushed, embedded=True)
    assert codes(report) == ["DEP814"]
    assert [one.message for one in report.issues if one.code == "DEP814"] == [
        "its rules were brought up to date first: 1 changed"
    ]
    assert "failures > 2" in next(iter(pushed.rules.values()))["query"]
    assert report.verdicts[0].outcomes


def test_a_rule_that_the_local_stack_lacks_is_made(root):
    stack = MemoryStack()
    report = verified(root, stack, embedded=True)
    assert [one.message for one in report.issues if one.code == "DEP814"] == [
        "its rules were brought up to date first: 1 made"
    ]
    assert len(stack.rules) == 1


def test_elsewhere_another_rule_is_no_proof_and_nothing_is_written(root, pushed):
    reword(root)
    before = dict(pushed.rules)
    report = verified(root, pushed)
    (verdict,) = report.verdicts
    assert (verdict.status, verdict.outcomes, codes(report)) == (Status.FAILED, (), ["DEP813"])
    assert verdict.problems[0].message == "not the repository's rule: in Kibana it has another note, query"
    assert verify_code(report) == 2
    assert pushed.rules == before


def test_as_deployed_tries_what_stands_there(root, pushed):
    reword(root)
    for embedded in (True, False):
        report = verified(root, pushed, embedded=embedded, as_deployed=True)
        assert codes(report) == []
        assert report.verdicts[0].outcomes
    assert "failures > 1" in next(iter(pushed.rules.values()))["query"]


def test_what_the_live_stack_owns_is_no_difference(root, pushed):
    edit(pushed, enabled=False, actions=[{"id": "1", "action_type_id": ".email", "group": "default", "params": {}}])
    assert codes(verified(root, pushed)) == []


def test_an_edit_of_an_analyst_blocks_the_bringing_up_to_date_as_it_blocks_a_push(root, pushed):
    edit(pushed, severity="critical")
    report = verified(root, pushed, embedded=True)
    assert sorted(codes(report)) == ["DEP313", "DEP813"]
    assert verify_code(report) == 2
    assert next(iter(pushed.rules.values()))["severity"] == "critical"


def error_of(report):
    (verdict,) = report.verdicts
    assert verdict.status is Status.ERROR
    return verdict.error


@pytest.mark.parametrize("embedded", [True, False])
def test_a_rule_that_no_push_takes_is_told_with_the_reason(root, embedded):
    hunt = root / "rules" / "failures_1" / "hunt.toml"
    text = hunt.read_text("utf-8")
    start = text.index("query = ")
    hunt.write_text(f'{text[:start]}query = ["ROW a = 1 | WHERE a > 0"]\n', "utf-8")
    report = verified(root, MemoryStack(), embedded=embedded)
    assert error_of(report) == "the rule is not there: DEP041 keeps it from being pushed"
    assert "DEP041" in [issue.code for issue in report.issues]


def test_a_rule_that_nothing_keeps_back_needs_a_push(root):
    assert error_of(verified(root, MemoryStack())) == "the rule is not there: deploy push puts it there"


def test_tests_that_cannot_be_read_are_not_told_as_none(root, pushed):
    file = root / "rules" / "failures_1" / "tests" / "seeded.yaml"
    file.write_text(file.read_text("utf-8") + "nonsense: 1\n", "utf-8")
    said = error_of(verified(root, pushed, embedded=True))
    assert said.startswith("its tests cannot be read: ")
    assert "seeded.yaml:12:1: unknown key 'nonsense'" in said


def test_what_was_not_loaded_is_told_once_of_a_source_and_fails_nothing(root, pushed):
    add_hunt(root, 2)
    report = verified(root, pushed, embedded=True)
    (told,) = [issue for issue in report.issues if issue.code == "DEP335"]
    assert (told.level, told.message) == (
        Level.WARNING,
        "no event that was loaded into logs-tests-* has @timestamp, event.outcome, user.name",
    )
    assert not any(issue.code == "DEP335" for verdict in report.verdicts for issue in verdict.problems)


def test_elsewhere_a_field_that_no_index_has_fails_each_rule_that_reads_it(root, pushed):
    report = verified(root, pushed)
    assert [one.code for one in report.verdicts[0].problems if one.code == "DEP335"] == ["DEP335"] * 3
