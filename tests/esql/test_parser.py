"""The tree that we read from Elastic's grammars, of each version, and the places that it tells."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import key_columns, output_columns, possible_fields, read_fields, sources
from entra_deployer.esql.edits import Edit, apply_edits, touched_lines
from entra_deployer.esql.parse import parse, type_problems
from entra_deployer.hunts.hunt import is_esql

VERSIONS = ["8.12", "8.19", "9.1", "9.3", "9.4", "9.5", "9.9"]


def tree(query: str, version: str = "8.19") -> nodes.Tree:
    parsed = parse(query, StackVersion.parse(version))
    assert parsed.tree, parsed.problems
    return parsed.tree


@pytest.mark.parametrize("version", VERSIONS)
def test_every_grammar_gives_the_same_tree(version):
    query = (
        'FROM logs-a-*, "logs b" METADATA _id, _index\n'
        '| WHERE NOT (`a b`.c != 1.5 OR d IN ("x", "y")) AND e IS NOT NULL AND f::int >= -2 AND g NOT LIKE "z*"\n'
        "| EVAL h = CASE(true, 1, null), i = DATE_TRUNC(1 hour, @timestamp)\n"
        "| STATS n = COUNT(*), m = MAX(h) BY i, j = LEFT(d, 2), d\n"
        "| SORT n DESC, d | LIMIT 5 | RENAME n AS o | KEEP o, d*, i | DROP i"
    )
    assert tree(query, version) == tree(query)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_node_stands_where_it_says(version):
    query = 'from a\n| where x == 1 /* one */ and not y rlike "b.*" // two\n| eval z = concat(y, "c")'
    found = tree(query, version)
    for node in found.walk():
        text = node.span.of(query)
        match node:
            case nodes.Column(name=name):
                assert text == name
            case nodes.Literal(kind="string", value=value):
                assert text == f'"{value}"'
            case nodes.Binary(operator=operator, left=left, right=right):
                assert text.startswith(left.span.of(query))
                assert text.endswith(right.span.of(query))
                assert operator in text
            case nodes.Where():
                assert text.startswith("where")
                assert query[node.pipe] == "|"
    assert [span.of(query) for span in found.comments] == ["/* one */", "// two"]
    assert [span.of(query) for span in found.strings] == ['"b.*"', '"c"']


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [("from a\n| where", 2, 8), ("from a | wher x == 1", 1, 10), ('from a\n| where x == "a\\?"', 2, 14), ("", 1, 1)],
)
def test_a_refusal_has_its_place_and_one_short_line(query, line, column):
    [problem] = parse(query, StackVersion(8, 19)).problems
    assert (problem.kind, problem.line, problem.column) == ("syntax", line, column)
    assert len(problem.message) < 250
    assert "\n" not in problem.message


def test_a_name_that_is_no_function_is_refused():
    [problem] = parse("from a\n| eval x = nope(1)", StackVersion(8, 19)).problems
    assert (problem.kind, problem.line, problem.column) == ("semantics", 2, 12)


def test_a_version_between_two_grammars_reads_what_is_new_in_the_later_one():
    query = "from a | inline stats c = count(*) by x"
    assert parse(query, StackVersion(8, 19)).tree is None
    assert parse(query, StackVersion(9, 2)).tree is not None


def test_positions_and_offsets_are_inverse():
    query = "from a\n\n| where x == 1\n| keep x"
    found = tree(query)
    assert [found.offset(*found.position(offset)) for offset in range(len(query))] == list(range(len(query)))


def test_strings_and_names_lose_their_quotes():
    found = tree('from a | where `a``b` == """x"y""" and c == "d\\"e\\\\f\\n"')
    columns = [node.name for node in found.walk() if isinstance(node, nodes.Column)]
    strings = [node.value for node in found.walk() if isinstance(node, nodes.Literal)]
    assert columns == ["a`b", "c"]
    assert strings == ['x"y', 'd"e\\f\n']


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ("from a | stats c = count(*) by x, y", ("x", "y")),
        ("from a | stats c = count(*) by t = bucket(@timestamp, 1h), x | rename x as z", ("t", "z")),
        ("from a | stats c = count(*) by x, y | stats d = max(c) by y", ("y",)),
        ("from a | stats c = count(*) by x, y | keep c, x", ("x",)),
        ("from a | stats c = count(*) by x, y | drop x", ("y",)),
        ("from a | stats c = count(*)", ()),
        ("from a | where x == 1", ()),
    ],
)
def test_the_columns_that_tell_groups_apart(query, keys):
    assert key_columns(tree(query)) == keys


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("from a | keep x, y | eval z = 1 | drop x", ("y", "z")),
        ("from a | keep x, y.a, y.b | keep y.*", ("y.a", "y.b")),
        ("from a | stats c = count(*) by x | rename x as y", ("c", "y")),
        ('from a | keep m | dissect m "%{a} %{b}"', ("m", "a", "b")),
        ("from a | keep m | enrich p on m with n = o", ("m", "n")),
        ("from a | where x == 1", ()),
    ],
)
def test_the_columns_of_the_result(query, columns):
    assert output_columns(tree(query)) == columns


