"""FROM is rewritten by position, and nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import Unreadable, beyond_embedded, beyond_tests, read_query

V = StackVersion(8, 19, 21)
NEW = StackVersion(9, 5)

LAYOUTS = [
    ("from logs-a*\n| where a > 1", "from {}\n| where a > 1"),
    ("FROM a, b-*,c | LIMIT 1", "FROM {} | LIMIT 1"),
    (
        '// from x\n/* FROM y */ FROM a , "c d" METADATA _id | limit 1',
        "// from x\n/* FROM y */ FROM {} METADATA _id | limit 1",
    ),
    ("FROM a [metadata _id, _index] | limit 1", "FROM {} [metadata _id, _index] | limit 1"),
    ("FROM a // why\n  , b\n// metadata\n metadata _id\n|limit 1", "FROM {}\n// metadata\n metadata _id\n|limit 1"),
    ('FROM a | WHERE x == "from b | FROM c" // from d', 'FROM {} | WHERE x == "from b | FROM c" // from d'),
    ('FROM """a"""|limit 1', "FROM {}|limit 1"),
    ("FROM cluster:a,-b,c::data | limit 1", "FROM {} | limit 1"),
    ("  \n\tfrom\n\ta\n", "  \n\tfrom\n\t{}\n"),
    ("FROM metadata* | LIMIT 1", "FROM {} | LIMIT 1"),
    ("FROM é* | WHERE ü == 1", "FROM {} | WHERE ü == 1"),
]


@pytest.mark.parametrize(("text", "expected"), LAYOUTS)
def test_only_the_index_patterns_change(text, expected):
    if "ü" in text:
        text, expected = text.replace("ü", "`ü`"), expected.replace("ü", "`ü`")
    assert read_query(text, V).at("entra-deployer-verify-x") == expected.format("entra-deployer-verify-x")


def test_a_set_before_from_stays():
    text = 'SET time_zone = "UTC"; FROM a | LIMIT 1'
    assert read_query(text, NEW).at("x") == 'SET time_zone = "UTC"; FROM x | LIMIT 1'


names = st.from_regex(r"[a-z][a-z0-9.*-]{0,8}[a-z0-9*]", fullmatch=True).filter(lambda name: "metadata" not in name)
gaps = st.sampled_from([" ", "\n", "  ", " // from z\n", " /* from z, y */ ", "\t"])


@settings(max_examples=60, deadline=None)
@given(st.lists(names, min_size=1, max_size=3), gaps, gaps, gaps, st.sampled_from(["", "metadata _id"]))
def test_whatever_the_layout_the_rest_stays_and_places_are_found_again(sources, first, second, third, metadata):
    head, tail = f"FROM{first}", f"{second}{metadata}{third}| WHERE a == 1 // from q\n| LIMIT 5"
    listed = f"{second},{third}".join(sources)
    query = read_query(f"{head}{listed}{tail}", V)
    rewritten = query.at("other-index")
    assert rewritten == f"{head}other-index{tail}"
    place = rewritten.index("WHERE")
    line = rewritten.count("\n", 0, place) + 1
    column = place - rewritten.rfind("\n", 0, place)
    assert query.offset(line, column, "other-index") == query.tree.text.index("WHERE")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("FROM a | wher b", "line 1:10"),
        ("ROW a = 1", "no FROM"),
        ("SHOW INFO", "no FROM"),
        ("", "does not parse"),
    ],
)
def test_what_cannot_be_pointed_elsewhere_says_why(text, said):
    with pytest.raises(Unreadable, match=said):
        read_query(text, V)


def test_a_subquery_in_from_cannot_be_pointed_elsewhere():
    with pytest.raises(Unreadable, match="subquery"):
        read_query("FROM a, (FROM b | LIMIT 1) | LIMIT 2", StackVersion(99, 0))


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("FROM a | ENRICH p ON b", "ENRICH"),
        ("FROM a | STATS c = COUNT(*) BY g = CATEGORIZE(message)", "CATEGORIZE"),
        ("FROM a | INLINE STATS c = COUNT(*) BY d", "INLINE STATS"),
        ("FROM a | CHANGE_POINT x ON y", "CHANGE_POINT"),
        ("FROM a | FORK (WHERE b > 1) (WHERE b < 1)", "FORK"),
        ("TS a | STATS MAX(b)", "TS"),
    ],
)
def test_what_the_embedded_elasticsearch_lacks_is_found_before_it_is_sent(text, lacking):
    assert lacking in (beyond_embedded(text, V) or "")


def test_a_join_runs_there_and_needs_an_index_that_no_test_has():
    text = "FROM a | LOOKUP JOIN l ON b"
    assert beyond_embedded(text, V) is None
    assert beyond_tests(text, V) == "LOOKUP"
    assert beyond_tests("FROM a | ENRICH p ON b", V) == "ENRICH"
    assert beyond_tests("FROM a | KEEP b", V) is None


@pytest.mark.parametrize(
    "text",
    [
        "FROM a | WHERE categorize == 1 // CATEGORIZE(x) | ENRICH p",
        'FROM a | WHERE b == "| ENRICH p ON c" | EVAL enrich = 1',
        "FROM a | STATS c = COUNT(*) BY d | SORT c",
        "FROM a | nonsense",
    ],
)
def test_what_it_can_run_or_will_refuse_itself_is_let_through(text):
    assert beyond_embedded(text, V) is None
