"""A verdict says what the events of its tests stand for."""

import pytest

from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.verify.obstacles import reads, told_of_sources


def told(query, *streams):
    tests = [DetectionTest("t", f"{stream}.yaml", stream, (), (), ()) for stream in streams or ("logs-x-default",)]
    issues = told_of_sources(read_query(query, StackVersion(8, 19)), tests, subject="Rule")
    return [(issue.code, issue.level, issue.message) for issue in issues]


@pytest.mark.parametrize("query", ["FROM logs-x*", "FROM logs-*, -logs-y-* | KEEP _index", "FROM my-alias"])
def test_a_source_that_is_the_events_own_is_nothing_to_tell(query):
    assert told(query) == []


@pytest.mark.parametrize("query", ["FROM *", "FROM *, -logs-y-*", "FROM logs-x-*, *"])
def test_every_index_is_narrowed_to_the_events_own(query):
    message = "it reads every index: the tests show it the events of logs-x-default alone"
    assert told(query) == [("DEP815", Level.NOTE, message)]


def test_other_clusters_are_told():
    message = "it reads *:logs-x-* of other clusters: the tests show it the events of logs-x-default alone"
    assert told("FROM *:logs-x-*, logs-x-*::data") == [("DEP815", Level.NOTE, message)]


def test_a_condition_on_the_index_itself_is_told():
    ((code, level, message),) = told('FROM logs-x* METADATA _index | WHERE _index LIKE "logs-x*"')
    assert (code, level) == ("DEP815", Level.WARNING)
    assert "_index" in message


def test_events_that_the_rule_never_reads_are_told():
    ((code, level, message),) = told("FROM logs-x*", "logs-x-default", "logs-y-default")
    assert (code, level) == ("DEP816", Level.WARNING)
    assert message == "logs-y-default.yaml: its events are of logs-y-default, which the rule does not read"


@pytest.mark.parametrize(
    ("patterns", "stream", "expected"),
    [
        (["logs-*"], "logs-x-default", True),
        (["*:logs-x*"], "logs-x-default", True),
        ([".ds-logs-x-*"], "logs-x-default", True),
        (["logs-*", "-logs-x-*"], "logs-x-default", False),
        (["winlogbeat-*"], "logs-x-default", False),
        (["winlogbeat-*", "all-of-it"], "logs-x-default", True),
        (["logs-x-default::data"], "logs-x-default", True),
    ],
)
def test_what_a_from_reads(patterns, stream, expected):
    assert reads(patterns, stream) is expected