def test_what_is_read_from_the_source_is_not_what_the_query_makes():
    found = tree(
        'from a metadata _id | eval b = c, d = b + e | dissect f "%{g}" | where g == "x" and _id is not null '
        "| rename h as i | drop m, n*, b | keep i, d, j* | stats k = count(l) by d | where k > 1"
    )
    assert read_fields(found) == ("c", "e", "f", "h", "l", "m")


@pytest.mark.parametrize(
    ("pipe", "fields"),
    [
        ('enrich p on a.b with n = x, m | where n == m and c == "x"', ("a.b", "c")),
        ('where c == "x" | enrich p on a.b | where n == "x" and c == "y"', ("a.b", "c")),
        ("enrich p | keep n", ()),
        ('lookup join l on a.b, c | where owner == "x" and a.b == "y"', ("a.b", "c")),
        ("lookup join l on a == b and c > 3 | keep d", ("a",)),
        ('rename a as b | lookup join l on b | eval e = concat(owner, "x") | stats count(*) by e, b', ("a",)),
        ("change_point v on t | where type is not null and pvalue < 0.1", ("t", "v")),
        ("change_point v on t as u, w | where u is not null and type == w", ("t", "type", "v")),
        ("inline stats n = count(*), m = max(v) by d = left(c, 2) | where n > m and d == e", ("c", "e", "v")),
        (
            "fork (where x == 1 | eval y = z) (stats n = count(*) by w | where n > 1) | where y == _fork",
            ("w", "x", "z"),
        ),
        ('completion c = p with {"inference_id": "x"} | where c == q', ("p", "q")),
        ('rerank s = "q" on f, g = concat(h, "") with {"inference_id": "x"} | where s > 1', ("f", "h")),
        ("uri_parts u = a | where u.domain == b", ("a",)),
        ("sample 0.1 | where a == 1", ("a",)),
        ("stats n = count(*), m = max(n) by n2 = a, b", ("a", "b", "n")),
    ],
)
def test_what_a_command_brings_is_not_the_source_s(pipe, fields):
    assert read_fields(tree(f"from a | {pipe}", "9.5")) == fields


def test_what_comes_behind_a_join_may_be_the_source_s():
    query = "from a | where b == 1 | lookup join l on c == d and e > 3 | where f == 1 | stats by g | where h == 1"
    found = tree(query, "9.5")
    assert read_fields(found) == ("b", "c")
    assert possible_fields(found) == ("b", "c", "f", "g")


@pytest.mark.parametrize("join", ["enrich p on c", "lookup join l on c"])
def test_a_column_of_a_join_has_no_type_that_could_be_refused(join):
    found = tree(f'from a | {join} | where starts_with(n, "x") and b == 1 | keep n, b, m', "9.5")
    assert not type_problems(found, StackVersion(9, 5), {"c": "keyword"})
    [problem] = type_problems(found, StackVersion(9, 5), {"c": "keyword", "n": "long"})
    assert "STARTS_WITH" in problem.message


def test_the_sources_are_as_written():
    assert sources(tree('from logs-a-*,\n  remote:logs-b, "logs c"')) == ("logs-a-*", "remote:logs-b", "logs c")


def test_an_edit_inside_another_is_gone_with_it():
    assert apply_edits("abcdef", [Edit(1, 4, "X"), Edit(2, 3, "Y"), Edit(5, 5, "Z")]) == "aXeZf"


def test_touched_lines_are_whole_lines():
    text = "one\ntwo\nthree"
    assert touched_lines(text, [Edit(5, 6, "W")]) == (2, "two", "tWo")
    assert touched_lines(text, [Edit(4, 8, "")]) == (2, "two", "")


@pytest.mark.parametrize(
    ("text", "languages", "expected"),
    [
        ("FROM a", ("EQL", "ES|QL"), True),
        ("// first\n/* then */ from a", ("EQL", "ES|QL"), True),
        ('process where process.name == "x"', ("EQL", "ES|QL"), False),
        ("SELECT * FROM processes", ("OSQuery", "ES|QL"), False),
        ("event.action:x and from:y", ("KQL", "ES|QL"), False),
        ('from: "a"', ("KQL", "ES|QL"), False),
        ("anything at all", ("ES|QL",), True),
    ],
)
def test_esql_is_told_from_other_languages(text, languages, expected):
    assert is_esql(text, languages) is expected
