"""KQL: what a query asks for."""

import pytest

from entra_deployer.esql.kql import Asked, Denied, Joined, SyntaxProblem, parse_kql


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("  ", None),
        ("a.b: c", Asked("a.b", ":", "c", phrase=False)),
        ('a:"c d"', Asked("a", ":", "c d", phrase=True)),
        ("a >= 3", Asked("a", ">=", "3", phrase=False)),
        ("not a: *", Denied(Asked("a", ":", "*", phrase=False))),
        ("not not a: x", Denied(Denied(Asked("a", ":", "x", phrase=False)))),
        (
            'a: ("*" or x)',
            Joined("or", (Asked("a", ":", "*", phrase=True), Asked("a", ":", "x", phrase=False))),
        ),
    ],
)
def test_a_query_is_read(text, query):
    assert parse_kql(text) == query


@pytest.mark.parametrize("text", ["a >", "a: (", "(" * 300 + "a: b" + ")" * 300, "a: b)"])
def test_what_is_no_query_is_refused(text):
    with pytest.raises(SyntaxProblem):
        parse_kql(text)
