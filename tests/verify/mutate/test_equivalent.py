"""What a query can do without is no mutant; whatever can be told is one."""

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.esql.simulation import Row, Simulation
from entra_deployer.esql.tree import Column, Span
from entra_deployer.verify.mutate.mutants import all_mutations, mutations

V = StackVersion(8, 19, 21)
NOW = Evaluator({}).now

VAIN = {
    'WHERE a IS NOT NULL AND a == "x"': "a IS NOT NULL",
    'WHERE NOT (a IS NULL) AND a == "x"': "NOT (a IS NULL)",
    'WHERE NOT a LIKE "x*" AND a IS NOT NULL': "a IS NOT NULL",
    'WHERE a IS NOT NULL | EVAL c = b | WHERE TO_LOWER(a) IN ("x", "y")': "a IS NOT NULL",
    'WHERE LENGTH(a) > 0 | SORT b | WHERE (b == "y" OR a IS NOT NULL AND c == "z")': "a IS NOT NULL",
    'WHERE (a == "x" OR a == "y") AND a IS NOT NULL': "a IS NOT NULL",
    'WHERE NOT (a == "x" AND a LIKE "y") AND a IS NOT NULL': "a IS NOT NULL",
    "STATS n = COUNT(*) BY a | EVAL m = n | WHERE n >= 1": "n >= 1",
}
TELLING = {
    'WHERE a IS NOT NULL AND b == "x"': "a IS NOT NULL",
    'WHERE a IS NOT NULL OR a == "x"': "a IS NOT NULL",
    'WHERE NOT (a IS NOT NULL AND a == "x")': "a IS NOT NULL",
    'WHERE a IS NOT NULL | EVAL a = "x" | WHERE a == "x"': "a IS NOT NULL",
    'WHERE (a == "x" OR b == "y") AND a IS NOT NULL': "a IS NOT NULL",
    'WHERE NOT (a == "x" AND b == "y") AND a IS NOT NULL': "a IS NOT NULL",
    "WHERE a IS NOT NULL | STATS n = COUNT(*) BY b | WHERE n >= 2": "a IS NOT NULL",
    'WHERE a IS NOT NULL | LIMIT 1 | WHERE a == "x"': "a IS NOT NULL",
    'WHERE a IS NOT NULL AND COALESCE(a, "x") == "x"': "a IS NOT NULL",
    "STATS n = COUNT(*) BY a | WHERE n >= 2": "n >= 2",
    "STATS n = COUNT(*) | WHERE n >= 1": "n >= 1",
    "STATS n = COUNT(b) BY a | WHERE n >= 1": "n >= 1",
}


@cache
def tree_of(text):
    return parse(text, V).tree


def dropped(text):
    return {one.before(text) for one in mutations(tree_of(text)) if one.what == "dropped"}


tree_of("FROM i")  # the first parse raises the limit of recursion, which hypothesis does not want inside a test


@pytest.mark.parametrize("text", VAIN)
def test_what_says_nothing_is_not_dropped(text):
    assert VAIN[text] not in dropped(f"FROM i | {text}")


@pytest.mark.parametrize("text", TELLING)
def test_what_may_be_told_is_dropped(text):
    assert TELLING[text] in dropped(f"FROM i | {text}")


def test_what_is_true_of_every_group_is_not_made_weaker():
    text = "FROM i | STATS n = COUNT(*) BY a | WHERE n > 0"
    assert {one.what for one in mutations(tree_of(text))} == {"without the key a", "negated", "one more"}


EVENTS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from([None, "", "x", "y", "z"]) for name in "abc"}), max_size=4
)


@pytest.mark.parametrize("text", VAIN)
@given(events=EVENTS)
def test_what_is_left_out_finds_the_same_on_all_events(text, events):
    def found(tree):
        rows = [Row({"@timestamp": NOW - timedelta(seconds=60), **event}) for event in events]
        return [(row.values["a"], row.weight) for row in Simulation(NOW).stages(tree.commands, rows)[-1].rows]

    whole, without = (tree_of(query) for query in (f"FROM i | {text}", f"FROM i | {text.replace(VAIN[text], 'true')}"))
    assert found(whole) == found(without)


