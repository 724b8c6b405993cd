"""The parser's answers are kept by content, and never outlive it."""

import pytest

from entra_deployer.core.cache import Cache
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.cache import SyntaxCache, parsed_from_json, parsed_to_json
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse
from tests.reading import there

V = StackVersion(8, 19)
QUERIES = [
    "from a metadata _id | where x == 1 and not (y in (1, 2.5) or z is not null) // why\n| keep a*, `b c`",
    'from a | dissect m "%{b} %{c}" | eval d = b::int + -1, e = case(c like "x*", true, null) | rename e as f',
    (
        "from a | stats c = count(*) where x > now() - 1 day, m = max(y) by t = bucket(@timestamp, 1h), user.name "
        "| sort c desc, m | limit 10"
    ),
    'from a | where match(u, "x", {"fuzziness": "AUTO"}) | mv_expand u | grok m "%{WORD:w}" | where w : "q"',
    "from a | enrich p on b.c with n = o, `p q` | lookup join l on n, b.c | change_point v on t as x, y",
    "from a | where",
    "from a | eval x = no_such_function(1)",
]


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_kept_reads_back_as_it_was(query):
    parsed = parse(query, V)
    assert parsed_from_json(parsed_to_json(parsed)) == parsed


def test_a_command_inside_a_command_reads_back_as_it_was():
    parsed = parse("from a | fork (where b == 1 | eval c = d) (stats n = count(*) by e)", StackVersion(9, 5))
    assert parsed.tree
    assert parsed_from_json(parsed_to_json(parsed)) == parsed


@pytest.mark.parametrize("query", QUERIES)
def test_a_second_process_gets_the_same_answer_without_asking(query, tmp_path):
    first = SyntaxCache(Cache(tmp_path)).parse(query, V)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.glob("??/*")}
    assert len(files) == 1
    assert SyntaxCache(Cache(tmp_path)).parse(query, V) == first == parse(query, V)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("??/*")} == files


def test_another_text_version_or_mapping_is_another_question(tmp_path):
    cache = SyntaxCache(Cache(tmp_path))
    cache.parse("from a", V)
    cache.parse("from b", V)
    cache.parse("from a", StackVersion(9, 4))
    tree = there(cache.parse('from a | where x == "1"', V).tree)
    assert cache.type_problems(tree, V, {"x": "long"})
    assert not cache.type_problems(tree, V, {"x": "keyword"})
    assert len(list(tmp_path.glob("??/*"))) == 6


def test_a_broken_entry_is_asked_for_again(tmp_path):
    SyntaxCache(Cache(tmp_path)).parse("from a", V)
    [file] = tmp_path.glob("??/*")
    for text in ("", "{", "[]", '{"tree": {"_": "NoSuchNode"}, "problems": []}', '{"tree": {"_": "Tree"}}'):
        file.write_text(text, "utf-8")
        assert SyntaxCache(Cache(tmp_path)).parse("from a", V) == parse("from a", V)


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path):
    (tmp_path / "file").write_text("", "utf-8")
    assert SyntaxCache(Cache(tmp_path / "file")).parse("from a", V) == parse("from a", V)


@pytest.mark.parametrize(
    "text",
    [
        "from logs-a-*, logs-b metadata _id, _index\n| where x == 1",
        "FROM cluster:logs-a-*,-logs-a-x | limit 1",
        'from "logs-a-*" | limit 1',
        "from logs-a-* // from logs-b | limit\n| limit 1",
        "from logs-a-*",
        "row x = 1 | limit 1",
        "from logs-a-* | lookup join names on x | limit 1",
        "from",
    ],
)
def test_the_sources_of_a_query_are_those_of_its_tree(tmp_path, text):
    tree = parse(text, V).tree
    assert SyntaxCache(Cache(tmp_path)).sources(text, V) == (sources(tree) if tree else ())
