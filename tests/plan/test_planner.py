"""The planner: what is created, updated, kept, left alone, and what blocks."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.issue import Level
from entra_deployer.objects.rule_fields import RULE_FIELDS, is_as_pushed, with_witness
from entra_deployer.objects.saved_search import with_digest
from entra_deployer.objects.state import RULE, SAVED_SEARCH, TAG, StateObject
from entra_deployer.plan.plan import Action
from entra_deployer.plan.planner import Existing, Policy, make_plan
from tests.builders import live, rule, search, state

OURS = "Managed: entra-deployer"


def plan(desired, existing=None, **policy):
    return make_plan("test", [(desired, existing or Existing(), Policy(**policy))])


def ours(*objects):
    some = tuple(one if hasattr(one, "object") else live(one) for one in objects)
    return Existing(marked=some, same_key=some)


def test_what_is_not_there_is_created():
    made = plan(state(rule(), search()))
    assert [(c.action, c.kind) for c in made.changes] == [
        (Action.CREATE, SAVED_SEARCH),
        (Action.CREATE, RULE),
    ]
    assert made.unchanged == 0


def test_what_stands_as_desired_is_no_change():
    made = plan(state(rule(), search()), ours(rule(), search()))
    assert made.changes == ()
    assert made.unchanged == 2


def test_a_field_that_differs_is_an_update_with_both_values():
    made = plan(state(rule(severity="high")), ours(rule(severity="low")))
    (change,) = made.changes
    assert change.action is Action.UPDATE
    assert [(d.path, d.existing, d.desired) for d in change.diffs] == [("severity", "low", "high")]


def test_a_diff_tells_whether_somebody_edited_the_field_in_kibana():
    base = {(RULE, "r1"): rule(severity="low", note="ours")}
    standing = rule(severity="low", note="theirs")
    (change,) = plan(state(rule(severity="high", note="ours")), ours(standing), base=base).changes
    assert {d.path: d.edited for d in change.diffs} == {"severity": False, "note": True}


def test_an_edit_in_kibana_blocks_until_it_is_overwritten():
    base = base_of(rule(severity="low", note="ours"))
    standing = live(rule(severity="low", note="theirs"), updated_by="ute", updated_at="2026-02-01T10:00:00Z")
    made = plan(state(rule(severity="high", note="ours")), ours(standing), base=base)
    (blocker,) = made.blockers
    assert blocker.code == "DEP313"
    assert "by ute at 2026-02-01T10:00:00" in blocker.message
    assert "note is theirs, would be ours" in blocker.message
    assert "severity" not in blocker.message
    assert "`deploy pull test` takes" in blocker.hint
    taken = plan(state(rule(severity="high", note="ours")), ours(standing), base=base, overwrite=True)
    assert taken.blockers == ()
    assert [issue.level for issue in taken.issues] == [Level.WARNING]
    assert [diff.path for diff in taken.changes[0].overwritten] == ["note"]


@pytest.mark.parametrize(
    ("desired", "standing", "edited"),
    [
        (rule(note="new"), rule(note="old"), False),
        (rule(note="old"), rule(note="theirs"), True),
        (rule(note="new"), rule(note="theirs"), True),
        (rule(note="theirs"), rule(note="theirs"), False),
        (rule(note="old"), rule(note="old", enabled=False), False),
        (rule(note="old"), rule(note="old", tags=[OURS, "analyst"]), False),
        (
            rule(note="old", tags=[OURS, "new"]),
            rule(note="old", tags=[OURS, "analyst"]),
            False,
        ),
        (rule(note="old"), rule(note="old", tags=["analyst"]), False),
    ],
)
def test_only_what_differs_from_the_last_push_and_from_what_is_desired_is_a_conflict(desired, standing, edited):
    made = plan(desired and state(desired), ours(standing), base=base_of(rule(note="old")))
    assert bool(made.blockers) is edited


def test_a_tag_of_ours_that_an_analyst_took_away_is_a_conflict():
    tagged = rule(tags=["Managed: entra-deployer", "T1078"])
    assert plan(state(tagged), ours(rule()), base=base_of(tagged)).blockers != ()


def test_without_a_ledger_the_witness_tells_whether_a_rule_was_edited():
    pushed = rule(note="old")
    pushed = replace(pushed, payload=with_witness(pushed.payload))
    edited = replace(pushed, payload={**pushed.payload, "note": "theirs"})
    assert plan(state(rule(note="new")), ours(pushed)).blockers == ()
    assert plan(state(rule(note="new")), ours(edited)).blockers != ()
    by_the_ui = replace(edited, payload={k: v for k, v in edited.payload.items() if k != "meta"})
    assert plan(state(rule(note="new")), ours(by_the_ui)).blockers != ()
    copied = replace(edited, key="copy", payload={**edited.payload, "rule_id": "copy"})
    assert plan(state(rule("copy", note="new")), ours(copied)).blockers == ()
    foreign = Existing(same_key=(live(edited),))
    assert plan(state(rule(note="new")), foreign, adopt=True).blockers == ()


@pytest.mark.parametrize("field", ["from", "to", "interval", "max_signals", "references", "setup", "note"])
def test_a_default_that_the_server_filled_in_is_no_difference(field):
    filled = rule(**{field: RULE_FIELDS[field].default})
    assert plan(state(rule()), ours(filled)).changes == ()


def test_a_field_set_in_kibana_that_git_owns_is_taken_back():
    made = plan(state(rule()), ours(rule(note="edited in the UI")))
    assert [(d.path, d.existing, d.desired) for d in made.changes[0].diffs] == [("note", "edited in the UI", None)]
    assert "note" not in made.changes[0].desired.payload


def test_a_rule_switched_off_in_kibana_stays_off_and_is_no_change():
    assert plan(state(rule(enabled=True)), ours(rule(enabled=False))).changes == ()


def test_kept_fields_are_sent_and_told_when_something_else_changes():
    exceptions = [{"id": "x", "list_id": "l", "type": "detection", "namespace_type": "single"}]
    standing = rule(enabled=False, exceptions_list=exceptions, severity="low")
    (change,) = plan(state(rule(enabled=True, severity="high")), ours(standing)).changes
    assert change.desired.payload["enabled"] is False
    assert change.desired.payload["exceptions_list"] == exceptions
    assert {kept.path for kept in change.kept} == {"enabled", "exceptions_list"}


def test_git_may_own_what_the_live_stack_owns_by_default():
    made = plan(state(rule(enabled=True)), ours(rule(enabled=False)), owners={"enabled": "git"})
    assert [d.path for d in made.changes[0].diffs] == ["enabled"]
    made = plan(state(rule(enabled=True)), ours(rule(enabled=False)), rule_owners={"r1": {"enabled": "git"}})
    assert [d.path for d in made.changes[0].diffs] == ["enabled"]


def test_an_action_that_the_server_gave_an_id_is_no_difference():
    action = {"id": "c", "group": "default", "params": {}}
    desired = rule(actions=[action])
    standing = rule(actions=[{**action, "uuid": "made-by-the-server"}])
    assert plan(state(desired), ours(standing), owners={"actions": "git"}).changes == ()


def test_an_analysts_tag_stays_and_ours_that_left_the_repository_goes():
    base = {(RULE, "r1"): rule(tags=["Managed: entra-deployer", "Old"])}
    standing = rule(tags=["Managed: entra-deployer", "Old", "analyst"])
    (change,) = plan(state(rule()), ours(standing), base=base).changes
    assert change.desired.payload["tags"] == ["Managed: entra-deployer", "analyst"]
    assert [(k.path, k.existing) for k in change.kept] == [("tags", ["analyst"])]


def test_an_analysts_tag_stays_through_a_second_push():
    standing = rule(severity="low", tags=["Managed: entra-deployer", "analyst"])
    (first,) = plan(state(rule(severity="high")), ours(standing)).changes
    base = {(RULE, "r1"): first.base}
    (second,) = plan(state(rule(severity="critical")), ours(first.desired), base=base).changes
    assert second.desired.payload["tags"] == ["Managed: entra-deployer", "analyst"]
    assert [diff.path for diff in second.diffs] == ["severity"]


def test_the_order_of_tags_is_nobodys_business():
    standing = rule(tags=["b", "Managed: entra-deployer"])
    assert plan(state(rule(tags=["Managed: entra-deployer", "b"])), ours(standing)).changes == ()


def test_a_field_we_know_nothing_of_is_carried_along():
    standing = rule(brand_new_field={"a": 1}, severity="low", version=7)
    (change,) = plan(state(rule(severity="high")), ours(standing)).changes
    assert change.desired.payload["brand_new_field"] == {"a": 1}
    assert change.desired.payload["version"] == 7
    assert [d.path for d in change.diffs] == ["severity"]


def test_a_foreign_object_with_our_key_blocks_unless_adopted():
    foreign = Existing(same_key=(live(rule(severity="high", tags=[])),))
    blocked = plan(state(rule()), foreign)
    assert [issue.code for issue in blocked.blockers] == ["DEP300"]
    assert blocked.changes == ()
    adopted = plan(state(rule()), foreign, adopt=True)
    assert adopted.blockers == ()
    assert {d.path for d in adopted.changes[0].diffs} == {"severity", "tags"}


def test_the_ledger_knows_ours_where_the_tag_is_gone():
    standing = Existing(same_key=(live(rule(tags=[])),))
    made = plan(state(rule()), standing, base={(RULE, "r1"): rule()})
    assert made.blockers == ()
    assert [d.path for d in made.changes[0].diffs] == ["tags"]


def test_a_prebuilt_rule_blocks_even_when_adopting():
    prebuilt = Existing(same_key=(live(rule(), immutable=True),))
    assert plan(state(rule()), prebuilt, adopt=True).blockers != ()


def test_a_foreign_rule_of_our_name_blocks_and_is_a_warning_when_adopting():
    other = Existing(same_name=(live(rule(key="theirs", tags=[])),))
    assert [issue.code for issue in plan(state(rule()), other).blockers] == ["DEP301"]
    adopted = plan(state(rule()), other, adopt=True)
    assert adopted.blockers == ()
    assert [issue.level for issue in adopted.issues] == [Level.WARNING]


def test_equal_rules_of_one_rule_id_are_settled_the_older_stays():
    older = live(rule(), object_id="b", created_at="2026-01-01")
    newer = live(rule(actions=[]), object_id="a", created_at="2026-01-02")
    twice = Existing(marked=(newer, older), same_key=(newer, older))
    made = plan(state(rule()), twice)
    assert [(c.action, c.existing.object_id, c.doubled) for c in made.changes] == [(Action.DELETE, "a", True)]
    assert made.blockers == ()


def test_rules_of_one_rule_id_that_differ_block_and_are_named():
    copies = (live(rule(), object_id="a"), live(rule(severity="high"), object_id="b", updated_by="ute"))
    made = plan(state(rule()), Existing(marked=copies, same_key=copies))
    assert made.changes == ()
    assert [issue.code for issue in made.blockers] == ["DEP302"]
    assert "a of" in made.blockers[0].message
    assert "by ute" in made.blockers[0].message


def many(count):
    return [rule(key=f"r{number}", name=f"Rule {number}") for number in range(count)]


def pruned(desired, standing, **policy):
    """A prune of what the last push left exactly as it stands."""
    return plan(state(*desired), ours(*standing), prune=True, base=base_of(*standing), **policy)


def test_what_left_the_repository_stays_unless_pruned():
    rules = many(5)
    left = plan(state(*rules[:4]), ours(*rules), base=base_of(*rules))
    assert left.changes == ()
    assert [issue.code for issue in left.issues] == ["DEP310"]
    assert [(c.action, c.key) for c in pruned(rules[:4], rules).changes] == [(Action.DELETE, "r4")]


def test_a_copy_that_an_analyst_made_of_our_rule_is_never_pruned():
    name = "Rule one [Duplicate]"
    pushed = rule()
    pushed = replace(pushed, payload=with_witness(pushed.payload))
    copy = replace(
        rule("copy", name),
        payload={**pushed.payload, "rule_id": "copy", "name": "Rule one [Duplicate]"},
    )
    for base in (base_of(), base_of(pushed)):
        made = plan(state(pushed), ours(pushed, copy), prune=True, base=base)
        assert made.changes == ()
        assert [issue.code for issue in made.issues] == ["DEP315"]


def test_without_a_ledger_the_witness_of_its_own_rule_id_shows_that_a_rule_was_pushed():
    gone = rule("gone", "Gone")
    gone = replace(gone, payload=with_witness(gone.payload))
    made = plan(state(rule()), ours(rule(), gone), prune=True)
    assert [(c.action, c.key) for c in made.changes] == [(Action.DELETE, "gone")]


def test_a_rule_that_somebody_edited_is_not_pruned_unless_told_to():
    rules = many(4)
    edited = replace(rules[3], payload={**rules[3].payload, "note": "an analyst's"})
    standing = live(edited, updated_by="ute", updated_at="2026-02-01T10:00:00Z")
    for overwrite, codes in ((False, ["DEP313"]), (True, [])):
        existing = ours(*rules[:3], standing)
        made = plan(state(*rules[:3]), existing, prune=True, base=base_of(*rules), overwrite=overwrite)
        assert [issue.code for issue in made.blockers] == codes
        assert [c.key for c in made.changes] == (["r3"] if overwrite else [])
    tuned = replace(rules[3], payload={**rules[3].payload, "enabled": False, "tags": ["x"]})
    assert plan(state(*rules[:3]), ours(*rules[:3], tuned), prune=True, base=base_of(*rules)).blockers == ()


MADE = "2026-01-02T10:00:00.000Z"
LATER = "2026-02-01T10:00:00.000Z"
OUR_ID = str(uuid5(NAMESPACE_URL, "a hunt"))


OUR_REFERENCE = {"id": "ours", "name": "tag-ref-ours", "type": "tag"}


def pushed_search(key=OUR_ID, **attributes):
    return with_digest(search(key, references=[OUR_REFERENCE], **attributes))


def edited_search(one, *, witness=True, **attributes):
    """As somebody leaves it: through the API with its witness, or in Discover, which drops it."""
    references = one.payload["references"] if witness else [OUR_REFERENCE]
    return replace(one, payload={"attributes": {**one.payload["attributes"], **attributes}, "references": references})


def standing_alone(kind, *, edited):
    """An object that a push made, of which no ledger knows, as it was made or as somebody left it."""
    if kind == SAVED_SEARCH:
        one = edited_search(pushed_search(), sort=[["x", "asc"]]) if edited else pushed_search()
        return live(one, created_at=MADE, updated_at=MADE, updated_by="ute")
    one = replace(rule("gone", "Gone"), payload=with_witness(rule("gone", "Gone").payload))
    one = replace(one, payload={**one.payload, "note": "an analyst's"}) if edited else one
    return live(one, created_at=MADE, updated_at=LATER if edited else MADE, updated_by="ute")


@pytest.mark.parametrize("kind", [RULE, SAVED_SEARCH])
def test_without_a_ledger_nothing_is_deleted_but_what_shows_that_nobody_edited_it(kind):
    untouched = plan(state(rule()), ours(rule(), standing_alone(kind, edited=False)), prune=True)
    assert [(change.action, change.kind) for change in untouched.changes] == [(Action.DELETE, kind)]
    edited = standing_alone(kind, edited=True)
    made = plan(state(rule()), ours(rule(), edited), prune=True)
    assert made.changes == ()
    (told,) = made.issues
    assert told.code == "DEP313"
    assert "by ute at 2026-" in told.message
    assert told.hint


@pytest.mark.parametrize("witness", [True, False])
def test_without_a_ledger_a_search_that_somebody_edited_is_a_conflict(witness):
    """Its times tell nothing: an import over it sets both of them."""
    edited = live(
        edited_search(pushed_search(), witness=witness, columns=["theirs"]), created_at=LATER, updated_at=LATER
    )
    made = plan(state(pushed_search()), ours(edited))
    (blocker,) = made.blockers
    assert blocker.code == "DEP313"
    assert "at 2026-02-01T10:00:00" in blocker.message
    assert 'columns is ["theirs"], would be []' in blocker.message
    assert "`deploy pull test --theirs` takes" in blocker.hint
    assert "--overwrite" in blocker.hint
    told = plan(state(pushed_search()), ours(edited), overwrite=True)
    assert told.blockers == ()
    assert [diff.path for diff in told.changes[0].overwritten] == ["columns"]


def test_without_a_ledger_a_search_that_nobody_edited_is_written():
    """Whenever it was written last: a push may have done that."""
    standing = live(pushed_search(columns=["old"]), created_at=MADE, updated_at=LATER)
    made = plan(state(pushed_search(columns=["new"])), ours(standing))
    assert made.issues == ()
    assert [(change.action, change.overwritten) for change in made.changes] == [(Action.UPDATE, ())]


def test_a_search_with_its_witness_was_not_edited_whatever_an_older_base_says():
    base = base_of(pushed_search(columns=["oldest"]))
    assert plan(state(pushed_search(columns=["new"])), ours(pushed_search(columns=["old"])), base=base).blockers == ()


def test_a_search_that_somebody_edited_is_not_pruned_whatever_its_times_say():
    pushed = search(OUR_ID)
    edited = live(search(OUR_ID, columns=["theirs"]), created_at=LATER, updated_at=LATER)
    for known in ({"base": base_of(pushed)}, {"begun": base_of(pushed)}):
        made = plan(state(rule()), ours(rule(), edited), prune=True, **known)
        assert (made.changes, [issue.code for issue in made.blockers]) == ((), ["DEP313"])


def test_what_a_cut_off_push_wrote_is_no_edit():
    older, newer = search(OUR_ID, columns=["old"]), search(OUR_ID, columns=["new"])
    for standing in (older, newer):
        existing = ours(rule(), live(standing, created_at=MADE, updated_at=LATER))
        made = plan(state(rule()), existing, prune=True, base=base_of(older), begun=base_of(newer))
        assert [(change.action, change.key) for change in made.changes] == [(Action.DELETE, OUR_ID)]


@pytest.mark.parametrize("kind", [RULE, SAVED_SEARCH])
def test_an_edited_object_that_gets_another_id_is_not_deleted_unless_told_to(kind):
    make, change = (rule, {"note": "theirs"}) if kind == RULE else (search, {"columns": ["theirs"]})
    name = "Moved"
    existing, base = ours(make("old", name, **change)), base_of(make("old", name))
    made = plan(state(make("new", name)), existing, base=base)
    assert [issue.code for issue in made.blockers] == ["DEP313"]
    assert Action.DELETE not in {change.action for change in made.changes}
    told = plan(state(make("new", name)), existing, base=base, overwrite=True)
    assert told.blockers == ()
    assert Action.DELETE in {change.action for change in told.changes}


def test_while_a_hunt_cannot_be_read_nothing_is_deleted_and_it_says_why():
    rules = many(5)
    made = pruned(rules[:4], rules, unread=("broken_hunt",))
    assert made.changes == ()
    assert [issue.code for issue in made.issues] == ["DEP314"]
    assert "broken_hunt" in made.issues[0].message


def test_what_is_withheld_is_neither_desired_nor_left_over():
    rules = many(5)
    made = pruned(
        rules[:4], [*rules[:3], rule("r3", "Rule 3", severity="high"), rules[4]], withheld={"r3": "?", "r4": "?"}
    )
    assert made.changes == ()
    assert made.issues == ()


@pytest.mark.parametrize("prune", [False, True])
def test_what_is_not_looked_at_has_not_left_the_repository(prune):
    rules = many(5)
    desired = replace(rules[0], payload={**rules[0].payload, "severity": "high"})
    some = plan(state(desired), ours(*rules), prune=prune, whole=False, base=base_of(*rules))
    assert some.issues == ()
    assert [(c.action, c.key) for c in some.changes] == [(Action.UPDATE, "r0")]


def test_a_prune_beyond_its_limits_blocks():
    rules = many(20)
    assert pruned(rules[:8], rules).blockers != ()
    assert pruned(rules[:13], rules).blockers != ()
    assert pruned(rules[:15], rules).blockers == ()


def test_a_prune_towards_nothing_blocks():
    made = pruned([], [rule()])
    assert made.blockers != ()
    assert made.changes == ()


def test_a_saved_search_keeps_what_it_says_nothing_of():
    standing = search(breakdownField="user.name", columns=["old"])
    (change,) = plan(state(search(columns=["new"])), ours(standing)).changes
    assert change.desired.payload["attributes"]["breakdownField"] == "user.name"
    assert [d.path for d in change.diffs] == ["columns"]


FIELD_VALUES = {
    "severity": st.sampled_from(["low", "medium", "high"]),
    "enabled": st.booleans(),
    "tags": st.lists(st.sampled_from(["a", "b", "c"]), unique=True),
    "note": st.none() | st.text(max_size=5),
    "max_signals": st.none() | st.integers(1, 200),
    "exceptions_list": st.none() | st.just([{"list_id": "x"}]),
    "unheard_of": st.none() | st.integers(),
}
RULES = st.fixed_dictionaries(FIELD_VALUES).map(lambda fields: rule(**fields))


@given(desired=RULES, standing=RULES)
def test_the_plan_after_its_own_result_is_empty(desired, standing):
    first = plan(state(desired), ours(standing))
    after = first.changes[0].desired if first.changes else standing
    assert plan(state(desired), ours(after)).changes == ()


@given(desired=RULES, standing=RULES)
def test_a_plan_writes_on_nothing_it_is_given(desired, standing):
    before = (dict(desired.payload), dict(standing.payload))
    plan(state(desired), ours(standing))
    assert (dict(desired.payload), dict(standing.payload)) == before


def test_the_same_input_gives_the_same_plan_whatever_its_order():
    rules = many(4)
    one = plan(state(*rules), ours(*[replace(r, payload={**r.payload, "severity": "high"}) for r in rules]))
    other = plan(
        state(*reversed(rules)), ours(*reversed([replace(r, payload={**r.payload, "severity": "high"}) for r in rules]))
    )
    assert one == other


def test_a_changed_rule_id_is_a_delete_and_a_create_shown_as_such():
    old = rule("old")
    made = plan(state(rule("new")), Existing(marked=(live(old),)), base={(RULE, "old"): old})
    assert [(change.action, change.key) for change in made.changes] == [
        (Action.CREATE, "new"),
        (Action.DELETE, "old"),
    ]
    assert [(issue.code, issue.level) for issue in made.issues] == [("DEP312", Level.WARNING)]


def test_a_copy_in_kibana_of_the_same_name_is_not_deleted_for_a_new_rule():
    made = plan(state(rule("new")), Existing(marked=(live(rule("copy")),)))
    assert [change.action for change in made.changes] == [Action.CREATE]


def base_of(*objects):
    return {(one.kind, one.key): one for one in objects}


def settle(desired, existing, policy):
    made = make_plan("test", [(desired, existing, policy)])
    assert {space for space, _ in made.settled} <= {desired.space}
    return [one for _, one in made.settled]


def test_what_both_sides_brought_to_the_same_goes_into_the_base():
    pulled = rule(severity="high", tags=["Managed: entra-deployer", "mine"])
    policy = Policy(base=base_of(rule(severity="low"), search()))
    found = settle(state(rule(severity="high"), search()), ours(pulled, search()), policy)
    assert [one.payload["severity"] for one in found] == ["high"]
    assert found[0].payload["tags"] == ["Managed: entra-deployer"], "an analyst's tag is not ours"


def test_what_the_base_knows_and_what_a_push_will_change_do_not():
    known = Policy(base=base_of(rule()))
    assert settle(state(rule()), ours(rule(note="")), known) == []
    assert settle(state(rule(severity="high")), ours(rule(severity="low")), known) == []
    assert settle(state(rule("new")), Existing(), known) == []


def test_what_was_taken_over_unchanged_is_unknown_to_the_base_and_goes_there():
    assert [one.key for one in settle(state(rule()), ours(rule()), Policy())] == ["r1"]


def test_a_digest_is_of_the_rule_as_it_is_sent_and_no_difference_by_itself():
    desired = rule(severity="low", note="new")
    desired = replace(desired, payload=with_witness(desired.payload))
    (change,) = plan(state(desired), ours(rule(severity="high")), owners={"severity": "live"}).changes
    assert change.desired.payload["severity"] == "high"
    assert is_as_pushed(change.desired.payload)
    standing = rule(severity="low", note="new")
    assert plan(state(desired), ours(standing)).changes == ()


def test_tags_as_saved_objects_are_shared_and_never_pruned():
    tag = StateObject(TAG, "t1", "Managed", {"attributes": {"name": "Managed"}, "references": []})
    made = plan(state(rule()), Existing(marked=(live(rule()), live(tag)), same_key=(live(rule()),)), prune=True)
    assert made.changes == ()
