"""A replay on real data equals a count by hand."""

import random
from collections import Counter
from datetime import timedelta

import pytest

from entra_deployer.core.errors import InputError
from entra_deployer.core.time import format_moment
from entra_deployer.plan.connection import Connection
from entra_deployer.verify.replay import Journey, replay
from entra_deployer.verify.run import RuleUnderTest
from entra_deployer.verify.verify_rules import make_bench

INDEX = "past-events-x"
QUERY = """FROM past-events-*
| WHERE @timestamp > NOW() - 6 hours // narrower than the rule's own range
| STATS n = COUNT(*) BY user.name
| WHERE n <= 2"""


@pytest.fixture
def bench(connection: Connection):
    connection.elastic.create_index(
        INDEX, mappings={"properties": {"@timestamp": {"type": "date"}, "user.name": {"type": "keyword"}}}
    )
    try:
        yield make_bench(connection, "default")
    finally:
        connection.elastic.delete_index(INDEX)


def test_each_tick_finds_what_a_count_by_hand_finds(bench):
    end = bench.clock().replace(microsecond=0)
    chance = random.Random(7)
    events = [(end - timedelta(seconds=chance.randrange(3 * 86400)), f"user-{chance.randrange(6)}") for _ in range(120)]
    bench.server.bulk(INDEX, [{"@timestamp": format_moment(moment), "user.name": user} for moment, user in events])
    rule = RuleUnderTest("r", "R", {"query": QUERY, "from": "now-8h", "interval": "1h"}, (), ("user.name",))
    ticks = replay(rule, bench, Journey(end - timedelta(days=2), end, timedelta(hours=1)))
    assert len(ticks) == 49
    for number, tick in enumerate(ticks):
        at = end - timedelta(days=2) + number * timedelta(hours=1)
        seen = Counter(user for moment, user in events if at - timedelta(hours=6) < moment <= at)
        assert tick.entities == tuple(sorted(user for user, count in seen.items() if count <= 2))
    assert len({tick.entities for tick in ticks}) > 10, "the clock made a difference"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (INDEX, "has no event in the time that the replay looks at"),
        ("nowhere-*", "no index is called"),
    ],
)
def test_a_replay_without_data_says_so(bench, source, said):
    end = bench.clock()
    rule = RuleUnderTest("r", "R", {"query": f"FROM {source}", "from": "now-8h", "interval": "1h"}, (), ())
    with pytest.raises(InputError, match=said) as raised:
        replay(rule, bench, Journey(end - timedelta(days=2), end, timedelta(hours=1)))
    assert "deploy local load" in str(raised.value)
