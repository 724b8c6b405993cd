"""What a recovery does of a push that was cut off: field by field, and never over an edit that came later."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.objects import KINDS
from entra_deployer.objects.state import RULE
from entra_deployer.plan.plan import Action, Change
from entra_deployer.plan.remaining import Direction, remaining
from tests.builders import live, rule, search
from tests.reading import there

FINISH, UNDO = Direction


def update(before, after):
    diffs = KINDS[RULE].difference(before, after)
    return Change(Action.UPDATE, "default", RULE, "r1", "Rule one", after, live(before), diffs)


CREATE = Change(Action.CREATE, "default", RULE, "r1", "Rule one", rule(), None)
DELETE = Change(Action.DELETE, "default", RULE, "r1", "Rule one", None, live(rule()))
UPDATE = update(rule(severity="low", note="old"), rule(severity="high", note="new"))


def written(found):
    return {diff.path: diff.desired for diff in found.change.diffs} if found.change else {}


def test_what_was_not_written_yet_is_finished():
    assert written(remaining(UPDATE, live(rule(severity="high", note="old")), FINISH)) == {"note": "new"}


def test_what_was_written_is_undone():
    assert written(remaining(UPDATE, live(rule(severity="high", note="old")), UNDO)) == {"severity": "low"}


@pytest.mark.parametrize("direction", Direction)
def test_a_field_that_holds_neither_is_an_analysts_and_stays(direction):
    standing = live(rule(severity="critical", note="new" if direction is UNDO else "old"), updated_by="ute")
    found = remaining(UPDATE, standing, direction)
    assert written(found) == {"note": "old" if direction is UNDO else "new"}
    assert "ute changed severity" in found.left_alone


@pytest.mark.parametrize("direction", Direction)
def test_what_the_push_did_not_write_is_never_touched(direction):
    standing = live(rule(severity="high", note="old", enabled=False, exceptions_list=[{"id": "x"}], tags=["mine"]))
    found = remaining(UPDATE, standing, direction)
    assert set(written(found)) <= {"severity", "note"}


@pytest.mark.parametrize("direction", Direction)
def test_a_rule_that_is_gone_stays_gone_and_is_told(direction):
    found = remaining(UPDATE, None, direction)
    assert found.change is None
    assert "deleted" in found.left_alone


def test_a_creation_is_finished_where_nothing_stands_and_left_where_something_does():
    assert there(remaining(CREATE, None, FINISH).change).action is Action.CREATE
    assert remaining(CREATE, live(rule(severity="high")), FINISH).change is None


def test_a_creation_is_undone_only_while_it_is_as_it_was_made():
    assert there(remaining(CREATE, live(rule()), UNDO).change).action is Action.DELETE
    assert remaining(CREATE, None, UNDO).change is None
    for edit in ({"note": "mine"}, {"enabled": False}, {"exceptions_list": [{"id": "x"}]}, {"tags": ["mine"]}):
        found = remaining(CREATE, live(rule(**edit)), UNDO)
        assert found.change is None
        assert "it stays" in found.left_alone


def test_an_undo_deletes_nothing_that_stood_before():
    assert remaining(DELETE, live(rule()), UNDO).change is None
    assert "rollback" in remaining(DELETE, None, UNDO).left_alone


def test_a_deletion_is_finished_unless_somebody_edited_it_since():
    assert there(remaining(DELETE, live(rule()), FINISH).change).action is Action.DELETE
    assert remaining(DELETE, None, FINISH).change is None
    assert remaining(DELETE, live(rule(note="mine")), FINISH).change is None


def test_what_kibana_adds_to_a_saved_search_is_no_edit():
    made = Change(Action.CREATE, "default", "saved_search", "s1", "Search one", search(), None)
    assert there(remaining(made, live(search(grid={"columns": {}})), UNDO).change).action is Action.DELETE


VALUES = st.dictionaries(st.sampled_from(["note", "severity", "interval", "setup"]), st.sampled_from(["a", "b", "c"]))


@given(before=VALUES, after=VALUES, now=VALUES, direction=st.sampled_from(list(Direction)))
def test_a_recovery_writes_only_what_the_push_was_about_and_only_over_what_it_knows(before, after, now, direction):
    change = update(rule(**before), rule(**after))
    standing = live(rule(**now))
    found = remaining(change, standing, direction)
    about = {diff.path: diff for diff in change.diffs}
    same = KINDS[RULE].same
    for path, value in written(found).items():
        held = now.get(path, rule().payload.get(path))
        known, goal = about[path].existing, about[path].desired
        if direction is UNDO:
            known, goal = goal, known
        assert same(path, held, known)
        assert same(path, value, goal)
    again = {**now, **written(found)}
    rest = remaining(change, live(rule(**{k: v for k, v in again.items() if v is not None})), direction)
    assert rest.change is None or not written(rest)
