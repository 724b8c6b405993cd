"""The walker over conditions, and what it says of each."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import (
    MIRRORED,
    NEIGHBOURS,
    OPPOSITES,
    Condition,
    Junction,
    conditions,
    operands,
    walk_conditions,
)
from entra_deployer.esql.parse import parse
from tests.reading import there


def predicate(text):
    where = there(parse(f"FROM x | WHERE {text}", StackVersion(8, 19)).tree).commands[1]
    assert isinstance(where, nodes.Where)
    return where.predicate


def told(text):
    start = len("FROM x | WHERE ")
    return [
        (text[one.node.span.start - start : one.node.span.end - start], one.negated, one.excludes, one.joined_by)
        for one in conditions(predicate(text))
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a == 1", [("a == 1", False, False, "")]),
        ("NOT a == 1", [("a == 1", True, True, "")]),
        ("NOT (NOT a == 1)", [("a == 1", False, False, "")]),
        ("a != 1 AND b == 2", [("a != 1", False, True, "and"), ("b == 2", False, False, "and")]),
        ("NOT (a != 1 OR b == 2)", [("a != 1", True, False, "or"), ("b == 2", True, True, "or")]),
        ("a NOT IN (1, 2)", [("a NOT IN (1, 2)", False, True, "")]),
        ('(NOT a LIKE "x*") AND ((b))', [('a LIKE "x*"', True, True, "and"), ("b", False, False, "and")]),
        ("STARTS_WITH(a, b)", [("STARTS_WITH(a, b)", False, False, "")]),
    ],
)
def test_each_condition_knows_the_nots_around_it(text, expected):
    assert told(text) == expected


LEAVES = st.sampled_from(["a == 1", "b != 2", "c IS NULL", 'd LIKE "x*"'])
TEXTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds("NOT ({})".format, inner),
        st.builds("({})".format, inner),
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
    ),
    max_leaves=6,
)


@settings(max_examples=30, deadline=None)
@given(TEXTS)
def test_there_is_a_junction_between_two_conditions_and_a_not_more_turns_all_around(text):
    items = list(walk_conditions(predicate(text)))
    kinds = [isinstance(item, Condition) for item in items]
    assert kinds.count(True) == kinds.count(False) + 1
    assert [item.node.span.start for item in items if isinstance(item, Condition)] == sorted(
        item.node.span.start for item in items if isinstance(item, Condition)
    )
    turned = list(walk_conditions(predicate(f"NOT ({text})")))
    assert [item.negated for item in turned] == [not item.negated for item in items]
    assert any(isinstance(item, Junction) for item in items) is (len(items) > 1)


def test_a_long_chain_is_taken_apart_without_recursion():
    chain = predicate(" OR ".join(f"a == {number}" for number in range(200)))
    assert len(list(operands(chain, "or"))) == 200


@pytest.mark.parametrize("table", [OPPOSITES, MIRRORED, NEIGHBOURS])
def test_operators_come_in_pairs(table):
    assert all(table[table[word]] == word for word in table)
