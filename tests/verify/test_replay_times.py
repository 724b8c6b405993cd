"""Times as they are typed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from entra_deployer.core.errors import UsageError
from entra_deployer.verify.replay import parse_time

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("7d ago", NOW - timedelta(days=7)),
        ("90m ago", NOW - timedelta(minutes=90)),
        ("2026-02-01", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-02-01T10:00+02:00", datetime(2026, 2, 1, 10, tzinfo=timezone(timedelta(hours=2)))),
    ],
)
def test_a_time_is_iso_or_so_long_ago(text, moment):
    assert parse_time(text, NOW) == moment


@pytest.mark.parametrize("text", ["", "yesterday", "7 days ago", "2026-13-01", "-1d ago"])
def test_anything_else_is_wrong_usage(text):
    with pytest.raises(UsageError, match="no time"):
        parse_time(text, NOW)
