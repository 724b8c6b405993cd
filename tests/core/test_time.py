"""Time: each unit and spelling is known once, and to all who need it."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.compiler.moments import Distance, TimeColumn, length, meaning
from entra_deployer.core import time
from entra_deployer.core.target import StackVersion
from entra_deployer.core.time import (
    CALENDAR,
    difference_unit,
    esql_seconds,
    esql_unit,
    format_duration,
    format_moment,
    format_span,
    math_age,
    parse_duration,
    parse_moment,
    parse_span,
)
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.constants import age
from entra_deployer.esql.operations import of_time
from entra_deployer.esql.parse import parse
from entra_deployer.verify.mutate.mutants import mutations

SPELLINGS = sorted(time._SPELLINGS)
parse("FROM a", StackVersion(8, 19))  # raises the recursion limit once, of which hypothesis would warn within a test


def parsed(condition):
    tree = parse(f"FROM logs-a | WHERE {condition}", StackVersion(8, 19)).tree
    assert tree is not None, condition
    where = tree.commands[-1]
    assert isinstance(where, nodes.Where)
    return tree, where.predicate


@pytest.mark.parametrize("unit", SPELLINGS)
@settings(max_examples=10, deadline=None)
@given(amount=st.integers(1, 400), upper=st.booleans())
def test_compiler_generator_and_mutants_agree_on_each_unit(unit, amount, upper):
    tree, where = parsed(f"@timestamp > NOW() - {amount} {unit.upper() if upper else unit}")
    expected = esql_seconds(amount, unit)
    assert expected is not None
    assert length(where.right.right) == (expected, esql_unit(unit) not in CALENDAR)  # what the compiler makes of it
    assert age(where.right) == expected  # what the generator of tests makes of it
    halved = [mutation.of(tree.text) for mutation in mutations(tree) if mutation.what == "window halved"]
    assert halved == [f"FROM logs-a | WHERE @timestamp > NOW() - {int(expected // 2)} seconds"]


def test_all_of_a_unit_s_spellings_are_one():
    names: dict[str | None, set[float | None]] = {}
    for spelling in SPELLINGS:
        names.setdefault(esql_unit(spelling), set()).add(esql_seconds(1, spelling))
    assert all(len(seconds) == 1 for seconds in names.values())
    assert names["month"] == {31 * 86400}
    assert [esql_unit(word) for word in ("MO", "Yr", "days", "fortnight", "")] == ["month", "year", "day", None, None]


def test_the_units_of_date_diff_are_its_own():
    assert difference_unit("m") == ("month", 31 * 86400)
    assert difference_unit("n") == difference_unit("mi") == difference_unit("Minutes") == ("minute", 60)
    assert [difference_unit(word) for word in ("min", "h", "mo", "")] == [None] * 4


@pytest.mark.parametrize("unit", ["day", "dd", "m", "mi", "yyyy", "hh"])
def test_compiler_and_evaluator_agree_on_the_units_of_date_diff(unit):
    found = difference_unit(unit)
    assert found
    _, seconds = found
    _, where = parsed(f'DATE_DIFF("{unit}", @timestamp, NOW()) <= 3')
    distance = meaning(where.left, {"@timestamp": TimeColumn("@timestamp")})
    assert isinstance(distance, Distance)
    assert distance.unit == seconds
    first = datetime(2026, 1, 1, tzinfo=UTC)
    assert of_time("date_diff", [unit, first, first + timedelta(seconds=3 * seconds)]) == 3


@given(st.integers(1, 99999), st.sampled_from("smhd"))
def test_a_duration_is_read_as_it_was_written(number, unit):
    seconds = parse_duration(f"{number}{unit}")
    assert parse_duration(format_duration(seconds)) == seconds
    assert parse_span(format_span(seconds)) == seconds
    assert math_age(f"now-{number}{unit}") == math_age(f"now-{number}{unit}/{unit}") == seconds
    assert math_age(f"now+{number}{unit}") == -seconds


@given(st.text(st.sampled_from("0123456789smhdwMy now-+/. "), max_size=14))
def test_no_text_is_a_fault(text):
    assert math_age(text) is None or text.startswith("now")
    for read in (parse_duration, parse_span):
        with suppress(ValueError):
            assert 0 <= read(text) < 10**11


def test_date_math_knows_months_and_years():
    assert (math_age("now"), math_age("now-1M/M"), math_age("now-1y")) == (0, 31 * 86400, 366 * 86400)
    assert [math_age(text) for text in ("now-5", "5m", "2026-01-01||-1d", None, 5)] == [None] * 5


@given(st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))
def test_a_moment_is_read_as_it_was_written(moment):
    to_milliseconds = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_moment(format_moment(moment)) == to_milliseconds


def test_a_moment_without_a_zone_is_in_utc():
    assert parse_moment("2026-11-26T01:00") == datetime(2026, 11, 26, 1, tzinfo=UTC)
    assert parse_moment("2026-11-26T01:00+02:00") == datetime(2026, 11, 25, 23, tzinfo=UTC)
    assert [parse_moment(text) for text in ("", "2026-13-01", "now", "0001-01-01T00:00:00+23:59")] == [None] * 4


MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, MOMENTS, st.booleans())
def test_the_last_time_of_the_week_is_the_nearest_one_before(then, now, with_day):
    text = time.time_of_week(then) if with_day else f"{then:%H:%M}"
    found = time.last_time_of_week(text, now)
    assert time.time_of_week(found).endswith(text)
    assert timedelta(0) <= now - found < timedelta(days=7 if with_day else 1)
