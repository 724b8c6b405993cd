"""Types that a query demands of its fields."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.esql.types import inferred_types, types_alike
from tests.reading import there


@pytest.mark.parametrize(
    ("predicate", "types"),
    [
        ("a == 1", {"a": "long"}),
        ("1 < a", {"a": "long"}),
        ("a > 1.5", {"a": "double"}),
        ("a == true", {"a": "boolean"}),
        ('a == "x"', {"a": "keyword"}),
        ("a IN (1, 2)", {"a": "long"}),
        ('a LIKE "x*"', {"a": "keyword"}),
        ("a > NOW() - 1 day", {"a": "date"}),
        ("a / 1000 > 5", {"a": "long"}),
        ('CIDR_MATCH(a, "10.0.0.0/8")', {"a": "ip"}),
        ('TO_LOWER(a) == "x"', {"a": "keyword"}),
        ("COALESCE(a, false) == false", {"a": "boolean"}),
        ("a", {"a": "boolean"}),
        ("NOT a OR (b) AND c > 1", {"a": "boolean", "b": "boolean", "c": "long"}),
        ('CASE(a, "x", b, "y", c) == "x"', {"a": "boolean", "b": "boolean"}),
        ("a == b", {}),
        ("a IS NOT NULL", {}),
    ],
)
def test_what_a_field_is_compared_with_tells_its_type(predicate, types):
    assert inferred_types(there(parse(f"FROM x | WHERE {predicate}", StackVersion(8, 19)).tree)) == types


def test_functions_of_moments_demand_dates_and_sums_numbers():
    text = "FROM x | EVAL w = DATE_TRUNC(1 hour, seen) | STATS s = SUM(bytes) BY w, b = BUCKET(other, 1 day)"
    tree = there(parse(text, StackVersion(8, 19)).tree)
    assert inferred_types(tree) == {"seen": "date", "bytes": "long", "other": "date"}


def test_what_an_aggregate_is_limited_by_is_true_or_false():
    tree = there(parse("FROM x | STATS n = COUNT(*) WHERE a, m = COUNT(b) WHERE NOT c", StackVersion(8, 19)).tree)
    assert inferred_types(tree) == {"a": "boolean", "c": "boolean"}


def test_a_type_is_handed_back_through_what_keeps_it():
    text = 'FROM x | EVAL t = raw | STATS m = MAX(t), v = VALUES(u) BY k | WHERE m > 5 AND k == "a" AND COUNT(v) > 1'
    found = inferred_types(there(parse(text, StackVersion(8, 19)).tree))
    assert {name: found.get(name) for name in ("m", "t", "raw", "k", "u")} == {
        "m": "long",
        "t": "long",
        "raw": "long",
        "k": "keyword",
        "u": None,
    }


def test_a_column_that_is_mixed_with_another_is_of_its_type():
    query = "from a | eval x = coalesce(okta.ip, null, source.ip) | where (b) == source.port and c in (d, e) and f > 1"
    tree = there(parse(query, StackVersion(8, 19)).tree)
    assert types_alike(tree, {"source.ip": "ip", "source.port": "long", "e": "date"}) == {
        "okta.ip": "ip", "b": "long", "c": "date", "d": "date"
    }  # fmt: skip
