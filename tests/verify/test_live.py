"""Which conditions are counted, and by which query."""

from datetime import UTC, datetime

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.stack.search import QueryResult
from entra_deployer.verify.live import counts, lost_on_live_data
from entra_deployer.verify.run import Bench, RuleUnderTest

V = StackVersion(8, 19, 21)


def found(text):
    return [
        [(one.text, one.column, one.negative) for one in count.conditions] for count in counts(read_query(text, V).tree)
    ]


@pytest.mark.parametrize(
    ("where", "conditions"),
    [
        ("a == 1", [("a == 1", "a", False)]),
        ("a != 1", [("a != 1", "a", True)]),
        ("NOT (a == 1)", [("a == 1", "a", True)]),
        ("NOT a != 1", [("a != 1", "a", False)]),
        ("a NOT IN (1, 2)", [("a NOT IN (1, 2)", "a", True)]),
        ('a LIKE "x*" OR b.c RLIKE "y"', [('a LIKE "x*"', "a", False), ('b.c RLIKE "y"', "b.c", False)]),
        ("a IS NOT NULL AND b > 2", [("b > 2", "b", False)]),
        ("a == b", [("a == b", None, False)]),
        ('STARTS_WITH(a, "x")', [('STARTS_WITH(a, "x")', "a", False)]),
        ("`a-b` == 1", [("`a-b` == 1", "`a-b`", False)]),
    ],
)
def test_each_condition_that_can_be_null_is_counted(where, conditions):
    assert found(f"FROM x | WHERE {where}") == [conditions]


def test_conditions_on_groups_are_not():
    assert found("FROM x | WHERE a == 1 | STATS n = COUNT(*) BY b | WHERE n > 3") == [[("a == 1", "a", False)]]
    assert found("FROM x | WHERE a IS NULL") == []


def test_each_where_is_counted_over_the_events_that_reach_it():
    texts = [count.text for count in counts(read_query("FROM x | WHERE a == 1 // y | z\n| WHERE b > 1", V).tree)]
    assert texts[0] == (
        "FROM x \n| STATS events = COUNT(*), null_0 = SUM(CASE((a == 1) IS NULL, 1, 0)), "
        "several_0 = SUM(CASE(MV_COUNT(a) > 1, 1, 0))"
    )
    assert texts[1].startswith("FROM x | WHERE a == 1 // y | z\n\n| STATS events = COUNT(*), null_0 = SUM(CASE((b > 1)")


def bench_of(server):
    return Bench(server, server, V, lambda: datetime(2026, 3, 1, tzinfo=UTC), "x", embedded=False)


@pytest.mark.parametrize(
    ("payload", "said"), [(None, "deploy push"), ({"query": "FROM a | wher"}, "could not be counted")]
)
def test_a_rule_that_cannot_be_counted_says_why(payload, said):
    class Nothing:
        def query(self, text, **_):
            return QueryResult((), ())

    bench = bench_of(Nothing())
    assert said in next(iter(lost_on_live_data(RuleUnderTest("r", "R", payload, ()), bench))).message
