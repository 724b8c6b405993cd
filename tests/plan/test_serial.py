"""Plans and changes as JSON and back."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects.state import RULE, FieldDiff, FieldKept
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome, Plan
from entra_deployer.plan.serial import (
    plan_digest,
    plan_from_json,
    plan_to_json,
    read_plan,
    result_from_json,
    result_to_json,
)
from tests.builders import live, rule

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
    st.just(RULE),
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
    plan = Plan("test", tuple(changes), unchanged).with_issues(issues)
    saved = plan_from_json(json.loads(json.dumps(plan_to_json(plan, {"prune": True}))))
    assert saved.plan == plan
    assert saved.options == {"prune": True}


@given(change=CHANGES, outcome=st.sampled_from(Outcome), error=st.text(max_size=5))
def test_a_result_survives_json(change, outcome, error):
    result = ChangeResult(change, outcome, error)
    assert result_from_json(json.loads(json.dumps(result_to_json(result)))) == result


def test_a_plan_of_another_format_is_refused():
    with pytest.raises(ValueError, match="format_version 99"):
        plan_from_json({**plan_to_json(Plan("t", ())), "format_version": 99})


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace('"r1"', '"theirs"'), "its digest is not right"),
        (lambda text: text[:-40], "is not valid JSON"),
        (lambda _: "[]", "this is not a plan"),
        (lambda _: "{}", "this is not a plan"),
        (lambda _: "", "is empty"),
        (lambda _: "[" * 70 + "]" * 70, "nested"),
        (lambda text: text.replace('"create"', "7"), "this is not a plan"),
    ],
)
def test_a_plan_that_was_edited_or_is_none_is_refused_with_its_place(tmp_path, edit, said):
    change = Change(Action.CREATE, "default", RULE, "r1", "Rule one", rule(), None)
    path = tmp_path / "plan.json"
    path.write_text(edit(json.dumps(plan_to_json(Plan("t", (change,))))))
    with pytest.raises(InputError, match=said) as refused:
        read_plan(path)
    assert str(path) in str(refused.value)


def test_a_digest_does_not_depend_on_the_order_of_keys():
    document = plan_to_json(Plan("t", ()))
    assert plan_digest(dict(reversed(document.items()))) == document["digest"]
