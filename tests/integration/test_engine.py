"""What `check --engine` and a push to `local` learn from the embedded Elasticsearch, without any data."""

import pytest

from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.plan.engine import PREFIX, judge
from tests.compiler.build import rule

VERSION = StackVersion(8, 19)
ENTRA = "FROM logs-azure.signinlogs-*\n| WHERE "
TAKEN = {
    "known": ENTRA + 'source.ip == "10.0.0.1" AND azure.signinlogs.properties.status.error_code == 50053',
    "unknown": "FROM logs-mine-*\n| WHERE my.size > 5 AND my.name LIKE \"a*\"\n| STATS c = COUNT(*) BY my.name",
    "group": "FROM logs-mine-*\n| WHERE my.size.deep > 5",
    "parts": 'FROM logs-endpoint.events.process-*\n| WHERE process.name.caseless == "a" AND process.name == "A"',
    "join": "FROM logs-mine-*\n| EVAL ip = TO_IP(my.text)\n| LOOKUP JOIN known_hosts ON ip\n| WHERE role == \"x\"",
    "kql": 'FROM logs-mine-*\n| WHERE KQL("my.name: x")',
}  # fmt: skip
REFUSED = {
    "kql": (ENTRA + 'KQL("user.name: (x or y)")', "Failed to parse KQL query", "11:13"),
    "join": ('FROM logs-mine-*\n| WHERE KQL("a: (")\n| LOOKUP JOIN known_hosts ON user.name', "KQL", "11:13"),
    "cidr": (ENTRA + 'CIDR_MATCH(source.ip, CONCAT("10.0.0.0/", "99"))', "prefix length", None),
}  # fmt: skip


def test_queries_on_sources_that_are_not_there_are_taken_where_they_are_sound(connection):
    rules = [rule(text) for text in TAKEN.values()]
    issues, taken = judge(connection.elastic, rules, VERSION)
    assert not issues
    assert taken == rules


@pytest.mark.parametrize("name", REFUSED)
def test_what_nobody_finds_offline_is_refused_at_its_place(connection, name):
    text, says, place = REFUSED[name]
    (issue,), taken = judge(connection.elastic, [rule(text)], VERSION)
    assert (issue.code, issue.level, taken) == ("DEP331", Level.ERROR, [])
    assert says in issue.message
    assert place is None or str(issue.location) == f"rules/a_hunt/hunt.md:{place}"


def test_nothing_is_left_behind(connection):
    judge(connection.elastic, [rule(text) for text in TAKEN.values()], VERSION)
    assert connection.elastic.find_indices(f"{PREFIX}-*") == ()


def test_a_query_of_which_elasticsearch_warns_hundreds_of_times_is_answered(connection):
    many = ", ".join(f"c{number} = a > {number}" for number in range(200))
    (row,) = connection.elastic.query(f"ROW a = [1, 2] | EVAL {many} | KEEP c0, c199").rows
    assert list(row) == [None, None]
