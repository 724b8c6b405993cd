"""What the runs of a rule come to."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.forecast.alerts import Row, Run, Scheme
from entra_deployer.forecast.figures import Version, difference, figures_of, flood, shares
from entra_deployer.forecast.trial import evenly, scheduled_runs

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def version(*runs, before="", scheme=None, limit=1000, scheduled=0, documents=True):
    """Runs five minutes apart, the last one now, each the names of what it found; `before` the run ahead of them."""
    scheme, scheduled = scheme or Scheme(most=3), scheduled or len(runs)
    runs = (before, *runs)
    first = NOW - (len(runs) - 1) * timedelta(minutes=5)
    made = []
    for number, names in enumerate(runs):
        rows = tuple(Row(name if documents else "", name, name) for name in names)
        made.append(Run(first + number * timedelta(minutes=5), rows, 10, 4))
    return Version(scheme, tuple(made), limit, scheduled)


def test_the_figures_of_a_version():
    found = figures_of(version("ab", "", "abcdef", scheduled=6), 2)
    assert (found.alerts, found.a_day, found.entities) == (5, 2.5, 5)
    assert found.noisiest == tuple((name, 1) for name in "abcde")
    assert (found.most_rows, found.limit, found.max_signals, found.full_runs) == (6, 1000, 3, 1)
    assert (found.runs, found.scheduled, found.is_sampled, found.fires) == (3, 6, True, True)
    assert (found.mean_ms, found.slowest_ms, found.documents) == (10, 10, 16)


def test_what_the_run_before_found_is_known_already():
    found = figures_of(version("ab", "abc", before="a"), 1)
    assert (found.alerts, found.noisiest) == (2, (("b", 1), ("c", 1)))
    assert difference(version("ab", before="a"), version("ab")) == (("a",), ())
    assert flood(version("b", before="a"), version("abc")) == 3 - 1


def test_a_rule_that_found_nothing_has_figures_too():
    found = figures_of(version("", ""), 7)
    assert (found.alerts, found.fires, found.noisiest, found.is_sampled) == (0, False, (), False)


def test_entities_of_one_version_alone():
    assert difference(version("ab"), version("bc")) == (("c",), ("a",))
    assert difference(None, version("ba")) == (("a", "b"), ())


@pytest.mark.parametrize(
    ("old", "new", "at_once"),
    [
        (None, version("ab", "abc"), 3),
        (None, version("ab", "abcdef"), 3),
        (version("ab", ""), version("", "abc"), 1),
        (version("ab", "abc"), version("", "abc"), 1),
        (version("ab", "", scheme=Scheme(group_by=("x",), period=timedelta(hours=1)), documents=False),
         version("", "abc", scheme=Scheme(group_by=("x",), period=timedelta(hours=1)), documents=False), 1),
        (version("ab", "", scheme=Scheme(group_by=("x",), period=timedelta(hours=1)), documents=False),
         version("", "abc", scheme=Scheme(group_by=("y",), period=timedelta(hours=1)), documents=False), 3),
    ],
)  # fmt: skip
def test_the_flood_is_what_the_first_run_alerts_on_anew(old, new, at_once):
    assert flood(old, new) == at_once


def test_the_time_is_shared_and_each_version_has_some_runs():
    assert shares([0.1, 1.0], 10, 2, least=5) == [100, 10]
    assert shares([60.0], 10, 1, least=5) == [5]
    assert shares([], 10, 1, least=5) == []


@given(st.integers(1, 300), st.integers(1, 400))
def test_moments_are_evenly_apart_at_most_so_many_with_both_ends(count, most):
    moments = [NOW + number * timedelta(minutes=5) for number in range(count)]
    found = evenly(moments, most)
    assert len(found) == min(count, max(most, 2))
    assert (found[0], found[-1]) == (moments[0], moments[-1])
    steps = [(later - earlier) / timedelta(minutes=5) for earlier, later in pairwise(found)]
    assert max(steps, default=1) - min(steps, default=1) <= 1


def test_runs_are_those_of_the_schedule_with_one_before_and_the_last_one_is_now():
    found = scheduled_runs({"interval": "15m", "from": "now-1h"}, NOW, 1)
    assert (len(found), found[0], found[-1]) == (97, NOW - timedelta(days=1), NOW)
    assert scheduled_runs({"interval": "2d"}, NOW, 1) == (NOW - timedelta(days=2), NOW)
