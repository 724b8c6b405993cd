"""Every check speaks of its bad example and is silent on its good one."""

import re
from pathlib import Path

import pytest

from entra_deployer.checks import CHECKS
from entra_deployer.checks.check import Example, Subject
from entra_deployer.checks.run import run_checks
from entra_deployer.compiler.compiler import compile_source
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.data import load_knowledge
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import sources
from entra_deployer.esql.parse import parse, type_problems
from entra_deployer.hunts.folder import RuleSource
from entra_deployer.hunts.rule_yaml import read_rule_yaml
from entra_deployer.verify.generate.constraints import like_to_regex
from tests.compiler.build import hunt


def issues_of(example: Example) -> tuple[Issue, ...]:
    one = hunt(example.query, mitre=example.mitre, places={"mitre[0]": 40})
    settings, problems = read_rule_yaml(example.rule_yaml, source="rule.yaml", hunt=one, subject="a_hunt")
    assert not problems, problems
    target = Target("test", "default", StackVersion.parse(example.version), example.licence)
    knowledge = load_knowledge()
    compiled = compile_source(RuleSource("a_hunt", one, settings), target, knowledge)
    assert not compiled.issues, compiled.issues
    [rule] = compiled.rules
    tree = parse(example.query, target.version).tree
    assert tree
    types = knowledge.field_types(sources(tree))
    faults = type_problems(tree, target.version, types) if types else ()
    return run_checks(Subject(one, one.queries[0], settings[0], tree, rule, target, knowledge, faults))


@pytest.mark.parametrize("code", sorted(CHECKS))
def test_a_check_speaks_of_its_bad_example(code):
    found = [issue for issue in issues_of(CHECKS[code].bad) if issue.code == code]
    assert found
    for issue in found:
        assert issue.location
        assert issue.location.line >= 10
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


@pytest.mark.parametrize(
    ("version", "hint"),
    [
        ("8.15", 'write `MV_CONCAT(event.type, ",") LIKE "*start*"`'),
        ("8.19", 'write `event.type : "start"`'),
        ("9.0", 'write `MV_CONCAT(event.type, ",") LIKE "*start*"`'),
        ("9.1", 'write `event.type : "start"`'),
        ("9.2", 'write `MV_CONTAINS(event.type, "start")`'),
    ],
)
def test_an_array_field_is_asked_with_what_the_version_has(version, hint):
    assert hints("DEP014", 'from a | where event.type == "start"', version=version) == [hint]


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ('event.type in ("creation", "change")', '(event.type : "creation" OR event.type : "change")'),
        ('event.type not in ("creation", "change")', 'NOT (event.type : "creation" OR event.type : "change")'),
        ('event.type in ("creation")', 'event.type : "creation"'),
        ('process.args == "C:\\\\\\"a"', 'process.args : "C:\\\\\\"a"'),
        ('event.type like "start"', 'event.type : "start"'),
        ('event.type not like "start"', 'NOT (event.type : "start")'),
        ('cidr_match(host.ip, "10.0.0.0/8")', 'host.ip : "10.0.0.0/8"'),
        (
            'not cidr_match(host.ip, "10.0.0.0/8", "fe80::/16")',
            '(host.ip : "10.0.0.0/8" OR host.ip : "fe80::/16")',
        ),
    ],
)
def test_each_value_that_an_array_field_is_asked_for_is_in_the_hint(condition, hint):
    assert hints("DEP014", f"from a | where {condition}") == [f"write `{hint}`"]


def test_an_address_is_asked_for_as_an_address():
    found = hints("DEP014", 'from a | where host.ip == "10.0.0.1"', version="9.2")
    assert found == ['write `MV_CONTAINS(host.ip, TO_IP("10.0.0.1"))`']


@pytest.mark.parametrize("version", ["8.15", "8.19", "9.2"])
@pytest.mark.parametrize(
    "condition",
    [
        'process.args like "/tmp/*"',
        'process.args rlike "/tmp/.*"',
        'starts_with(process.args, "/tmp/")',
        'ends_with(process.args, ".sh")',
        'not (process.args not like "/tmp/*")',
    ],
)
def test_a_pattern_on_an_array_field_asks_to_expand_it(condition, version):
    [hint] = hints("DEP014", f"from a | where {condition}", version=version)
    assert hint.startswith("put `| MV_EXPAND process.args` before this WHERE")
    expanded = f"from a | mv_expand process.args | where {condition}"
    assert not hints("DEP014", expanded, version=version)


