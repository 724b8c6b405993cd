"""Every check speaks of its bad example and is silent on its good one; its edges stand in `cases/DEPnnn.yaml`.

A case has `fail` (queries of which the check speaks) or `pass` (of which it is silent), and what differs from the
usual: `version`, `license`, `rule_yaml`, `mitre`. Of a `fail` it may say `count`, `level`, `at` (line:column of the
query), `says` (a part of the message), `hints` (all of them) or `hint_begins`.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Example, Subject
from entra_deployer.checks.run import run_checks
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.issue import Issue
from entra_deployer.core.json import merge_patch
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse, type_problems
from entra_deployer.esql.patterns.regex import like_to_regex
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.hunts.rule_yaml import read_rule_yaml
from entra_deployer.objects.rule_fields import RULE_FIELDS
from tests.compiler.build import hunt
from tests.reading import there

RULE_YAML = "rules/a_hunt/rule.yaml"


def subject_of(example: Example) -> Subject:
    one = hunt(example.query, mitre=example.mitre, places={"mitre[0]": 40})
    said, problems = read_rule_yaml(example.rule_yaml, source=RULE_YAML, hunt=one, subject="a_hunt")
    assert not problems, problems
    target = Target("test", "default", StackVersion.parse(example.version), example.license)
    knowledge = load_knowledge()
    compiled = compile_source(RuleSource("a_hunt", one, said), target, knowledge)
    assert not compiled.issues, compiled.issues
    [rule] = compiled.rules
    types = knowledge.field_types(sources(rule.tree))
    faults = type_problems(rule.tree, target.version, types) if types else ()
    return Subject(rule, target, knowledge, faults)


def issues_of(example: Example) -> tuple[Issue, ...]:
    return run_checks(subject_of(example))


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_a_check_speaks_of_its_bad_example(code):
    found = [issue for issue in issues_of(CHECKS[code].bad) if issue.code == code]
    assert found
    for issue in found:
        assert issue.location
        assert issue.location.line >= 10 or issue.location.path.endswith("/rule.yaml")
        assert "\n" not in issue.message


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_a_check_is_silent_on_its_good_example(code):
    assert code not in {issue.code for issue in issues_of(CHECKS[code].good)}


def test_each_check_stands_in_a_file_of_its_own_under_its_code():
    for code, check in CHECKS.items():
        file = Path(check.run.__code__.co_filename)
        assert check.code == code
        assert file.read_text("utf-8").startswith(f'"""{code}: ')
    assert len({check.run.__code__.co_filename for check in CHECKS.values()}) == len(CHECKS)


def codes(query: str, **options) -> set[str]:
    return {issue.code for issue in issues_of(Example(query, **options))}


def hints(code: str, query: str, **options) -> list[str | None]:
    return [issue.hint for issue in issues_of(Example(query, **options)) if issue.code == code]


def test_a_silenced_check_is_silent_and_its_reason_is_asked_for():
    query = 'from a | where source.domain != "x" and @timestamp > now() - 1 day | stats c = count(*) by user.name'
    query += " | sort c | limit 10"
    assert "DEP015" in codes(query)
    assert codes(query, rule_yaml="silence:\n  DEP015: only documents with a domain are of interest") == set()


@pytest.mark.parametrize(
    ("code", "word"),
    [("DEP999", "no check"), ("DEP018", "nothing to say"), ("DEP025", "cannot run")],
)
def test_a_silence_without_effect_is_said(code, word):
    rule_yaml = f"silence:\n  {code}: because"
    found = [i for i in issues_of(Example("from a | keep x", rule_yaml=rule_yaml)) if i.code == "DEP026"]
    assert [word in issue.message for issue in found] == [True]


