"""Drift: base, repository and Kibana compared; which side changed, what counts, what is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.objects.rule_fields import RULE_FIELDS, Owner, with_witness
from entra_deployer.objects.state import RULE, StateObject
from entra_deployer.plan.difference import DriftKind
from entra_deployer.plan.drift import Seen, find_differences
from entra_deployer.plan.planner import Existing, Policy, make_plan
from entra_deployer.stack.answers import LastExecution
from tests.builders import live, rule, search, state

OURS = "Managed: entra-deployer"


def differences(desired, existing, *base, policy=None, **seen):
    policy = Policy(base={(one.kind, one.key): one for one in base}, **(policy or {}))
    return find_differences(Seen(state(*desired), existing, policy, **seen))


def standing(*objects, **facts):
    some = tuple(one if hasattr(one, "object") else live(one, **facts) for one in objects)
    return Existing(marked=some, same_key=some)


def kinds(found):
    return [(one.kind, [drift.path for drift in one.fields]) for one in found]


def test_what_stands_as_pushed_is_no_drift():
    assert differences([rule(), search()], standing(rule(), search()), rule(), search()) == []


def test_a_change_in_kibana_names_who_and_when():
    edited = live(rule(severity="high"), updated_by="alice", updated_at="2026-02-01T10:00:00Z")
    (found,) = differences([rule()], standing(edited), rule())
    assert found.kind is DriftKind.CHANGED_IN_KIBANA
    assert (found.by, found.at) == ("alice", "2026-02-01T10:00:00Z")
    assert [(d.path, d.base, d.desired, d.live) for d in found.fields] == [("severity", "low", "low", "high")]


def test_each_field_is_the_doing_of_one_side():
    desired, pushed, edited = rule(severity="high", note="a"), rule(note="a"), rule(note="b", risk_score=99)
    found = differences([desired], standing(edited), pushed)
    assert kinds(found) == [
        (DriftKind.CHANGED_IN_KIBANA, ["note", "risk_score"]),
        (DriftKind.NOT_PUSHED, ["severity"]),
    ]
    assert found[1].by == ""


def test_a_field_that_both_sides_changed_is_a_conflict():
    found = differences([rule(severity="high")], standing(rule(severity="critical")), rule())
    assert kinds(found) == [(DriftKind.CONFLICT, ["severity"])]


def test_the_same_change_on_both_sides_is_no_difference():
    assert differences([rule(severity="high")], standing(rule(severity="high")), rule()) == []


def test_a_saved_search_is_compared_by_its_attributes():
    found = differences([search()], standing(search(columns=["a"])), search())
    assert kinds(found) == [(DriftKind.CHANGED_IN_KIBANA, ["columns"])]


@pytest.mark.parametrize("field", ["actions", "exceptions_list", "response_actions"])
def test_what_the_live_stack_owns_never_counts(field):
    assert differences([rule()], standing(rule(**{field: [{"id": "x"}]})), rule()) == []


def test_an_analysts_tag_never_counts_and_ours_do():
    pushed = rule(tags=[OURS, "ours"])
    assert differences([pushed], standing(rule(tags=["mine", "ours", OURS])), pushed) == []
    (found,) = differences([pushed], standing(rule(tags=["mine", OURS])), pushed)
    assert [(d.base, d.live) for d in found.fields] == [([OURS, "ours"], [OURS])]


def test_deleted_in_kibana_and_new_in_the_repository_are_told_apart():
    found = differences([rule(), rule("r2", "Two")], Existing(), rule())
    assert [(one.kind, one.key) for one in found] == [
        (DriftKind.DELETED_IN_KIBANA, "r1"),
        (DriftKind.NOT_PUSHED, "r2"),
    ]


def test_a_rule_switched_off_is_told_and_counts_only_where_git_owns_the_switch():
    off = standing(rule(enabled=False))
    (told,) = differences([rule()], off, rule())
    assert (told.kind, told.counts) == (DriftKind.DISABLED, False)
    (found,) = differences([rule()], off, rule(), policy={"owners": {"enabled": "git"}})
    assert (found.kind, found.counts, found.fields[0].path) == (DriftKind.DISABLED, True, "enabled")


def test_a_rule_that_was_pushed_switched_off_is_not_disabled():
    assert differences([rule()], standing(rule(enabled=False)), rule(enabled=False)) == []


@pytest.mark.parametrize(("status", "counts"), [("failed", True), ("partial failure", False)])
def test_a_failing_rule_is_told_with_kibanas_words(status, counts):
    run = LastExecution(status, "2026-02-01T10:00:00Z", "Unknown\ncolumn")
    (found,) = differences([rule()], standing(rule(), execution=run), rule())
    assert (found.kind, found.message, found.counts) == (DriftKind.FAILING, "Unknown column", counts)


@pytest.mark.parametrize("run", [None, LastExecution("succeeded"), LastExecution("running")])
def test_a_rule_that_works_is_not_told(run):
    assert differences([rule()], standing(rule(), execution=run), rule()) == []


def test_an_old_failure_of_a_disabled_rule_is_not_told():
    off = rule(enabled=False)
    assert differences([off], standing(off, execution=LastExecution("failed")), off) == []


def test_a_field_of_the_source_that_changed_its_type():
    (found,) = differences([rule()], standing(rule()), rule(), retyped={"r1": {"a.b": ("keyword", "text")}})
    assert kinds([found]) == [(DriftKind.SOURCE_CHANGED, ["a.b"])]
    assert found.counts


# -- objects of somebody else --------------------------------------------------------------------------------------


def test_a_copy_made_in_kibana_bears_our_mark_and_was_never_pushed():
    copy = rule("r2", "Rule one [Duplicate]")
    found = differences([rule()], Existing((live(rule()), live(copy)), (live(rule()),)), rule())
    assert [(one.kind, one.key) for one in found] == [(DriftKind.FOREIGN_COPY, "r2")]


def test_what_left_the_repository_is_no_copy():
    old = rule("r2", "Old")
    (found,) = differences([rule()], Existing((live(rule()), live(old)), (live(rule()),)), rule(), old)
    assert (found.kind, found.key) == (DriftKind.NOT_PUSHED, "r2")


def test_a_part_of_the_repository_says_nothing_of_what_stands_beside_it():
    both = Existing((live(rule()), live(rule("r2", "Two"))), (live(rule()),))
    assert differences([rule()], both, rule(), whole=False) == []


def test_several_rules_under_one_id():
    twice = Existing(same_key=(live(rule(), "a"), live(rule(severity="high"), "b")))
    (found,) = differences([rule()], twice, rule())
    assert found.kind is DriftKind.FOREIGN_COPY
    assert "2 of it have this id: a, b" in found.message


def test_an_unmarked_object_of_our_id_is_foreign_until_a_push_left_it():
    bare = Existing(same_key=(live(rule(tags=[])),))
    (foreign,) = differences([rule()], bare, rule("other"))
    assert foreign.kind is DriftKind.FOREIGN_COPY
    found = differences([rule()], bare, rule())
    assert kinds(found) == [(DriftKind.CHANGED_IN_KIBANA, ["tags"])]


def test_a_namesake():
    namesake = Existing((live(rule()),), (live(rule()),), (live(rule("x", tags=[]), updated_by="bob"),))
    (found,) = differences([rule()], namesake, rule())
    assert (found.kind, found.by) == (DriftKind.FOREIGN_COPY, "bob")


# -- without a ledger ----------------------------------------------------------------------------------------------


def test_without_a_base_nobody_is_accused():
    there = Existing((live(rule("r1", severity="high")), live(rule("r3", "Three"))), (live(rule(severity="high")),))
    found = differences([rule(), rule("r2", "Two")], there)
    assert {one.kind for one in found} == {DriftKind.DIFFERENT}
    assert sorted(one.key for one in found) == ["r1", "r2", "r3"]


# -- the second witness: the digest on the rule -----------------------------------------------------------------------


def stamped(one):
    return StateObject(one.kind, one.key, one.name, with_witness(one.payload))


def test_without_a_base_the_digest_says_that_nobody_touched_the_rule():
    pushed = stamped(rule(severity="low"))
    (found,) = differences([rule(severity="high")], standing(pushed))
    assert (found.kind, [d.base for d in found.fields]) == (DriftKind.NOT_PUSHED, ["low"])


def test_a_digest_that_is_wrong_or_gone_accuses_nobody():
    pushed = stamped(rule(severity="low"))
    patched = StateObject(RULE, "r1", "Rule one", {**pushed.payload, "severity": "critical"})
    for edited in (patched, rule(severity="critical")):
        (found,) = differences([rule(severity="high")], standing(edited))
        assert found.kind is DriftKind.DIFFERENT


def test_the_digest_knows_better_than_the_base_of_an_older_push():
    newer = stamped(rule(severity="critical"))
    (found,) = differences([rule(severity="high")], standing(newer), rule(severity="low"))
    assert found.kind is DriftKind.NOT_PUSHED


def test_the_digest_says_nothing_of_what_it_does_not_hold():
    pushed = stamped(rule(enabled=True))
    off = StateObject(RULE, "r1", "Rule one", {**pushed.payload, "enabled": False})
    (found,) = differences([rule()], standing(off), rule(), policy={"owners": {"enabled": "git"}})
    assert found.kind is DriftKind.DISABLED


# -- laws ----------------------------------------------------------------------------------------------------------

FIELDS = {
    "severity": st.sampled_from(["low", "high"]),
    "note": st.sampled_from(["", "a", "b"]),
    "risk_score": st.integers(0, 3),
    "enabled": st.booleans(),
    "tags": st.lists(st.sampled_from([OURS, "a", "b"]), unique=True),
    "actions": st.sampled_from([[], [{"id": "x"}]]),
}
rules = st.fixed_dictionaries({}, optional=FIELDS).map(lambda fields: rule(**fields))


@given(rules, rules, rules)
def test_every_field_has_one_owner_of_its_difference_and_live_fields_none(base, desired, edited):
    found = differences([desired], Existing(same_key=(live(edited),)), base)
    paths = [drift.path for one in found for drift in one.fields]
    assert len(paths) == len(set(paths))
    assert not [path for path in paths if RULE_FIELDS[path].owner is Owner.LIVE]


@given(rules, rules)
def test_what_a_push_just_left_is_no_drift_that_counts(desired, edited):
    before = Existing(same_key=(live(edited),))
    policy = Policy(base={(RULE, "r1"): edited})
    (change,) = make_plan("t", [(state(desired), before, policy)]).changes or (None,)
    pushed, base = (change.desired, change.base) if change else (edited, edited)
    found = differences([desired], Existing(same_key=(live(pushed),)), base)
    assert not [one for one in found if one.counts]