ALL_VALUES = r'CONCAT("\n", MV_CONCAT(process.args, "\n"), "\n")'


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ('not process.args like "/tmp/*"', ALL_VALUES + r' LIKE "*\n/tmp/*"'),
        ('process.args not like "/tmp/*"', f"NOT ({ALL_VALUES}" + r' LIKE "*\n/tmp/*")'),
        ('not (user.name == "x" or ends_with(process.args, ".sh"))', ALL_VALUES + r' LIKE "*.sh\n*"'),
        ('not process.args like "*tmp*"', ALL_VALUES + ' LIKE "*tmp*"'),
    ],
)
def test_a_pattern_that_no_value_may_have_is_tried_on_all_values(condition, hint):
    assert hints("DEP014", f"from a | where {condition}") == [f"write `{hint}`"]


@pytest.mark.parametrize(
    "condition",
    ['process.args like "a*b"', 'process.args like "a?"', 'process.args rlike "a.*"'],
)
def test_a_pattern_that_could_reach_into_the_next_value_is_not_tried_on_all_of_them(condition):
    [hint] = hints("DEP014", f"from a | where not {condition}")
    assert hint.startswith(r'ask `MV_CONCAT(process.args, "\n")`')


def test_a_match_on_an_array_field_is_what_is_asked_for():
    assert not hints("DEP014", 'from a | where event.type : "start" and not host.ip : "10.0.0.1"')


@pytest.mark.parametrize(
    "query",
    [
        'from a | where "start" == event.type',
        'from a | where event.type in ("start", "end")',
        'from a | where user.name == "x" and not (event.type != "start")',
    ],
)
def test_an_array_field_compared_in_any_way_is_found(query):
    assert "DEP014" in codes(query)


@pytest.mark.parametrize(
    "query",
    [
        'from a | mv_expand event.type | where event.type == "start"',
        'from a | eval event.type = mv_first(event.type) | where event.type == "start"',
        'from a | stats c = count(*) by event.type | where event.type == "start"',
    ],
)
def test_an_array_field_that_holds_one_value_by_now_is_none(query):
    assert "DEP014" not in codes(query)


@pytest.mark.parametrize(
    "condition",
    [
        'source.domain != "a"',
        'not source.domain == "a"',
        'not (source.domain == "a" or source.domain == "b")',
        'source.domain not in ("a", "b")',
        'not source.domain like "a*"',
        'source.domain not rlike "a.*"',
        'not cidr_match(source.ip, "10.0.0.0/8")',
        'not starts_with(source.domain, "a")',
    ],
)
def test_every_negation_drops_documents_without_the_field(condition):
    assert "DEP015" in codes(f"from a | where {condition}")


@pytest.mark.parametrize(
    "condition",
    [
        'source.domain is null or source.domain != "a"',
        'source.domain is not null and source.domain != "a"',
        'source.domain like "*.example" and source.domain != "a.example"',
        'not source.domain != "a"',
        'not (source.ip == "10.0.0.1" and x == 1) and source.ip in ("10.0.0.1", "10.0.0.2") and x == 1',
    ],
)
def test_a_negation_of_which_the_query_says_what_a_missing_field_means_is_none(condition):
    assert "DEP015" not in codes(f"from a | where {condition}")


def test_a_condition_on_what_was_counted_drops_no_document():
    assert "DEP015" not in codes("from a | stats c = count(*) by user.name | where c != 1")


def test_unknown_fields_are_no_issue_where_the_source_is_not_known():
    assert "DEP013" not in codes("from logs-mine-* | where no.such.field == 1")
    assert "DEP013" not in codes("from logs-azure.signinlogs-*, logs-mine-* | where no.such.field == 1")


def test_a_flattened_field_cannot_be_read():
    issues = issues_of(
        Example('from logs-azure.signinlogs*\n| where azure.signinlogs.properties.authentication_details.x == "a"')
    )
    [issue] = [issue for issue in issues if issue.code == "DEP013"]
    assert "flattened" in issue.message
    assert (issue.location.line, issue.location.column) == (11, 9)


def test_a_column_that_the_query_makes_is_known():
    assert "DEP013" not in codes("from logs-azure.signinlogs-* | eval mine = 1 | where mine == 1 | keep mine")


