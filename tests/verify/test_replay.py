"""Time travel: the clock of a tick, and which ticks there are."""

from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.core.errors import InputError, UsageError
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.edits import apply_edits
from entra_deployer.esql.rule_query import clock_edits, read_query
from entra_deployer.stack.search import Column, QueryResult
from entra_deployer.verify.replay import Journey, replay
from entra_deployer.verify.run import Bench, RuleUnderTest

V = StackVersion(8, 19, 21)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
AT = 'TO_DATETIME("2026-03-01T00:00:00.000Z")'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM a | WHERE t > NOW() - 1 day", f"FROM a | WHERE t > {AT} - 1 day"),
        ("FROM a | WHERE t > now( ) // now()\n| EVAL n = Now()", f"FROM a | WHERE t > {AT} // now()\n| EVAL n = {AT}"),
        ('FROM a | WHERE b == "now()" AND now == 1', 'FROM a | WHERE b == "now()" AND now == 1'),
    ],
)
def test_only_the_clock_changes(text, expected):
    assert apply_edits(text, clock_edits(read_query(text, V).tree, NOW)) == expected


def test_the_ticks_are_those_of_the_schedule_both_ends_included():
    journey = Journey(NOW, NOW + timedelta(hours=1), timedelta(minutes=30))
    assert [tick - NOW for tick in journey.ticks()] == [timedelta(minutes=m) for m in (0, 30, 60)]
    assert Journey(NOW, NOW, timedelta(hours=1)).ticks() == [NOW]


@pytest.mark.parametrize("end", [NOW - timedelta(seconds=1), NOW + timedelta(days=9999)])
def test_a_journey_backwards_or_without_end_is_wrong_usage(end):
    with pytest.raises(UsageError):
        Journey(NOW, end, timedelta(minutes=5)).ticks()


class Days:
    """Each tick finds one user for each day of the month so far."""

    def query(self, text, *, filter=None, params=()):  # noqa: A002
        day = int(filter["range"]["@timestamp"]["lte"][8:10])
        return QueryResult((Column("user.name", "keyword"),), tuple((f"u{number}",) for number in range(1, day)))


def bench(embedded=True):
    return bench_of(Days(), embedded)


def bench_of(server, embedded, previewer=None):
    return Bench(server, previewer, V, lambda: NOW, "x", embedded=embedded)


def test_each_tick_tells_what_no_earlier_one_had_found():
    rule = RuleUnderTest(
        "r", "R", {"query": "FROM a | STATS n = COUNT(*) BY user.name", "from": "now-1d"}, (), ("user.name",)
    )
    ticks = replay(rule, bench(), Journey(NOW, NOW + timedelta(days=2), timedelta(days=1)))
    assert [(tick.at[:10], tick.rows, tick.new) for tick in ticks] == [
        ("2026-03-01", 0, ()),
        ("2026-03-02", 1, ("u1",)),
        ("2026-03-03", 2, ("u2",)),
    ]


@pytest.mark.parametrize("query", ["FROM a | wher", "FROM a | STATS n = COUNT(*) BY c = CATEGORIZE(m)"])
def test_what_cannot_run_is_not_sent(query):
    with pytest.raises(InputError):
        replay(RuleUnderTest("r", "R", {"query": query}, ()), bench(), Journey(NOW, NOW, timedelta(days=1)))
