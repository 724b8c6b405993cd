"""A compiled rule finds on its test documents what the hunt's own query finds on them."""

import pytest

from entra_deployer.esql.rule_query import read_query
from entra_deployer.repository import OFFLINE, Repository
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.seeding import Batch, Run, seeded
from tests.integration.projects import REPOSITORY

pytestmark = pytest.mark.any_stack

COMPILATION = Repository(REPOSITORY).compile(OFFLINE)
RULES = {rule.rule.name: rule for rule in COMPILATION.rules}


@pytest.fixture(scope="module")
def elastic(stack):
    client = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, stack.user)))
    yield client
    client.close()


@pytest.mark.parametrize("name", sorted(RULES))
def test_a_rule_and_its_hunt_find_the_same(elastic, name):
    rule = RULES[name]
    [source] = [source for source in COMPILATION.sources if source.folder == rule.folder]
    tests = tuple(test for test in source.tests if test.query in (None, rule.query_key))
    run = Run(f"same{sorted(RULES).index(name)}", elastic.now(), embedded=True)
    index = run.name("r0")
    with seeded(elastic, [Batch(index, tests)], run):
        within = time_range(rule.rule.payload, run.now)
        compiled = read_query(str(rule.rule.payload["query"]), OFFLINE.version).at(index)
        found_by_rule = elastic.query(compiled, filter=within)
        found_by_hunt = elastic.query(read_query(rule.query.text, OFFLINE.version).at(index))
    columns = [column.name for column in found_by_hunt.columns]
    assert rows(found_by_rule, columns) == rows(found_by_hunt, columns) != []
    assert {column.name for column in found_by_rule.columns} - set(columns) <= {"_id", "_index", "_version"}


def rows(result, columns):
    """The rows in an order of their own; several values of one column have none."""
    records = ([record[column] for column in columns] for record in result.records())
    return sorted(repr([sorted(one) if isinstance(one, list) else one for one in record]) for record in records)