def test_all_computed_keys_weigh_more_than_some():
    some = "from a | eval t = date_trunc(1h, @timestamp) | stats c = count(*) by t, user.name"
    both = "from a | eval t = date_trunc(1h, @timestamp) | stats c = count(*) by t"
    levels = {query: {i.level for i in issues_of(Example(query)) if i.code == "DEP020"} for query in (some, both)}
    assert levels == {some: {Level.NOTE}, both: {Level.WARNING}}


@pytest.mark.parametrize(
    ("column", "lost"),
    [
        ("source = count(*)", True),
        ("source.ip.count = count(*)", True),
        ("kibana.x = count(*)", True),
        ("source.port = values(user.name)", True),
        ("source.ip = values(source.ip)", False),
        ("user.name = concat(user.domain, user.name)", False),
        ("sign_ins = count(*)", False),
    ],
)
def test_columns_that_ecs_has_another_idea_of_are_lost(column, lost):
    word = "stats" if "count" in column or "values" in column else "eval"
    query = f"from a | {word} {column}" + (" by event.action" if word == "stats" else " | keep user.name")
    assert ("DEP021" in codes(query)) == lost


def test_a_silenced_check_is_silent_and_its_reason_is_asked_for():
    query = 'from a | where source.domain != "x" | stats c = count(*) by user.name | sort c | limit 10'
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


def test_revoked_techniques_lead_to_what_took_their_place():
    [issue] = [i for i in issues_of(Example("from a | keep x", mitre=("T1086",))) if i.code == "DEP018"]
    assert "T1059.001 PowerShell" in issue.message
    assert issue.location.line == 40


def test_ids_of_another_matrix_are_a_note():
    [issue] = [i for i in issues_of(Example("from a | keep x", mitre=("AML.T0034",))) if i.code == "DEP018"]
    assert issue.level is Level.NOTE


@pytest.mark.parametrize(
    ("query", "version", "said"),
    [
        ("from a | mv_expand user.roles | keep user.roles", "8.19", True),
        ("from a | mv_expand user.roles | keep user.roles", "9.1", False),
        ("from a | mv_expand user.roles | stats c = count(*) by user.roles", "8.19", False),
        ("from a metadata _id | rename _id as document", "9.1", True),
    ],
)
def test_a_document_that_kibana_does_not_know_again(query, version, said):
    assert ("DEP032" in codes(query, version=version)) == said


@pytest.mark.parametrize(
    ("condition", "hint"),
    [
        ('x == "*foo*"', 'write `x LIKE "*foo*"`'),
        ('"a*" == x', 'write `x LIKE "a*"`'),
        ('x != "a*"', 'write `NOT (x LIKE "a*")`'),
        ('x in ("a*", "b")', 'write `x LIKE "a*"`'),
        ('x not in ("a", "b*")', 'write `NOT (x LIKE "b*")`'),
        ('x : "foo*"', 'write `x LIKE "foo*"`'),
        ('starts_with(x, "4d5a*")', 'write `x LIKE "4d5a*"`'),
        ('ends_with(to_lower(x), "*.dll")', 'write `to_lower(x) LIKE "*.dll"`'),
        ('contains(x, "a*")', 'write `x LIKE "*a*"`'),
        ('x == "svch?st.exe"', 'write `x LIKE "svch?st.exe"`'),
        ('x == ".*foo.*"', 'write `x RLIKE ".*foo.*"`'),
        ('x == "*"', "write `x IS NOT NULL` if any value is meant"),
        ('x != "*"', "write `x IS NULL` if no value is meant"),
        ('x == "*\\"whoami /all*"', 'write `x LIKE "*\\"whoami /all*"`'),
    ],
)
def test_a_wildcard_that_is_none_is_found_with_what_to_write(condition, hint):
    assert hints("DEP033", f"from a | where {condition}", version="9.2") == [hint]


