"""LOOKUP JOIN: what it brings is in the rows of a made test, not in its events."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.folder import Event
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.lookups import Join, clash, moved, read_joins
from entra_deployer.verify.generate.tests import Made
from entra_deployer.verify.generate_tests import joins_of, make_cases

PEOPLE = Join("people", ("user.name",), ("dept", "risk"))


def event(**document):
    return Event("e", {key.replace("_", "."): value for key, value in document.items()}, 60.0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LOOKUP JOIN people ON u | WHERE dept == 1 | KEEP risk, host.name", [("people", ("u",), ("dept", "risk"))]),
        (
            "EVAL x = 1 | LOOKUP JOIN p ON u | EVAL y = x + z | STATS n = COUNT(*) BY k | WHERE n > y",
            [("p", ("u",), ("z", "k"))],
        ),
        ("STATS n = COUNT(*) BY u | LOOKUP JOIN p ON u | WHERE label IS NULL AND n > 3", [("p", ("u",), ("label",))]),
        ("LOOKUP JOIN a ON u | LOOKUP JOIN b ON d | WHERE r == 1", [("a", ("u",), ("d",)), ("b", ("d",), ("r",))]),
        ("WHERE dept == 1 | LOOKUP JOIN p ON u | WHERE dept == 2", [("p", ("u",), ())]),
    ],
)
def test_what_is_first_read_behind_a_join_is_what_it_brings(text, expected):
    tree = parse(f"FROM x | {text}", StackVersion(8, 19)).tree
    assert tree is not None
    assert [(one.index, one.keys, one.brought) for one in read_joins(tree, {"host.name"})] == expected


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("RENAME user.name AS who | LOOKUP JOIN p ON who", "mallory"),
        ("EVAL who = TO_UPPER(user.name) | LOOKUP JOIN p ON who", "MALLORY"),
        ("STATS n = COUNT(*) BY who = user.name | LOOKUP JOIN p ON who", "mallory"),
    ],
)
def test_rows_are_found_by_what_the_query_makes_of_an_event(text, key):
    tree = parse(f"FROM x | {text} | WHERE dept == 1", StackVersion(8, 19)).tree
    assert tree is not None
    events = [Event("e", {"user.name": ["mallory"], "dept": 1}, 60.0), Event("e", {"dept": 2}, 60.0)]
    plain, rows = moved(events, read_joins(tree, ()))
    assert [one.document for one in plain] == [{"user.name": ["mallory"]}, {}]
    assert rows == {"p": ({"who": key, "dept": 1},)}


def test_rows_are_one_for_each_key_and_have_every_column():
    events = [event(user_name="a", dept="x"), event(user_name="a", dept="y"), event(user_name="b"), event(dept="z")]
    plain, rows = moved(events, [PEOPLE])
    assert [one.document for one in plain] == [{"user.name": "a"}, {"user.name": "a"}, {"user.name": "b"}, {}]
    assert rows == {"people": ({"user.name": "a", "dept": "x"}, {"risk": None})}


def test_events_that_would_find_the_rows_of_others_stand_in_a_test_of_their_own():
    one, other = [event(user_name="a", dept="x")], [event(user_name="a")]
    assert clash(one, other, [PEOPLE])
    assert not clash(one, [event(user_name="b")], [PEOPLE])
    assert not clash(one, other, [])


def test_a_made_test_of_a_join_holds_its_rows():
    tree = parse(
        'FROM logs-x | LOOKUP JOIN people ON user.name | WHERE dept IN ("finance", "hr") | KEEP user.name',
        StackVersion(8, 19),
    ).tree
    assert tree is not None
    cases = tuple(one for one in make_cases(tree, {"from": "now-1d"}) if isinstance(one, Case))
    tests = Made(cases, "made", "logs-x-default", "rules/h/tests/s.yaml", None, {}, joins_of(tree)).tests()
    assert {row["dept"] for test in tests for row in test.lookups["people"]} >= {"finance", "hr"}
    assert all("dept" not in event.document for test in tests for event in test.events)
    assert all(test.catches and test.ignores for test in tests[:1])
