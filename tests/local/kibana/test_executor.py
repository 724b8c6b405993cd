"""What the executor reads out of a query's text, in 8.12 and later."""

import pytest

from entra_deployer.local.kibana import executor


@pytest.mark.parametrize(
    ("query", "old", "new"),
    [
        ("from a | limit 1", ["a"], ["a"]),
        ("FROM a*, b-2 \n| limit 1", ["a*", "b-2"], ["a*", "b-2"]),
        ("from a [metadata _id, _index]", ["a"], ["a"]),
        ("from a metadata _id, _index", ["a metadata _id", "_index"], ["a"]),
        ("from a // c\n metadata _id", ["a"], ["a"]),
        ('from "a" | limit 1', [""], ["a"]),
        ("from a // not from users\n| limit 1", ["users"], ["a"]),
        ('from a | where m == "mail from bob"', ["bob"], ["a"]),
        ("// rows from idx\nfrom a", ["a"], ["a"]),
        ('from a | eval b = "from"', ["a"], ["a"]),
        ("row a = 1", [""], [""]),
        ("", [""], [""]),
    ],
)
def test_the_indices(query, old, new):
    assert executor.indices_of(query, by_pattern=True) == old
    assert executor.indices_of(query, by_pattern=False) == new


@pytest.mark.parametrize(
    ("query", "old", "new"),
    [
        ("from a | stats c = count(*)", True, True),
        ("from a\n|\nSTATS c = count(*)", True, True),
        ("from a |stats c = count(*)", False, True),
        ("from a // | stats x\n| limit 2", True, False),
        ('from a | where b == "| stats "', True, False),
        ("from a | where stats == 1", False, False),
    ],
)
def test_whether_it_aggregates(query, old, new):
    assert executor.is_aggregating(query, by_pattern=True) is old
    assert executor.is_aggregating(query, by_pattern=False) is new
