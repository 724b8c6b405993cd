"""The hunt's time window becomes the rule's, in any form in which it is written."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.compiler.window import find_window
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.parse import parse
from tests.compiler.build import reasons, rule

DAY = 86400
V = StackVersion(8, 19)


def window(query: str):
    parsed = parse(query, V)
    assert parsed.tree, parsed.problems
    found = find_window(parsed.tree)
    return found, apply_edits(query, found.edits)


@pytest.mark.parametrize(
    ("condition", "seconds"),
    [
        ("@timestamp > now() - 14 day", 14 * DAY),
        ("@timestamp >= NOW() - 7d", 7 * DAY),
        ("now() - 2 weeks < @timestamp", 14 * DAY),
        ("@timestamp > (now() - 36 hours)", 36 * 3600),
        ("@timestamp > -90 minutes + now()", 90 * 60),
        ("@timestamp > now() - 1 day - 12 hours", DAY + 12 * 3600),
        ('@timestamp > now() - "3 days"::date_period', 3 * DAY),
        ('DATE_DIFF("day", @timestamp, now()) < 14', 14 * DAY),
        ('date_diff("hours", @timestamp, NOW()) <= 23', 24 * 3600),
        ('14 > DATE_DIFF("days", @timestamp, now())', 14 * DAY),
        ("(@timestamp > now() - 30s)", 30),
    ],
)
def test_any_form_of_the_window_is_taken_out(condition, seconds):
    found, text = window(f'from logs-a-*\n| where {condition}\n| where user.name == "x"')
    assert (found.start, found.end) == (seconds, 0)
    assert text == 'from logs-a-*\n| where user.name == "x"'


def test_a_pair_of_bounds_is_a_window_with_an_end():
    query = "from a | where @timestamp >= now() - 2 days and @timestamp < now() - 1 hour and x == 1 | keep x"
    found, text = window(query)
    assert (found.start, found.end) == (2 * DAY, 3600)
    assert text == "from a | where x == 1 | keep x"


def test_the_end_becomes_the_rules_to():
    payload = rule("from a | where @timestamp >= now() - 2d and @timestamp < now() - 1h | stats c = count() by u").rule
    assert (payload.payload["from"], payload.payload["to"]) == ("now-2d", "now-1h")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from a\n| where @timestamp > now() - 7d\n  AND x == 1\n  AND y == 2", "from a\n| where x == 1\n  AND y == 2"),
        ("from a\n| where x == 1\n  and @timestamp > now() - 7d\n  and y == 2", "from a\n| where x == 1\n  and y == 2"),
        ("from a\n| where x == 1\n  and @timestamp > now() - 7d", "from a\n| where x == 1"),
        ("from a\n| where (@timestamp > now() - 7d and x == 1) and y == 2", "from a\n| where (x == 1) and y == 2"),
        (
            "from a\n| where\n    // two weeks\n    @timestamp > now() - 14d\n    // and the rest\n    and x == 1",
            "from a\n| where\n    // two weeks\n    // and the rest\n    x == 1",
        ),
        ("from a | where @timestamp > now() - 7d // a week\n| keep x", "from a // a week\n| keep x"),
        ("from a | where @timestamp > now() - 7d", "from a"),
    ],
)
def test_comments_and_layout_stay(before, after):
    _, text = window(before)
    assert [line.strip() for line in text.split("\n")] == [line.strip() for line in after.split("\n")]


@pytest.mark.parametrize(
    "query",
    [
        "from a | eval recent = @timestamp > now() - 7d | where recent",
        "from a | where @timestamp > now() - 7d or x == 1",
        "from a | limit 10 | where @timestamp > now() - 7d",
        "from a | stats c = count(*) where @timestamp > now() - 7d by x",
    ],
)
def test_a_window_that_is_no_filter_of_documents_stays_and_from_covers_it(query):
    found, text = window(query)
    assert text == query
    assert found.start == 7 * DAY or found.covers == 7 * DAY
    assert "stays" in found.reason
    assert "stays" in reasons(query)["window"]
    assert rule(query).rule.payload["from"] == "now-7d"


def test_a_negated_window_is_the_time_before_it():
    query = "from a | where not (@timestamp > now() - 7d)"
    found, text = window(query)
    assert (text, found.start, found.end) == (query, None, 7 * DAY)
    assert rule(query).rule.payload["to"] == "now-7d"


def test_of_several_windows_the_tightest_is_the_range_and_what_filters_nothing_stays():
    query = "from a | where @timestamp > now() - 30d | stats c = count(*) where @timestamp > now() - 1d by x"
    found, text = window(query)
    assert text == "from a | stats c = count(*) where @timestamp > now() - 1d by x"
    assert (found.start, found.covers) == (30 * DAY, DAY)
    found, text = window("from a | where @timestamp > now() - 7d | where @timestamp > now() - 1d | keep x")
    assert (text, found.start) == ("from a | keep x", DAY)


def test_calendar_units_stay_and_from_covers_the_longest():
    found, text = window("from a | where @timestamp > now() - 1 month")
    assert text == "from a | where @timestamp > now() - 1 month"
    assert found.start == 31 * DAY


def test_without_a_time_there_is_no_window():
    found, text = window('from a | where user.name == "x"')
    assert (found.start, found.covers, text) == (None, None, 'from a | where user.name == "x"')


CONDITION = st.sampled_from(["x == 1", "(y > 2 or z is null)", 'not user.name like "a*"', "b in (1, 2)"])


@settings(max_examples=60, deadline=None)
@given(before=st.lists(CONDITION, max_size=3), after=st.lists(CONDITION, max_size=3), split=st.booleans())
def test_whatever_stands_around_it_the_rest_of_the_query_is_what_it_was(before, after, split):
    glue = "\n  // why\n  and " if split else " and "
    with_window = glue.join([*before, "@timestamp > now() - 7d", *after])
    query = f"from logs-a-*\n| where {with_window}\n| keep x"
    found, text = window(query)
    assert found.start == 7 * DAY
    parsed = parse(text, V)
    assert parsed.tree
    assert not parsed.problems
    rest = " and ".join([*before, *after])
    expected = parse(f"from logs-a-*\n{f'| where {rest}' if rest else ''}\n| keep x", V).tree
    assert expected
    assert _shape(parsed.tree) == _shape(expected)


def _shape(tree):
    return [type(node).__name__ + getattr(node, "operator", "") + getattr(node, "name", "") for node in tree.walk()]