@pytest.mark.parametrize("text", ["C:\\Windows\\*", 'a"b\\*', "a\tb*"])
def test_the_pattern_to_write_matches_what_the_constant_begins_with(text):
    """A backslash is a sign of LIKE's own, and one of a string's."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    [hint] = hints("DEP033", f'from a | where starts_with(x, "{quoted}")')
    tree = parse(f"from a | where {hint.split('`')[1]}", StackVersion(8, 19)).tree
    [pattern] = [node.patterns[0].value for node in tree.walk() if isinstance(node, nodes.Like)]
    assert re.fullmatch(like_to_regex(pattern), text.replace("*", "anything"))
    assert not re.fullmatch(like_to_regex(pattern), text.replace("*", "anything")[1:])


@pytest.mark.parametrize(
    "condition",
    [
        'x like "*foo*"',
        'x rlike ".*foo"',
        'x == "* * * * *"',
        'x == "*/5 * * * *"',
        'x == "select * from t"',
        'x == "**"',
        'x == "https://a.example/?id=1"',
        'starts_with(x, "\\\\??\\\\C:")',
        'starts_with(x, "*.")',
        'ends_with(x, "*")',
        'tls.server.x509.subject.common_name == "*.example.com"',
        'replace(x, "[0-9]", "*") == "a*"',
        'kql("x: foo*")',
    ],
)
def test_an_asterisk_that_is_meant_is_none(condition):
    assert "DEP033" not in codes(f"from a | where {condition}", version="9.2")


def test_a_column_with_the_asterisks_of_the_query_itself_holds_some():
    assert "DEP033" not in codes('from a | eval y = replace(x, "[0-9]+", "*") | where y == "port*"')


def test_to_leave_out_what_is_called_an_asterisk_is_a_note():
    levels = [
        issue.level for issue in issues_of(Example('from a | where x is null or x != "*"')) if issue.code == "DEP033"
    ]
    assert levels == [Level.NOTE]


@pytest.mark.parametrize(
    "condition",
    [
        "a >= 1 and a >= 1",
        "a >= 1 and (b == 2 and (a>=1))",
        "a == 1 or b == 2 or ( a == 1 )",
        '(a like "x*" or b == 1) and c == 1 and (a LIKE "x*" OR b == 1)',
        "not (a == 1 and a == 1)",
        "a == [1, 2] or a == [1,  2]",
    ],
)
def test_a_condition_that_stands_twice_is_found_once(condition):
    assert len(hints("DEP034", f"from x | where {condition}")) == 1


@pytest.mark.parametrize(
    "condition",
    [
        "a >= 1 and b >= 1",
        "a == 1 and not (a == 1)",
        "(a == 1 and b == 1) or (a == 1 and c == 1)",
        'a in ("x", "y") and a in ("x", "z")',
        "a == [1, 2] or a == [1, 3]",
        'a == "1" or a == 1',
        'a like "x" or a rlike "x"',
        "a == 1 or A == 1",
    ],
)
def test_conditions_that_differ_in_anything_are_not_the_same(condition):
    assert "DEP034" not in codes(f"from x | where {condition}")


def test_the_second_of_two_conditions_is_the_place():
    query = "from x\n| where a == 1 and b == 2 and\n  a ==\n  1"
    [issue] = [issue for issue in issues_of(Example(query)) if issue.code == "DEP034"]
    assert (issue.location.line, issue.location.column) == (12, 3)
    assert issue.message.endswith("under one AND: a == 1")


@pytest.mark.parametrize(
    ("query", "hint"),
    [
        ('| where to_lower(x) == "Admin"', 'write "admin"'),
        ('| where "Admin" != to_lower(x)', 'write "admin"'),
        ('| where to_lower(x) in ("a", "B")', 'write "b"'),
        ('| where (to_lower(x)) like "*Admin"', 'write "*admin"'),
        ('| where starts_with(to_lower(x), "C:")', 'write "c:"'),
        ('| where trim(to_upper(x)) == "admin"', 'write "ADMIN"'),
        ('| where to_lower(x) rlike ".*Admin"', None),
        ('| eval y = to_lower(x), z = trim(y) | where z == "Admin"', 'write "admin"'),
        ('| eval x = to_lower(x) | stats c = count(*) where x == "Admin"', 'write "admin"'),
    ],
)
def test_a_constant_in_the_other_case_is_found(query, hint):
    assert hints("DEP035", f"from a {query}") == [hint]


@pytest.mark.parametrize(
    "query",
    [
        '| where to_lower(x) == "admin" and to_upper(x) == "A-1"',
        '| where to_lower(x) rlike "[A-Za-z]+\\\\W"',
        '| where x == "Admin"',
        '| eval y = to_lower(x), y = concat("A", y) | where y == "Admin"',
        '| eval y = to_lower(x) | rename z as y | where y == "Admin"',
        '| eval y = to_lower(x) | dissect m "%{y} %{w}" | where y == "Admin"',
        '| eval y = concat("A", to_lower(x)) | where y == "Admin"',
    ],
)
def test_a_constant_in_the_case_of_the_value_is_none(query):
    assert "DEP035" not in codes(f"from a {query}")