COUNTED = 'WHERE a LIKE "x*" | STATS n = COUNT(*), d = COUNT_DISTINCT(a), s = SUM(CASE(b == "x", 1, 0)) BY c'
PRESENT = 'WHERE a LIKE "x*" AND NOT b IN ("y") | EVAL p = CASE(a LIKE "x*", b, null)'
ALL = {"dropped", "negated", "shifted", "one less", "one more"}
IMPLIED = {
    # what another condition says already
    'WHERE a == "x" AND a == "x"': {"dropped", "OR instead of AND"},
    "WHERE m > 5 | WHERE m > 3": {"dropped", "shifted", "one less", "one more"},
    'WHERE a == "x" AND NOT a IN ("y", "z")': {"dropped", 'without "y"', 'without "z"'},
    # what is so of every group
    f"{COUNTED} | WHERE n >= 1 OR d >= 3": ALL,
    f"{COUNTED} | WHERE n >= 3 OR d >= 3": {"dropped", "shifted", "one more"},
    f"{COUNTED} | WHERE d < 1 OR n == 2": {"dropped", "one less"},
    f"{COUNTED} | WHERE s >= 0 AND n == 2": {"dropped", "one less"},
    f"{COUNTED} | EVAL risk = n * 5 + s * 30 | WHERE n >= 10 | WHERE risk >= 50": {"dropped", "one less"},
    "STATS f = MIN(m), l = MAX(m), n = COUNT(*) BY c | EVAL h = TO_INT(l - f), r = n / h | WHERE h >= 1 AND r >= 2": {
        "dropped",
        "one less",
    },
    # what is never null, and what comes to nothing where it is
    f"{PRESENT} | STATS n = COUNT(p) BY c | WHERE n > 0": {"dropped", "shifted", "one less"},
    'WHERE a IS NOT NULL | EVAL l = TO_LOWER(a) | STATS n = COUNT(*) BY l | WHERE l != "x"': {"dropped"},
    'WHERE a IS NOT NULL | DISSECT a "%{p}-%{q}" | WHERE p == "x"': {"dropped"},
    "WHERE a IS NOT NULL | STATS d = COUNT_DISTINCT(a) BY c | WHERE d >= 2": {"dropped"},
    # the values that CASE can give
    'EVAL k = CASE(a == "x", "one", a == "y", "two", "no") | WHERE a IN ("x", "y") | WHERE k != "no"': {"dropped"},
}
UNTOLD = {
    "WHERE m > 5 | WHERE m > 7": {"dropped", "negated"},
    'WHERE a == "x" OR NOT a == "y"': {"negated", "AND instead of OR"},
    f"{COUNTED} | WHERE n >= 3 OR s >= 2 AND d == 1": {"dropped", "negated"},
    "STATS n = COUNT(*), d = COUNT_DISTINCT(a) BY c | WHERE n >= 3 OR d >= 3": {"dropped", "shifted", "one more"},
    "WHERE a IS NOT NULL | STATS d = COUNT_DISTINCT(a), n = COUNT(*) BY c | WHERE n >= 2": {"dropped"},
    "WHERE a IS NOT NULL | STATS d = COUNT_DISTINCT(a) BY c | WHERE d < 2": {"dropped"},
    'WHERE a IS NOT NULL | STATS n = COUNT(*) BY c | WHERE c != "x"': {"dropped"},
    'WHERE a IS NOT NULL | SORT m | LIMIT 1 | WHERE a == "x"': {"dropped"},
    "STATS s = SUM(m) BY c | EVAL r = s * 2 | WHERE s >= 1 AND r >= 2": {"dropped"},
}
"""By query kinds of mutants that are made, each at least once."""


def kinds(text, *, vain):
    """The kinds of mutants of the last conditions, or of a condition that is there."""
    return {one.what for one, is_vain in all_mutations(tree_of(f"FROM i | {text}")) if is_vain is vain}


@pytest.mark.parametrize("text", IMPLIED)
def test_what_other_conditions_say_is_not_changed(text):
    assert IMPLIED[text] <= kinds(text, vain=True)


@pytest.mark.parametrize("text", UNTOLD)
def test_what_no_other_condition_says_is(text):
    assert UNTOLD[text] <= kinds(text, vain=False)


TEXT = st.sampled_from([None, "x", "y", "x-y", ["x", "y"]])
NUMBER = st.sampled_from([None, 0, 1, 3, 4, 6, [1, 6]])
MANY = st.lists(st.fixed_dictionaries({"a": TEXT, "b": TEXT, "c": TEXT, "m": NUMBER}), max_size=5)
OF_EVENTS = [
    *('a == "x"', 'NOT a == "y"', "a IS NOT NULL", 'a LIKE "x*"', 'b IN ("x", "y")', "m > 3", "m <= 4", "m != 1"),
    *("k == 1", 'l != "no"', "p IS NOT NULL", "b IS NULL", 'b != "x"', "m == 3", "p == a"),
]
OF_GROUPS = [
    "n >= 1",
    "n > 1",
    "d >= 1",
    "d < 2",
    "s >= 1",
    "s <= n",
    "r >= 2",
    'c != "x"',
    "n == d",
    "h >= 1",
    "q > 1",
]


def joined(leaves):
    words = st.sampled_from(["AND", "OR"])
    return st.recursive(
        st.sampled_from(leaves),
        lambda inner: st.one_of(
            st.tuples(inner, words, inner).map(lambda it: f"({it[0]} {it[1]} {it[2]})"),
            inner.map(lambda it: f"NOT {it}"),
        ),
        max_leaves=4,
    )


EVALS = (
    'EVAL k = CASE(a == "x", 1, m > 3, 2, 0), l = CASE(b == "x", "one", b == "y", "two", "no"), p = TO_LOWER(a)'
    " | EVAL t = COALESCE(b, p), w = CASE(m > 3, b, null)"
)
STATS = (
    'STATS n = COUNT(*), d = COUNT_DISTINCT(a), s = SUM(CASE(b == "x", 1, 0)), f = MIN(m), u = MAX(m)'
    ", q = COUNT(w) BY c | EVAL r = n * 2 + s, h = n / s"
)


@settings(max_examples=60, deadline=None)
@given(
    joined(OF_EVENTS), joined(OF_EVENTS), joined(OF_GROUPS), joined(OF_GROUPS), st.lists(MANY, min_size=12, max_size=12)
)
def test_a_change_that_is_proved_vain_finds_the_same_on_all_events(first, second, third, fourth, several):
    tree = tree_of(f"FROM i | WHERE {first} | {EVALS} | WHERE {second} | {STATS} | WHERE {third} | WHERE {fourth}")
    simulation = Simulation(NOW)

    def found(commands, events):
        rows = [Row({"@timestamp": NOW - timedelta(seconds=60), **event}) for event in events]
        stage = simulation.stages(commands, rows)[-1]
        columns = [Column(Span(0, 0), name) for name in "cndsfuqrh"]
        return [[row.at(NOW).value(column, stage.scope) for column in columns] for row in stage.rows]

    vain = [one for one, is_vain in all_mutations(tree) if is_vain]
    for events in several if vain else ():
        whole = found(tree.commands, events)
        for one in vain:
            commands = (*tree.commands[: one.place], one.command, *tree.commands[one.place + 1 :])
            assert found(commands, events) == whole, one.what
