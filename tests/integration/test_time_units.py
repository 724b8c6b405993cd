"""The units of time that core/time knows are those of a real Elasticsearch."""

import pytest

from entra_deployer.core import time
from entra_deployer.core.errors import Refused
from entra_deployer.core.time import CALENDAR, difference_unit, esql_seconds, esql_unit
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme


@pytest.fixture(scope="module")
def elastic(stack):
    client = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, stack.user)))
    yield client
    client.close()


def answered(elastic, query):
    try:
        return [list(row) for row in elastic.query(query).rows]
    except Refused:
        return None


def test_each_spelling_of_a_span_is_taken_and_no_other(elastic):
    for unit in (*time._SPELLINGS, "m", "hh", "mm", "dd", "yyyy", "secs", "mins"):
        taken = answered(elastic, f"ROW a = NOW() - 3 {unit}") is not None
        assert taken == (esql_unit(unit) is not None), unit


def test_spans_are_as_long_as_they_are_there(elastic):
    for unit in time._SPELLINGS:
        if esql_unit(unit) not in CALENDAR:
            query = f'ROW a = TO_DATETIME("2026-01-05T00:00:00Z") | EVAL b = DATE_DIFF("ms", a, a + 3 {unit}) | KEEP b'
            [[found]] = answered(elastic, query)
            seconds = esql_seconds(3, unit)
            assert seconds is not None
            assert found == seconds * 1000, unit


def test_each_unit_of_date_diff_is_taken_and_no_other(elastic):
    for unit in (*time._DIFFERENCES, "min", "h", "mo", "sec", "w"):
        days = 20 if unit in ("ms", "millisecond", "milliseconds") else 400  # the answer is an integer
        query = (
            f'ROW a = TO_DATETIME("2026-01-05T00:00:00Z") | EVAL b = DATE_DIFF("{unit}", a, a + {days} days) | KEEP b'
        )
        rows, known = answered(elastic, query), difference_unit(unit)
        assert (rows is not None) == (known is not None), unit
        if known:
            name, seconds = known
            expected = {"month": 13, "quarter": 4, "year": 1}.get(name, int(days * 86400 / seconds))
            assert rows == [[expected]], unit
