"""Date math: what it means at a moment."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.local.kibana import datemath
from tests.reading import there

NOW = datetime(2026, 3, 31, 12, 34, 56, 789000, UTC)  # a Tuesday


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("now-6m", NOW - timedelta(minutes=6)),
        ("now+1h", NOW + timedelta(hours=1)),
        ("now-1d/d", datetime(2026, 3, 30, tzinfo=UTC)),
        ("now/h", datetime(2026, 3, 31, 12, tzinfo=UTC)),
        ("now/w", datetime(2026, 3, 29, tzinfo=UTC)),
        ("now/M", datetime(2026, 3, 1, tzinfo=UTC)),
        ("now-1M", datetime(2026, 2, 28, 12, 34, 56, 789000, UTC)),
        ("now-1y", datetime(2025, 3, 31, 12, 34, 56, 789000, UTC)),
        ("2026-01-01T00:00:00Z", datetime(2026, 1, 1, tzinfo=UTC)),
        ("now-99999y", None),
        ("now+9999999999d", None),
        ("now-10", None),
        ("abc", None),
        ("", None),
    ],
)
def test_an_expression(text, moment):
    assert datemath.resolve(text, NOW) == moment


@pytest.mark.parametrize(("text", "fine"), [("now-10", True), ("now-5m/m", True), ("NOW-5m", False), ("5m", False)])
def test_the_create_route_is_more_lenient(text, fine):
    assert datemath.looks_valid(text) is fine


@pytest.mark.parametrize(
    ("text", "span"),
    [("5m", timedelta(minutes=5)), ("1d", timedelta(days=1)), ("0m", None), ("1w", None), ("5 m", None), ("-5m", None)],
)
def test_a_duration(text, span):
    assert datemath.duration(text) == span


@given(st.integers(1, 10**5), st.sampled_from("smhdw"))
def test_a_step_back_and_forth_is_none(count, unit):
    back = there(datemath.resolve(f"now-{count}{unit}", NOW))
    assert datemath.resolve(f"now+{count}{unit}", back) == NOW


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_is_written_as_it_is_read(moment):
    assert datemath.parse(datemath.iso(moment)) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(st.text())
def test_any_text_has_a_meaning_or_none(text):
    moment = datemath.resolve(text, NOW)
    assert moment is None or datemath.looks_valid(text)
