"""The tree that we read from Elastic's grammars, of each version, and the places that it tells."""

import pytest

from entra_deployer.model.target import StackVersion
from entra_deployer.syntax import nodes
from entra_deployer.syntax.columns import key_columns, output_columns, read_fields, sources
from entra_deployer.syntax.edits import Edit, apply_edits, touched_lines
from entra_deployer.syntax.language import is_esql
from entra_deployer.syntax.parser import parse

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
        ("from a | where x == 1", ()),
    ],
)
def test_the_columns_of_the_result(query, columns):
    assert output_columns(tree(query)) == columns


def test_what_is_read_from_the_source_is_not_what_the_query_makes():
    found = tree(
        'from a metadata _id | eval b = c, d = b + e | dissect f "%{g}" | where g == "x" and _id is not null '
        "| rename h as i | keep i, d, j* | stats k = count(l) by d | where k > 1"
    )
    assert read_fields(found) == ("c", "e", "f", "h", "l")


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
