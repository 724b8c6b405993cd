"""The mutants of a query."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.hunt import Query
from entra_deployer.verify.mutate.mutants import all_mutations, mutations
from entra_deployer.verify.origin import Origin
from tests.reading import there

V = StackVersion(8, 19, 21)


def mutants(text):
    return {(one.what, one.of(text)) for one in mutations(there(parse(text, V).tree))}


def where(predicate, *changed):
    return mutants(f"FROM a | WHERE {predicate}") == {(what, f"FROM a | WHERE {text}") for what, text in changed}


def test_a_condition_is_dropped_negated_and_shifted():
    assert where(
        "n <= 3",
        ("dropped", "true"),
        ("negated", "NOT (n <= 3)"),
        ("shifted", "n < 3"),
        ("one less", "n <= 2"),
        ("one more", "n <= 4"),
    )


def test_conditions_are_mutated_one_at_a_time_and_their_junction_too():
    assert where(
        'a == "x" AND (b == "y" or c == "z")',
        ("dropped", 'true AND (b == "y" or c == "z")'),
        ("negated", 'NOT (a == "x") AND (b == "y" or c == "z")'),
        ("OR instead of AND", 'a == "x" OR (b == "y" or c == "z")'),
        ("dropped", 'a == "x" AND (false or c == "z")'),
        ("negated", 'a == "x" AND (NOT (b == "y") or c == "z")'),
        ("AND instead of OR", 'a == "x" AND (b == "y" AND c == "z")'),
        ("dropped", 'a == "x" AND (b == "y" or false)'),
        ("negated", 'a == "x" AND (b == "y" or NOT (c == "z"))'),
    )


def test_each_member_of_in_is_removed_but_not_the_only_one():
    assert where(
        "n IN (1, 2)",
        ("dropped", "true"),
        ("negated", "NOT (n IN (1, 2))"),
        ("without 1", "n IN (2)"),
        ("without 2", "n IN (1)"),
    )
    assert where("n IN (1)", ("dropped", "true"), ("negated", "NOT (n IN (1))"))


def test_a_negation_is_undone_and_looked_into():
    assert where(
        "NOT n > 1",
        ("dropped", "true"),
        ("negated", "n > 1"),
        ("shifted", "NOT n >= 1"),
        ("one less", "NOT n > 0"),
        ("one more", "NOT n > 2"),
    )


def test_a_window_in_the_query_is_halved():
    text = "FROM a | WHERE t > NOW() - 14 days"
    assert ("window halved", "FROM a | WHERE t > NOW() - 604800 seconds") in mutants(text)
    assert not any(
        what == "window halved" for what, _ in mutants("FROM a | STATS n = COUNT(*) BY DATE_TRUNC(1 day, t)")
    )


def test_each_key_is_dropped():
    text = "FROM a | STATS n = COUNT(*) BY b, c.d"
    assert mutants(text) == {
        ("without the key b", "FROM a | STATS n = COUNT(*) BY c.d"),
        ("without the key c.d", "FROM a | STATS n = COUNT(*) BY b"),
    }
    assert mutants("FROM a | STATS n = COUNT(*) BY b") == {("without the key b", "FROM a | STATS n = COUNT(*) ")}


def test_a_condition_of_an_aggregate_is_mutated():
    assert ("dropped", "FROM a | STATS n = COUNT(*) WHERE true") in mutants("FROM a | STATS n = COUNT(*) WHERE b == 1")


LEAVES = st.sampled_from(['a == "x"', "n > 3", "n IN (1, 2)", 'a LIKE "y*"', "b IS NULL", 'NOT a == "z"', "n != 0"])
PREDICATES = st.recursive(
    LEAVES,
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "or"]), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
)


@settings(max_examples=40, deadline=None)
@given(PREDICATES)
def test_every_mutant_is_another_query_that_still_parses(predicate):
    text = f"FROM a | WHERE {predicate} // why\n| LIMIT 5"
    found = [one.of(text) for one, _ in all_mutations(there(parse(text, V).tree))]
    assert len(found) >= 2
    assert text not in found
    assert all(parse(mutant, V).tree for mutant in found)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("FROM a\n| WHERE b == 1", (8, 9)),
        ("FROM a METADATA _id\n| WHERE b == 1\n| LIMIT 1", (8, 9)),
        ("FROM x | WHERE q", None),
    ],
)
def test_a_place_in_the_rule_is_found_again_in_the_hunt(text, place):
    origin = Origin("hunt.md", Query("FROM a\n| WHERE b == 1 // why" if place is None else "FROM a\n| WHERE b == 1", 7))
    found = origin.place(text, text.index("WHERE") + 6)
    assert (found and (found.line, found.column)) == place


def without_places(node):
    """A tree as text, but for where it stands and what brackets stand around it."""
    node = strip_parentheses(node) if isinstance(node, nodes.Group) else node
    if isinstance(node, nodes.Node):
        own = [getattr(node, item.name) for item in dataclasses.fields(node) if item.name not in ("span", "pipe")]
        return f"{type(node).__name__}({', '.join(map(without_places, own))})"
    return f"[{', '.join(map(without_places, node))}]" if isinstance(node, tuple) else repr(node)


FLAT = st.lists(st.one_of(LEAVES, PREDICATES), min_size=1, max_size=3).flatmap(
    lambda sides: st.lists(st.sampled_from(["AND", "OR"]), min_size=len(sides) - 1, max_size=len(sides) - 1).map(
        lambda words: " ".join(part for pair in zip(sides, [*words, ""], strict=True) for part in pair)
    )
)


@settings(max_examples=15, deadline=None)
@given(FLAT)
def test_the_tree_of_a_mutant_is_that_of_its_text(predicate):
    text = f"FROM a | WHERE {predicate} | STATS n = COUNT(*) WHERE u > 3 OR NOT v BY k, j"
    tree = there(parse(text, V).tree)
    for one in list(mutations(tree))[::3]:
        read = there(parse(one.of(text), V).tree).commands[one.place]
        assert without_places(one.command) == without_places(read), one.what