@pytest.mark.parametrize(
    ("rule_yaml", "code", "place"),
    [
        ("severity: low\ntactics:\n- Initial Access\n- Exfiltration", "DEP019", "4:3"),
        ("severity: low\nsilence:\n  DEP999: because", "DEP026", "3:3"),
        ("max_signals: 5000", "DEP023", "1:1"),
        ("lookback: 10m\ninterval: 1h", "DEP017", "2:1"),
        ("fields:\n  rule_name_override: host.name", "DEP045", "2:3"),
        ("fields:\n  alert_suppression:\n    group_by: [user.name, a, user.name, b]", "DEP045", "3:27"),
        ("fields:\n  alert_suppression:\n    group_by: [a, b, c, d]", "DEP050", "3:5"),
        ("fields:\n  severity: low\n  filters: []", "DEP050", "3:3"),
        ("queries:\n  mine:\n    fields:\n      filters: []", "DEP050", "4:7"),
        ("fields: {note: x}\nqueries:\n  mine:\n    tactics: [Exfiltration]", "DEP019", "4:15"),
    ],
)
def test_what_is_about_rule_yaml_stands_there(rule_yaml, code, place):
    query = "from a | where @timestamp > now() - 1 day | stats c = count(*) by user.name"
    found = [issue for issue in issues_of(Example(query, rule_yaml=rule_yaml)) if issue.code == code]
    assert str(found[0].location) == f"{RULE_YAML}:{place}"


@pytest.mark.parametrize("text", ["C:\\Windows\\*", 'a"b\\*', "a\tb*"])
def test_the_pattern_to_write_matches_what_the_constant_begins_with(text):
    """A backslash is a sign of LIKE's own, and one of a string's."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    [hint] = hints("DEP033", f'from a | where starts_with(x, "{quoted}")')
    tree = parse(f"from a | where {there(hint).split('`')[1]}", StackVersion(8, 19)).tree
    [literal] = [node.patterns[0] for node in there(tree).walk() if isinstance(node, nodes.Like)]
    assert isinstance(literal, nodes.Literal)
    pattern = literal.value
    assert re.fullmatch(like_to_regex(pattern), text.replace("*", "anything"))
    assert not re.fullmatch(like_to_regex(pattern), text.replace("*", "anything")[1:])


@pytest.fixture(scope="module")
def aggregating() -> Subject:
    return subject_of(Example("from a | where @timestamp > now() - 14 days | stats c = count(*) by user.name"))


scalars = st.none() | st.booleans() | st.integers(-5, 2000) | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["group_by", "duration", "value", "unit", "field", "a"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(max_examples=50)
@given(fields=st.dictionaries(st.sampled_from(sorted(RULE_FIELDS)), values, max_size=4))
def test_whatever_fields_say_every_check_is_made(aggregating, fields):
    payload = merge_patch(aggregating.payload, fields)
    rule = replace(aggregating.rule, rule=replace(aggregating.rule.rule, payload=payload))
    issues = run_checks(replace(aggregating, rule=rule))
    assert [issue for issue in issues if "was not checked" in issue.message] == []


CASES = Path(__file__).with_name("cases")


def read_cases() -> Iterator[Any]:
    for file in sorted(CASES.glob("*.yaml")):
        for name, entries in yaml.safe_load(file.read_text("utf-8")).items():
            for number, entry in enumerate(entries if isinstance(entries, list) else [entries]):
                queries = entry.get("fail", entry.get("pass"))
                for place, query in enumerate(queries if isinstance(queries, list) else [queries]):
                    yield pytest.param(file.stem, query, entry, id=f"{file.stem}-{name}-{number}-{place}")


@pytest.mark.parametrize(("code", "query", "case"), list(read_cases()))
def test_a_case_of_a_check(code, query, case):
    options = {name: case[name] for name in ("version", "license", "rule_yaml") if name in case}
    mitre = tuple(case.get("mitre", ("T1078.004",)))
    issues = [issue for issue in issues_of(Example(query, mitre=mitre, **options)) if issue.code == code]
    assert ("pass" in case) != ("fail" in case)
    if "pass" in case:
        assert not issues
        return
    assert issues
    assert len(issues) == case.get("count", len(issues))
    assert {issue.level.value for issue in issues} == {case.get("level", issues[0].level.value)}
    assert [issue.hint for issue in issues] == case.get("hints", [issue.hint for issue in issues])
    for issue in issues:
        assert case.get("says", "") in issue.message
        assert (issue.hint or "").startswith(case.get("hint_begins", ""))
    if "at" in case:
        assert f"{there(issues[0].location).line - 9}:{there(issues[0].location).column}" == case["at"]


def test_every_file_of_cases_is_of_a_check_and_has_a_case_of_each_kind():
    for file in CASES.glob("*.yaml"):
        assert file.stem in CHECKS
    kinds = {(case.values[0], "pass" in case.values[2]) for case in read_cases()}
    assert kinds >= {(code, passes) for code in CHECKS for passes in (True, False)}
