"""rule.yaml: keys of queries that stay, settings for all and for one."""

import json
from itertools import permutations
from pathlib import Path

import pytest

import entra_deployer
from entra_deployer.hunts.folder import RuleSettings
from entra_deployer.hunts.hunt import Query
from entra_deployer.hunts.rule_yaml import ONLY_KEY, default_settings, query_keys, read_rule_yaml
from tests.compiler.build import hunt

TWO = ("from logs-a-*\n| where x == 1", "FROM logs-b-*, logs-c-* METADATA _id\n| stats c = count(*) by y")


def read(text: str, *queries: str):
    settings, issues = read_rule_yaml(text, source="rule.yaml", hunt=hunt(*(queries or TWO[:1])), subject="a_hunt")
    assert not issues, issues
    return settings


def test_without_a_file_a_rule_is_medium():
    [query] = default_settings(hunt(TWO[0]))
    assert query.key == ONLY_KEY
    assert query.settings == RuleSettings(severity="medium", risk_score=47, enabled=None)


def test_an_empty_file_says_nothing():
    [query] = read("# nothing\n")
    assert query.settings == RuleSettings()


def test_every_key_of_the_schema_is_a_setting():
    schema = Path(entra_deployer.__file__).parent / "data" / "schemas" / "rule.schema.json"
    properties = set(json.loads(schema.read_text("utf-8"))["properties"])
    assert properties - {"queries"} == set(RuleSettings.__dataclass_fields__)


def test_a_query_says_what_is_its_own_and_inherits_the_rest():
    first, second = read(
        "severity: high\ntags: [all]\nqueries:\n  one:\n    severity: low\n  two:\n    tags: [mine]\n", *TWO
    )
    assert (first.key, first.settings.severity, first.settings.tags) == ("one", "low", ("all",))
    assert (second.key, second.settings.severity, second.settings.tags) == ("two", "high", ("mine",))


def test_a_named_query_keeps_its_key_wherever_it_stands():
    text = "queries:\n  counting:\n    contains: count(*)\n  other:\n    contains: x == 1\n"
    for queries in permutations(TWO):
        keys = {query: one.key for query, one in zip(queries, read(text, *queries), strict=True)}
        assert keys == {TWO[0]: "other", TWO[1]: "counting"}


def test_names_without_a_text_follow_the_order_of_the_rest():
    keys = [one.key for one in read("queries:\n  a: {}\n  b:\n    contains: x == 1\n", *TWO)]
    assert keys == ["b", "a"]


def test_unnamed_queries_have_keys_that_survive_a_reordering():
    queries = [Query(text, 1) for text in (*TWO, TWO[0].replace("1", "2"))]
    keys = {order: query_keys(order) for order in permutations(queries)}
    assert len({frozenset(zip(order, found, strict=True)) for order, found in keys.items()}) == 1
    assert all(set("abcdefghijklmnopqrstuvwxyz0123456789-") >= set(key) for key in query_keys(queries))


def test_the_only_query_keeps_its_key_through_an_edit():
    assert query_keys([Query(TWO[0], 1)]) == query_keys([Query(TWO[1], 7)]) == (ONLY_KEY,)


def test_a_text_in_two_queries_singles_out_none():
    text = "queries:\n  a:\n    contains: logs\n  b: {}\n"
    settings, issues = read_rule_yaml(text, source="rule.yaml", hunt=hunt(*TWO), subject="a_hunt")
    assert not settings
    assert [str(issue.location) for issue in issues] == ["rule.yaml:3:5"]


@pytest.mark.parametrize("key", ["a b", "a/b", 'a"b'])
def test_a_key_that_no_id_can_hold_is_refused(key):
    text = json.dumps({"queries": {key: {}}})
    _, issues = read_rule_yaml(text, source="rule.yaml", hunt=hunt(TWO[0]), subject="a_hunt")
    assert issues


def test_the_documented_example_is_one():
    page = (Path(__file__).parents[2] / "docs" / "rule-yaml.md").read_text("utf-8")
    example = page.split("```yaml\n")[1].split("```")[0]
    queries = ("from logs-azure.auditlogs-* | keep x", "from logs-azure.signinlogs-* | keep x")
    first, second = read(example, *queries)
    assert (first.key, first.settings.severity) == ("added", "critical")
    assert (second.key, second.settings.severity) == ("used", "high")
    assert all(getattr(first.settings, name) for name in RuleSettings.__dataclass_fields__)


def test_names_are_for_the_esql_queries_alone():
    mixed = hunt("SELECT 1", *TWO, languages=("OSQuery", "ES|QL"))
    text = "queries:\n  counting:\n    contains: count(*)\n  other: {}\n"
    settings, issues = read_rule_yaml(text, source="rule.yaml", hunt=mixed, subject="a_hunt")
    assert not issues
    assert [one.key for one in settings] == ["not-a-rule-1", "other", "counting"]
