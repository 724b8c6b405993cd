"""What Elasticsearch is asked before a push: it builds the query over a source of any shape, and reads nothing."""

import itertools
import uuid

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.parse import parse
from entra_deployer.plan.preflight import ask, at_any_time
from tests.reading import there

VERSION = StackVersion(8, 19)

FIELDS = {"@timestamp": "date", "user.name": "keyword", "source.ip": "ip", "size": "long"}
DOCUMENT = {"@timestamp": "2020-01-31T12:00:00Z", "user": {"name": "x"}, "source": {"ip": "10.0.0.1"}, "size": 1}
BROKEN = {
    'WHERE KQL("user.name: (x")': "Failed to parse KQL query",
    'WHERE QSTR("user.name: (x OR")': "Failed to parse query",
    'WHERE KQL("size > abc")': "abc",
    'WHERE CIDR_MATCH(source.ip, "10.0.0.0/99")': "prefix length",
    'WHERE @timestamp > NOW() - 1 day AND KQL("user.name: (x")': "Failed to parse KQL query",
}
SOUND = ('WHERE KQL("user.name: x")', "WHERE size > 5 AND @timestamp > NOW() - 1 day", "EVAL a = size")
TAILS = ("", " | STATS c = COUNT(*)")


@pytest.fixture(scope="module")
def sources(connection):
    """A source of each shape, as FROM names it."""
    elastic, name = connection.elastic, f"preflight-{uuid.uuid4().hex[:8]}"
    mappings = {"properties": {field: {"type": kind} for field, kind in FIELDS.items()}}
    shards = {f"{name}-empty": 1, f"{name}-full": 1, f"{name}-shards": 3}
    for index, number in shards.items():
        elastic.create_index(index, mappings=mappings, settings={"number_of_shards": number})
    for index in (f"{name}-full", f"{name}-shards"):
        elastic.bulk(index, [DOCUMENT] * 20)
    elastic.add_aliases([(f"{name}-empty", f"{name}-alias", {"term": {"user.name": "nobody"}})])
    yield [*shards, f"{name}-alias", f"{name}-*", f"{name}-empty, {name}-full"]
    for index in shards:
        elastic.delete_index(index)


def asked(elastic, query):
    return ask(elastic, query, apply_edits(query, at_any_time(there(parse(query, VERSION).tree))))


def test_a_query_that_would_fail_in_every_run_is_refused_over_any_source(connection, sources):
    for source, (command, reason), tail in itertools.product(sources, BROKEN.items(), TAILS):
        query = f"FROM {source} | {command}{tail}"
        faults = asked(connection.elastic, query)
        assert [reason in fault.message for fault in faults] == [True], query


def test_a_sound_query_is_taken_over_any_source(connection, sources):
    for source, command, tail in itertools.product(sources, SOUND, TAILS):
        assert asked(connection.elastic, f"FROM {source} | {command}{tail}") == []
