"""What the executor of each version stumbles over is rewritten, and only that."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.folder import RuleSettings
from tests.compiler.build import query_of, reasons, rule

ROWS = 'from logs-a-*\n| where user.name == "x"'


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("8.12", 'from logs-a-* [metadata _id, _index, _version]\n| where user.name == "x"'),
        ("8.13", 'from logs-a-* METADATA _id, _index, _version\n| where user.name == "x"'),
        ("9.3", 'from logs-a-* METADATA _id, _index, _version\n| where user.name == "x"'),
        ("9.4", ROWS),
    ],
)
def test_metadata_in_the_form_that_the_version_wants(version, expected):
    assert query_of(ROWS, version=version) == expected


def test_metadata_that_is_there_is_completed():
    assert query_of("from a metadata _score | keep x") == (
        "from a METADATA _score, _id, _index, _version | keep x, _id, _index, _version"
    )


def test_metadata_stands_behind_the_last_of_several_sources():
    assert query_of("from a,\n  b // two\n| where x == 1") == (
        "from a,\n  b METADATA _id, _index, _version // two\n| where x == 1"
    )


def test_the_columns_survive_every_keep():
    text = query_of("from a | keep x, y, z | keep\n  x,\n  y // both\n| sort x")
    assert text == (
        "from a METADATA _id, _index, _version | keep x, y, z, _id, _index, _version | keep\n"
        "  x,\n  y, _id, _index, _version // both\n| sort x"
    )


@pytest.mark.parametrize("columns", ["*", "x, _*"])
def test_a_keep_with_a_wildcard_keeps_them_already(columns):
    assert query_of(f"from a | keep {columns}") == f"from a METADATA _id, _index, _version | keep {columns}"


def test_from_9_4_metadata_is_written_only_where_a_keep_would_drop_what_kibana_adds():
    assert query_of("from a | keep x", version="9.4") == (
        "from a METADATA _id, _index, _version | keep x, _id, _index, _version"
    )


def test_an_aggregating_query_needs_no_metadata():
    query = "from a | stats c = count(*) by x"
    assert query_of(query) == query


def test_brackets_are_the_only_form_of_8_12_also_where_the_query_aggregates():
    query = "from a METADATA _id, _index\n| stats c = count(*) by x"
    assert query_of(query, version="8.12") == "from a [metadata _id, _index]\n| stats c = count(*) by x"
    assert query_of(query) == query


def test_brackets_are_gone_from_8_13_on():
    assert query_of("from a [metadata _id] | stats c = count(*) by x") == (
        "from a METADATA _id | stats c = count(*) by x"
    )


def test_white_space_before_stats_for_versions_that_look_at_the_text():
    query = "from a |stats c = count(*) by x"
    assert query_of(query) == "from a | stats c = count(*) by x"
    assert query_of(query, version="9.0") == query


def test_a_commented_out_stats_makes_no_aggregating_rule():
    query = "from a metadata _id, _index, _version\n// | stats c = count(*) by x\n| where x == 1"
    assert "// |stats c" in query_of(query)
    assert query_of(query, version="9.0") == query


def test_a_comment_at_the_end_cannot_swallow_the_limit_that_kibana_appends():
    assert query_of("from a | stats c = count(*) by x // rare ones") == (
        "from a | stats c = count(*) by x /* rare ones */"
    )
    assert query_of("from a | stats c = count(*) by x // 5 */ 6").endswith("// 5 */ 6\n")


def test_the_word_from_in_a_comment_names_no_index_on_8_12():
    query = "from a\n// extract the domain from the address\n| stats c = count(*) by x"
    assert "domain from: the address" in query_of(query, version="8.12")
    assert query_of(query) == query


def test_what_stands_before_the_from_is_harmless():
    query = "// events from the sign-in logs\nfrom a | stats c = count(*) by x"
    assert query_of(query, version="8.12") == query


def test_each_rewrite_says_why_and_shows_the_lines():
    one = rule("from a\n| where @timestamp > now() - 7d\n| keep x")
    found = {rewrite.code: rewrite for rewrite in one.rewrites}
    assert found["window"].line == 11
    assert (found["window"].before, found["window"].after) == ("| where @timestamp > now() - 7d", "")
    assert found["keep"].after == "| keep x, _id, _index, _version"
    assert all(rewrite.reason for rewrite in found.values())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"from": "now-2h"}, "; but by `fields` or an overlay from is now-2h"),
        ({"interval": "1m", "to": "now-1m"}, "; but by `fields` or an overlay interval is 1m, to is now-1m"),
        ({"from": "now-7d", "severity": "high"}, ""),
    ],
)
def test_a_schedule_that_the_fields_change_is_not_told_as_it_was(fields, said):
    query = "from a | where @timestamp > now() - 7d | stats c = count(*) by x"
    told = next(
        one.reason for one in rule(query, settings=RuleSettings(fields=fields)).rewrites if one.code == "schedule"
    )
    assert told.partition(" (the hunt's own window)")[2] == said


def test_a_query_as_the_executor_wants_it_is_left_alone():
    query = "from a\n| stats c = count(*) by x\n| sort c asc"
    assert query_of(query) == query
    assert set(reasons(query)) == {"schedule", "duplicates", "remark"}


@pytest.mark.parametrize("version", ["8.12", "8.19", "9.0", "9.5"])
def test_what_comes_out_parses_and_has_nothing_left_to_rewrite(version):
    query = (
        "from a metadata _score\n| where @timestamp > now() - 7d // from last week\n"
        "| keep x, y // | stats from z\n| where x == 1"
    )
    once = query_of(query, version=version)
    parsed = parse(once, StackVersion.parse(version))
    assert parsed.tree
    assert not parsed.problems
    assert query_of(once, version=version) == once


def test_a_keep_keeps_what_an_earlier_command_left():
    query = "from a metadata _id, _index, _version | rename _id as doc | keep doc, x"
    assert query_of(query).endswith("| keep doc, x, _index, _version")
