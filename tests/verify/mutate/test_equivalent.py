"""What a query can do without is no mutant; whatever can be told is one."""

from datetime import timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.esql.simulation import Row, Simulation
from entra_deployer.verify.mutate.mutants import mutations

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
