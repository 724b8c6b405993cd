"""When a rule runs, how far it looks back, and what keeps it from alerting twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.compiler.schedule import Wish, make_schedule, suppression
from entra_deployer.core.time import format_duration, parse_duration, say_duration
from entra_deployer.hunts.folder import RuleSettings
from tests.compiler.build import reasons, rule, target
from tests.reading import part

DAY = 86400
COUNTING = "from a | where @timestamp > now() - 14 day | stats c = count(*) by u, v, w, x"
ROWS = "from a | where @timestamp > now() - 7d"


def payload(query, **options):
    return rule(query, **options).rule.payload


def test_suppression_covers_the_window_in_units_that_kibana_has():
    assert payload(COUNTING)["alert_suppression"] == {
        "group_by": ["u", "v", "w"],
        "duration": {"value": 336, "unit": "h"},
        "missing_fields_strategy": "suppress",
    }


@pytest.mark.parametrize(
    ("version", "license", "why"),
    [("8.14", "platinum", "8.15 is the first"), ("8.19", "basic", "Platinum does"), ("8.12", "trial", "8.15")],
)
def test_without_suppression_the_rule_runs_once_a_window(version, license, why):  # noqa: A002 - Elastic's word
    found = payload(COUNTING, version=version, license=license)
    assert (found["interval"], found["from"]) == ("14d", "now-14d")
    assert "alert_suppression" not in found
    reason = reasons(COUNTING, version=version, license=license)["duplicates"]
    assert why in reason
    assert "up to 14 days after its events" in reason


def test_rule_yaml_chooses_repeats_over_delay():
    settings = RuleSettings(duplicates="none")
    found = payload(COUNTING, license="basic", settings=settings)
    assert (found["interval"], "alert_suppression" in found) == ("1h", False)
    assert "up to 336 times" in reasons(COUNTING, license="basic", settings=settings)["duplicates"]


@pytest.mark.parametrize("interval", [None, "1h"])
def test_rule_yaml_cannot_choose_what_the_target_lacks(interval):
    settings = RuleSettings(duplicates="suppress", interval=interval)
    assert payload(COUNTING, license="basic", settings=settings)["interval"] == "14d"


def test_a_result_without_groups_cannot_be_suppressed():
    found = payload("from a | where @timestamp > now() - 1d | stats c = count(*)")
    assert (found["interval"], "alert_suppression" in found) == ("1d", False)


def test_a_rule_that_keeps_its_rows_runs_often_and_needs_nothing_against_repeats():
    found = payload(ROWS)
    assert (found["interval"], found["from"], "alert_suppression" in found) == ("1h", "now-7d", False)
    assert payload("from a | where @timestamp > now() - 30 minutes")["interval"] == "5m"
    assert payload("from a | where @timestamp > now() - 1d")["interval"] == "15m"


def test_without_a_window_the_policy_says_how_far_to_look_back():
    assert payload("from a | where x == 1")["from"] == "now-1h"
    assert payload("from a | stats c = count(*) by x")["from"] == "now-1d"


def test_rule_yaml_has_the_last_word():
    found = payload(ROWS, settings=RuleSettings(interval="10m", lookback="2h"))
    assert (found["interval"], found["from"]) == ("10m", "now-2h")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("from a | where x == 1", 100),
        ("from a | sort x | limit 50", 100),
        ("from a | stats c = count(*) by x | sort c | limit 500", 500),
        ("from a | limit 5000 | keep x", 1000),
        ("from a | limit 500 | stats c = count(*) by x", 100),
    ],
)
def test_as_many_alerts_as_the_query_asks_for_up_to_what_kibana_bears(query, expected):
    assert payload(query)["max_signals"] == expected


@given(
    window=st.none() | st.integers(60, 400 * DAY),
    keys=st.lists(st.sampled_from("abcde"), max_size=5, unique=True),
    duplicates=st.sampled_from([None, "suppress", "window", "none"]),
    license=st.sampled_from(["basic", "platinum"]),
    aggregates=st.booleans(),
)
def test_no_schedule_leaves_a_gap_and_none_suppresses_what_it_may_not(window, keys, duplicates, license, aggregates):  # noqa: A002 - Elastic's word
    wish = Wish(window, 0, aggregates, tuple(keys))
    made = make_schedule(RuleSettings(duplicates=duplicates), target(license=license), wish)
    assert 60 <= made.interval <= max(made.lookback, 60)
    assert len(made.suppress_by) <= 3
    folded = suppression(made)
    assert (folded is not None) == (made.duplicates == "suppress")
    if folded:
        assert license == "platinum"
        duration = part(folded, "duration")
        assert parse_duration(f"{duration['value']}{duration['unit']}") == made.lookback
        assert duration["unit"] in "smh"
    if made.duplicates == "window":
        assert not made.overlaps


@given(st.integers(1, 10_000_000))
def test_a_duration_reads_back(seconds):
    assert parse_duration(format_duration(seconds)) == seconds
    assert parse_duration(format_duration(seconds, units="hms")) == seconds


@pytest.mark.parametrize("text", ["0m", "1w", "5 m", "-5m", "", "m"])
def test_what_kibana_refuses_is_no_duration(text):
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "words"), [(86400, "1 day"), (7200, "2 hours"), (90, "90 seconds"), (1, "1 second")]
)
def test_durations_in_words(seconds, words):
    assert say_duration(seconds) == words
