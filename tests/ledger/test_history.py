"""What each push left, told from the ledger alone."""

from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.ledger.history import NumberedPush, state_after
from entra_deployer.objects.state import RULE
from entra_deployer.plan.journal import PushEntry, PushState
from entra_deployer.plan.plan import ChangeResult, Outcome
from entra_deployer.plan.planner import Existing, Policy, make_plan
from tests.builders import live, rule, state


def push(number, desired, standing, *, status=PushState.FINISHED, outcome=Outcome.APPLIED):
    """The push that brings `standing` to `desired`, both by key."""
    marked = tuple(live(one) for one in standing.values())
    policy = Policy(prune=True, prune_count=99, prune_percent=100.0, base={one.at: one for one in standing.values()})
    plan = make_plan("t", [(state(*desired.values()), Existing(marked, marked), policy)])
    results = tuple(ChangeResult(change, outcome) for change in plan.changes)
    return NumberedPush(number, PushEntry(str(number), "t", "", "", "", status, results))


def by_key(*rules):
    return {one.key: one for one in rules}


def after(pushes, number):
    return {key: one for (_, _, key), one in state_after(pushes, number).items()}


ONE, TWO = by_key(rule(severity="low")), by_key(rule(severity="high"), rule("r2", "Two"))
HISTORY = [push(1, ONE, {}), push(2, TWO, ONE)]


def test_what_a_later_push_changed_is_as_it_was_and_what_it_made_is_not_there():
    assert after(HISTORY, 1) == {"r1": ONE["r1"], "r2": None}


def test_what_no_later_push_touched_is_not_told():
    assert after(HISTORY, 2) == {}
    assert after([push(1, TWO, {}), push(2, {**TWO, "r1": ONE["r1"]}, TWO)], 1) == {"r1": TWO["r1"]}


def test_what_was_taken_over_is_as_it_was_found():
    found = by_key(rule(severity="critical"))
    assert after([push(1, ONE, found)], 0) == found


def test_a_push_that_was_undone_or_failed_left_nothing():
    undone = push(2, TWO, ONE, status=PushState.UNDONE)
    failed = push(2, TWO, ONE, outcome=Outcome.FAILED)
    for last in (undone, failed):
        assert after([HISTORY[0], last], 1) == {}


def test_what_a_push_deleted_comes_back():
    gone = [push(1, TWO, {}), push(2, {"r2": TWO["r2"]}, TWO)]
    assert after(gone, 1) == {"r1": TWO["r1"]}


states = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from(["low", "high"]), min_size=1).map(
    lambda some: {key: rule(key, key, severity=value) for key, value in some.items()}
)


@given(st.lists(states, min_size=1, max_size=5), st.data())
def test_going_back_to_any_push_gives_what_it_left(sequence, data):
    pushes: list[NumberedPush] = []
    standing: dict = {}
    for number, desired in enumerate(sequence, 1):
        pushes.append(push(number, desired, standing))
        standing = desired
    number = data.draw(st.integers(0, len(sequence)))
    wanted: dict = {(RULE, key): one for key, one in standing.items()}
    wanted |= {(kind, key): one for (_, kind, key), one in state_after(pushes, number).items()}
    left = sequence[number - 1] if number else {}
    assert {key: one for (_, key), one in wanted.items() if one} == left
