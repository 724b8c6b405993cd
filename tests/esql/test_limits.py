"""What Elasticsearch takes is read; what it does not, or what breaks the parser, is a problem with its place."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.cache import Cache
from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.brackets import MOST_LEVELS, comment_depth
from entra_deployer.esql.cache import SyntaxCache, parsed_from_json, parsed_to_json
from entra_deployer.esql.parse import Parsed, parse, type_problems

V = StackVersion(8, 19)
ROW = 'ROW u = "a", n = 1, b = true | '


def ors(count: int) -> str:
    return f"{ROW}WHERE {' OR '.join(f'u == "a{number}"' for number in range(count))}"


def nested(opening: str, inside: str, end: str = "") -> Callable[[int], str]:
    start, opened = opening.split("|")
    return lambda count: f"{ROW}{start}{opened * count}{inside}{')' * count}{end}"


# the deepest that Elasticsearch 8.19.21 runs of each shape; with one level more it answers "maximum expression depth"
EDGES = {
    "ors": (298, ors),
    "brackets": (148, nested("WHERE |(", 'u == "a"')),
    "brackets around a value": (148, nested("WHERE |(", "u", ' == "a"')),
    "ors in brackets": (99, nested("WHERE |(b OR ", 'u == "a"')),
    "calls": (298, nested('EVAL z = |CONCAT("b", ', "u")),
    "nots": (298, lambda count: f"{ROW}WHERE {'NOT ' * count}b"),
    "signs": (298, lambda count: f"{ROW}EVAL z = {'- ' * count}n"),
    "sums": (299, lambda count: f"{ROW}EVAL z = {'+'.join(['n'] * count)}"),
    "casts": (298, lambda count: f"{ROW}EVAL z = n{'::long' * count}"),
    "ands in ors": (295, lambda count: f"{ROW}WHERE {' OR '.join(['(n == 1 AND b)'] * count)}"),
}


@pytest.mark.parametrize("name", EDGES)
def test_the_deepest_query_that_the_server_runs_is_read_and_one_level_more_is_refused(name):
    most, query = EDGES[name]
    read = parse(query(most), V)
    assert read.tree
    assert not read.problems
    assert not type_problems(read.tree, V, {"u": "keyword"})
    [problem] = parse(query(most + 1), V).problems
    assert problem.kind == "limit"
    assert str(MOST_LEVELS) in problem.message
    assert problem.column > len("ROW")


@pytest.mark.parametrize("name", EDGES)
def test_what_is_far_beyond_the_limit_is_refused_as_well(name):
    _, query = EDGES[name]
    [problem] = parse(query(700), V).problems
    assert problem.kind == "limit"


def test_steps_and_characters_have_the_limits_of_the_server():
    assert parse("ROW a = 1" + " | WHERE a == 1" * 500, V).tree
    assert parse("ROW a = 1" + " | WHERE a == 1" * 501, V).problems[0].kind == "limit"
    assert parse('ROW a = "' + "x" * 1_000_000 + '"', V).problems[0].kind == "limit"


@pytest.mark.parametrize(
    "query",
    [
        "FROM a | WHERE ] == 1",
        "FROM a | EVAL x = " + "CASE(a == 1, " * 250,
        "FROM a /*" + "/* " * 3000,
        "FROM a | EVAL x = " + "1" * 6000,
        "FROM a | WHERE x == \ud800",
        "FROM a | WHERE " + ")" * 3000,
        "FROM a " + "[" * 3000,
    ],
)
def test_whatever_cannot_be_read_is_one_problem_with_a_place(query):
    [problem] = parse(query, V).problems
    assert problem.line == 1
    assert problem.column >= 1
    assert "\n" not in problem.message


def test_comments_in_strings_do_not_nest():
    assert comment_depth('"/bin/*" /* a /* b */ */ // /*\n"""/*"""') == 2


@pytest.mark.parametrize(
    "query",
    [
        "FROM a | STATS COUNT(*) BY u | WHERE `COUNT(*)` >= 5",
        "FROM a | STATS MAX(x) + 1, COUNT(*) WHERE x > 1 BY u",
        'FROM a | EVAL x + 1, CONCAT(u, "a") | WHERE `CONCAT(u, "a")` == "b"',
        "ROW 1, 2",
    ],
)
def test_a_column_without_a_name_has_the_name_of_its_text(query):
    parsed = parse(query, V)
    assert parsed.tree
    assert not parsed.problems
    assert type_problems(parsed.tree, V, {"u": "keyword", "x": "long"}) == ()


def test_a_deep_query_is_kept_and_read_again(tmp_path):
    query = EDGES["calls"][1](298)
    first = SyntaxCache(Cache(tmp_path)).parse(query, V)
    assert len(list(tmp_path.glob("??/*"))) == 1
    again = SyntaxCache(Cache(tmp_path)).parse(query, V)
    assert parsed_to_json(again) == parsed_to_json(first)  # Python 3.12 compares no tree as deep as this


def test_python_may_nest_as_deep_as_a_query():
    parse("FROM a", V)
    assert sys.getrecursionlimit() >= 20_000


def test_what_was_not_checked_is_no_refusal():
    parsed = Parsed(parse("FROM a", V).tree, parse("FROM a | WHERE", V).problems)
    assert parsed.refusals
    assert parsed_from_json(parsed_to_json(parsed)) == parsed


CONDITIONS = st.recursive(
    st.sampled_from(['u == "a"', "n > 1", "b", "u IS NOT NULL", 'u IN ("a", "b")', 'u LIKE "a*"', "n::long == 1"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"({one})"),
        inner.map(lambda one: f"NOT ({one})"),
        st.tuples(inner, inner).map(" AND ".join),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) OR ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"CASE({two[0]}, {two[1]}, false)"),
        inner.map(lambda one: f"LENGTH(CONCAT(u, CASE({one}, u, u))) > ABS(-(n + 1))"),
    ),
    max_leaves=6,
)


@given(CONDITIONS, st.integers(6, 10))
@settings(max_examples=10, deadline=None)
def test_deep_brackets_do_not_change_what_is_read(condition, depth):
    """The same condition, once as deep as the parser looks and once deeper, has the same tree within its brackets."""

    def inside(query: str) -> str:
        parsed = parse(query, V)
        assert parsed.tree, parsed.problems
        where = parsed.tree.commands[-1]
        assert isinstance(where, nodes.Where)
        expression = where.predicate
        while isinstance(expression, nodes.Group):
            expression = expression.inner
        return _without_places(expression)

    assert inside(f"FROM a | WHERE {condition}") == inside(f"FROM a | WHERE {'(' * depth}{condition}{')' * depth}")


def _without_places(node: nodes.Node) -> str:
    return " ".join(type(one).__name__ + str(getattr(one, "operator", getattr(one, "name", ""))) for one in node.walk())
