"""What is said about what a rule caught."""

import pytest

from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.verify.judge import events_of, judge, matches, same_rows, without_event

ALICE, BOB = {"user.name": "alice"}, {"user.name": "bob"}


def make(events=("alice", "bob"), catches=(ALICE,), ignores=(BOB,)):
    return DetectionTest(
        name="t",
        source="rules/x/tests/t.yaml",
        index="logs-x-default",
        events=tuple(
            Event(f"{user} fails", {"user.name": user}, age=60, count=index + 1) for index, user in enumerate(events)
        ),
        catches=tuple(Expectation(entity["user.name"], entity, "why") for entity in catches),
        ignores=tuple(Expectation(entity["user.name"], entity) for entity in ignores),
    )


def seen(outcomes):
    return [(one.name, one.expected, one.caught) for one in outcomes]


def test_caught_means_found_by_the_query_and_alerted():
    assert seen(judge(make(), [ALICE], [ALICE], ())) == [("alice", True, True), ("bob", False, False)]


@pytest.mark.parametrize(
    ("rows", "alerts", "said"),
    [
        ([], [], "why"),
        ([ALICE], [], "no alert was made"),
        ([ALICE], [{"host.name": "a"}], "no alert has the column user.name"),
        ([], [ALICE], "query alone does not find it"),
    ],
)
def test_a_missed_entity_says_where_it_got_lost(rows, alerts, said):
    outcome = judge(make(), rows, alerts, ())[0]
    assert not outcome.caught
    assert said in outcome.reason


@pytest.mark.parametrize(("rows", "alerts"), [([ALICE, BOB], [ALICE]), ([ALICE], [ALICE, BOB])])
def test_a_near_miss_is_a_false_alarm_wherever_it_shows(rows, alerts):
    assert seen(judge(make(), rows, alerts, ()))[1] == ("bob", False, True)


def test_an_entity_that_nobody_expected_is_a_false_alarm_named_by_the_key_columns():
    row = {"user.name": "eve", "host.name": None, "count": 3}
    outcomes = judge(make(), [ALICE, row], [ALICE, row], ("user.name", "host.name"))
    assert seen(outcomes)[2:] == [("eve / null", False, True)]
    assert outcomes[2].events == ()


def test_events_are_told_with_their_number():
    assert events_of(make(), BOB) == ("bob fails x2",)


def test_an_entity_that_no_event_has_is_most_likely_misspelt():
    found = without_event(make(catches=({"user.name": "alicia"},)))
    assert [item.name for item in found] == ["alicia"]
    assert without_event(make()) == ()


def test_an_entity_may_be_one_that_lacks_a_field():
    events = (Event("anonymous", {"event.code": 1}, age=0), Event("named", {"user.name": "alice"}, age=0))
    test = DetectionTest("t", "t.yaml", "logs-x-default", events, (), (Expectation("null", {"user.name": None}),))
    assert without_event(test) == ()
    assert events_of(test, {"user.name": None}) == ("anonymous",)


def test_an_entity_of_computed_columns_is_not_held_against_the_events():
    test = make(catches=())
    computed = Expectation("x", {"bucket": "late"})
    assert without_event(DetectionTest(test.name, test.source, test.index, test.events, (computed,), ())) == ()


@pytest.mark.parametrize(
    ("expected", "actual", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        (True, True, True),
        (None, None, True),
        ("a", ["b", "a"], True),
        ("a", None, False),
        ("1", 1, False),
    ],
)
def test_values_are_compared_as_elasticsearch_gives_them(expected, actual, same):
    assert matches({"x": expected}, {"x": actual}) is same


def test_rows_are_the_same_in_any_order():
    assert same_rows([ALICE, BOB], [BOB, ALICE])
    assert not same_rows([ALICE], [ALICE, ALICE])
