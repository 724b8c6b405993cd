"""A query computed over made events."""

from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.functions import Text, Unknown
from entra_deployer.esql.operations import is_matched
from entra_deployer.esql.parse import parse
from entra_deployer.esql.simulation import Row, Simulation
from tests.reading import there

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def run(text, *rows, missed=None):
    tree = parse(f"FROM x | {text}", StackVersion(8, 19)).tree
    events = [
        Row({"@timestamp": NOW - timedelta(seconds=60 * n), **values}, weight)
        for n, (values, weight) in enumerate(rows)
    ]
    return Simulation(NOW, missed and there(tree).commands[missed].predicate.span).run(there(tree).commands, events)


EVENTS = [({"u": "a", "n": 1}, 3), ({"u": "a", "n": 5}, 1), ({"u": "b", "n": 2}, 1)]


@pytest.mark.parametrize(
    ("aggregate", "values"),
    [
        ("COUNT(*)", [4, 1]),
        ("COUNT(missing)", [0, 0]),
        ("SUM(n)", [8, 2]),
        ("AVG(n)", [2.0, 2.0]),
        ("MAX(n)", [5, 2]),
        ("COUNT_DISTINCT(n)", [2, 1]),
        ("VALUES(n)", [[1, 5], 2]),
        ("COUNT(*) WHERE n > 1", [1, 1]),
        ("SUM(CASE(n > 1, 10, 1))", [13, 10]),
        ("ROUND(AVG(n)) + 1", [3, 3]),
        ("MEDIAN(n)", [1.0, 2.0]),
        ("ROUND(PERCENTILE(n, 90), 3)", [3.8, 2.0]),
        ("ROUND(STD_DEV(n), 3)", [1.732, 0.0]),
        ('TOP(n, 2, "desc")', [[5, 1], 2]),
        ('TOP(n, 3, "asc")', [[1, 1, 1], 2]),
    ],
)
def test_aggregates_count_each_event_as_often_as_it_is_there(aggregate, values):
    found = run(f"STATS v = {aggregate} BY u", *EVENTS)
    assert [row.values["v"] for row in found.rows] == values


def test_groups_of_groups():
    found = run("STATS c = COUNT(*) BY u, n | STATS most = MAX(c), kinds = COUNT(*) BY u | WHERE kinds > 1", *EVENTS)
    assert [dict(row.values) for row in found.rows] == [{"u": "a", "most": 3, "kinds": 2}]


def test_the_distance_shrinks_on_the_way_to_a_row():
    far, near, there = (run("STATS c = COUNT(*) BY u | WHERE c >= 10", ({"u": "a"}, n)).distance for n in (1, 9, 10))
    assert far > near > there == 0


def test_a_choice_is_as_far_as_its_nearest_branch():
    text = 'STATS c = COUNT(*) BY u | EVAL k = CASE(c >= 10, "many", c == 3, "few", "none") | WHERE k != "none"'
    assert run(text, ({"u": "a"}, 3)).distance == 0
    assert run(text, ({"u": "a"}, 9)).distance < run(text, ({"u": "a"}, 6)).distance


def test_what_is_missed_is_the_only_condition_that_does_not_hold():
    text = "STATS c = COUNT(*) BY u | WHERE c >= 10"
    assert run(text, ({"u": "a"}, 9), missed=2).rows
    assert not run(text, ({"u": "a"}, 10), missed=2).rows


def test_what_is_not_computed_matters_only_where_it_is_asked_for():
    assert run("STATS c = COUNT(*), d = MEDIAN_ABSOLUTE_DEVIATION(n) BY u | WHERE c > 3", *EVENTS).rows
    with pytest.raises(Unknown):
        run("STATS c = COUNT(*), d = MEDIAN_ABSOLUTE_DEVIATION(n) BY u | WHERE d > 3", *EVENTS)
    with pytest.raises(Unknown):
        run("ENRICH p ON u", *EVENTS)


@pytest.mark.parametrize(
    ("held", "asked", "phrase", "expected"),
    [
        ("a", "a", False, True),
        ("a b", "a", False, False),
        (4624, "4624", False, True),
        (True, "true", False, True),
        (Text("access Denied now"), "denied", False, True),
        (Text("access Denied now"), "retry denied", False, True),
        (Text("access Denied now"), "denied access", True, False),
        (Text("access Denied now"), "access denied", True, True),
        (Text("[char]65"), "char", False, True),
        (Text("charge"), "char", False, False),
    ],
)
def test_full_text_search_looks_at_the_words_of_a_text_and_at_all_of_anything_else(held, asked, phrase, expected):
    assert is_matched(held, asked, phrase=phrase) is expected


def test_where_a_word_may_not_end_it_is_not_known():
    with pytest.raises(Unknown):
        is_matched(Text("host.example"), "host")


def test_a_condition_on_several_values_is_not_as_it_should_be_where_elasticsearch_would_warn():
    text = "STATS v = VALUES(n), c = COUNT(*) BY u | WHERE c > 1 OR v == 1"
    several = run(text, ({"u": "a", "n": 1}, 1), ({"u": "a", "n": 2}, 1))
    assert (len(several.rows), several.distance) == (1, 1.0)
    assert run(text, ({"u": "a", "n": 1}, 2)).distance == 0
