"""FROM is rewritten by position, and nothing else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.columns import joins
from entra_deployer.esql.edits import Edit
from entra_deployer.esql.rule_query import Unreadable, read_query

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


def test_a_join_reads_the_rows_beside_the_events_and_places_are_found_again():
    text = 'FROM a | LOOKUP JOIN lk ON b | LOOKUP JOIN "l-2" ON c // lk\n| WHERE d::ip == e'
    query = read_query(text, V)
    pointed = query.at("x")
    assert pointed == "FROM x | LOOKUP JOIN x-lk ON b | LOOKUP JOIN x-l-2 ON c // lk\n| WHERE d::ip == e"
    assert query.lookups == ("lk", "l-2")
    assert query.offset(2, 9, "x") == text.index("d::ip")
    assert query.offset(1, pointed.index(" ON c") + 2, "x") == text.index("ON c")
    first, second = joins(query.tree)
    assert query.before(first, "x") == "FROM x "
    assert query.before(second, "x") == "FROM x | LOOKUP JOIN x-lk ON b "


def test_at_a_moment_the_clock_stands_and_places_are_found_again():
    text = 'FROM a // NOW()\n| EVAL b = DATE_DIFF("day", c, NOW()), d = e | WHERE f == "now()" AND g < now( )'
    query = read_query(text, V).at_moment(datetime(2026, 3, 1, tzinfo=UTC))
    stands = 'TO_DATETIME("2026-03-01T00:00:00.000Z")'
    pointed = query.at("x")
    assert pointed == (
        f'FROM x // NOW()\n| EVAL b = DATE_DIFF("day", c, {stands}), d = e | WHERE f == "now()" AND g < {stands}'
    )
    column = pointed.split("\n")[1].index("d = e") + 1
    assert query.offset(2, column, "x") == text.index("d = e")
    dropped = Edit(text.index(" AND g"), len(text), "")
    assert query.at("x", dropped) == pointed[: pointed.index(" AND g")]


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
    ("text", "expected"),
    [
        ("FROM a | KEEP @timestamp, source.geo.*, *, user.name", ("source.geo.*",)),
        ("FROM a | EVAL Esql.n = 1 | KEEP Esql.*, cloud.* | DROP aws.*", ("cloud.*", "aws.*")),
        ("FROM a METADATA _id, _index | KEEP _i*", ()),
        ('FROM a | DISSECT m "%{x.a} %{x.b}" | RENAME u AS y.u | KEEP x.*, y.*, z.*', ("z.*",)),
        ("FROM a | STATS Esql.n = COUNT(*) BY host.name | KEEP host.*, Esql.*, no.*", ()),
    ],
)
def test_the_patterns_that_mean_columns_of_the_source(text, expected):
    assert read_query(text, V).patterns == expected
