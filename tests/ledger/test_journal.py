"""Plans as JSON and back, and the journal as files."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.ledger.file_store import JournalFile
from entra_deployer.ledger.ledger import PushEntry, PushState
from entra_deployer.objects.state import Kind
from entra_deployer.plan.plan import Action, Change, ChangeResult, FieldDiff, FieldKept, Outcome, Plan
from entra_deployer.plan.serial import plan_from_json, plan_to_json, result_from_json, result_to_json
from tests.builders import live, rule, search

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
RULES = st.builds(lambda key, extra: rule(key or "k", "N", extra=extra), st.text(max_size=5), JSON)
DIFFS = st.builds(FieldDiff, st.text(max_size=5), JSON, JSON, st.booleans())
KEPT = st.builds(FieldKept, st.text(max_size=5), JSON, st.text(max_size=5))
CHANGES = st.builds(
    Change,
    st.sampled_from(Action),
    st.text(max_size=5),
    st.just(Kind.RULE),
    st.text(max_size=5),
    st.text(max_size=5),
    st.none() | RULES,
    st.none() | RULES.map(live),
    st.lists(DIFFS, max_size=2).map(tuple),
    st.lists(KEPT, max_size=2).map(tuple),
)
ISSUES = st.builds(
    Issue,
    st.just("DEP300"),
    st.sampled_from(Level),
    st.text(max_size=5),
    st.text(max_size=5),
    st.none() | st.builds(Location, st.text(min_size=1, max_size=5), st.integers(1, 9), st.integers(1, 9)),
    st.none() | st.text(min_size=1, max_size=5),
)


@given(changes=st.lists(CHANGES, max_size=3), issues=st.lists(ISSUES, max_size=3), unchanged=st.integers(0, 5))
def test_a_plan_survives_json(changes, issues, unchanged):
    blockers = tuple(issue for issue in issues if issue.level is Level.ERROR)
    plan = Plan("test", tuple(changes), unchanged, tuple(issues), blockers)
    assert plan_from_json(json.loads(json.dumps(plan_to_json(plan)))) == plan


@given(change=CHANGES, outcome=st.sampled_from(Outcome), error=st.text(max_size=5))
def test_a_result_survives_json(change, outcome, error):
    result = ChangeResult(change, outcome, error)
    assert result_from_json(json.loads(json.dumps(result_to_json(result)))) == result


def test_a_plan_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format_version 99"):
        plan_from_json({**plan_to_json(Plan("t", ())), "format_version": 99})


def change(action=Action.CREATE, one=None, space="default"):
    one = one or rule()
    desired = None if action is Action.DELETE else one
    return Change(action, space, one.kind, one.key, one.name, desired, None)


def entry(push_id, *results, at="2026-01-01T00:00:00.000+00:00", state=PushState.STARTED):
    return PushEntry(push_id, "test", at, "ute", "abc", state, tuple(results))


@pytest.fixture
def journal(tmp_path):
    return JournalFile(tmp_path / "ledger", "test")


def test_before_the_first_push_there_is_nothing(journal):
    assert journal.base("default") == {}
    assert journal.entries() == []


def test_what_began_is_known_until_it_ends(journal):
    begun = entry("p1", ChangeResult(change(), Outcome.PLANNED))
    journal.begin(begun)
    (found,) = journal.entries(state=PushState.STARTED)
    assert found.results == ()
    assert journal.with_changes(found) == begun
    journal.mark(found, PushState.UNDONE)
    assert journal.entries(state=PushState.STARTED) == []
    assert journal.entries()[0].state is PushState.UNDONE


def test_the_base_is_what_was_applied_and_not_what_failed(journal):
    applied, failed = rule("a", "A"), rule("b", "B")
    results = [
        ChangeResult(change(one=applied), Outcome.APPLIED),
        ChangeResult(change(one=failed), Outcome.FAILED, "no"),
    ]
    journal.finish(entry("p1", *results, state=PushState.FINISHED))
    assert journal.base("default") == {(Kind.RULE, "a"): applied}
    assert journal.base("other") == {}
    journal.finish(entry("p2", ChangeResult(change(Action.DELETE, applied), Outcome.APPLIED)))
    assert journal.base("default") == {}


def test_the_newest_push_comes_first(journal):
    journal.begin(entry("old", at="2026-01-01T00:00:00.000+00:00"))
    journal.begin(entry("new", at="2026-01-02T00:00:00.000+00:00"))
    assert [one.push_id for one in journal.entries()] == ["new", "old"]


def test_searches_are_kept_too(journal):
    one = search()
    journal.finish(entry("p1", ChangeResult(change(one=one), Outcome.APPLIED)))
    assert journal.base("default") == {(Kind.SAVED_SEARCH, "s1"): one}


def test_a_broken_journal_is_told_with_its_place(journal, tmp_path):
    journal.begin(entry("p1"))
    (tmp_path / "ledger" / "push-p1.json").write_text("{")
    with pytest.raises(InputError, match=r"push-p1\.json"):
        journal.entries()
