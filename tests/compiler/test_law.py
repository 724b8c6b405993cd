"""The law: a rule that runs at t finds what its hunt's query finds at t, and nothing falls between two runs.

Events are made, the hunt's own query is computed over all of them, and the compiled one over those that Kibana's time
range lets through.
"""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.compiler.schedule import INGEST_DELAY
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.folder import RuleSettings
from tests.compiler.build import rule
from tests.compiler.evaluator import Event, run

MINUTE, HOUR, DAY = 60, 3600, 86400
START = 40 * DAY
"""The clock of the made events; a whole number of days, as the epoch is."""

WINDOWS = [
    "@timestamp > now() - {n} {u}",
    "now() - {n} {u} <= @timestamp",
    "@timestamp >= now() - {n} {u} and @timestamp <= now()",
    "@timestamp > now() - {n} {u} and @timestamp < now() - 10 minutes",
    "@timestamp > now() - {n} {u} - 30 minutes",
    'date_diff("{u}", @timestamp, now()) < {n}',
    'date_diff("{u}", @timestamp, now()) <= {n}',
    'date_diff("{u}", now(), @timestamp) > -{n}',
    'date_diff("{u}", now(), @timestamp) >= -{n}',
    '{n} >= date_diff("{u}", @timestamp, now())',
    "not (@timestamp < now() - {n} {u})",
    "not (@timestamp < now() - {n} {u} or bad == false)",
    "(@timestamp > now() - {n} {u} and bad == true) or (@timestamp > now() - 1 hour and bad == false)",
    "date_trunc(1 hour, @timestamp) > now() - {n} {u}",
    "@timestamp >= date_trunc(1 hour, now() - {n} {u})",
    "@timestamp > now() - {n} {u} and @timestamp > now() - 2 days",
    "@timestamp >= now() - {n} {u} and @timestamp < now() - 1 hour",
    "@timestamp > now() - 1 hour or (@timestamp > now() - {n} {u} and @timestamp < now() - 90 minutes)",
    "not (@timestamp <= now() - {n} {u} or @timestamp > now() - 30 minutes)",
    'not (date_diff("{u}", @timestamp, now()) >= {n})',
    'date_diff("{u}", @timestamp, now()) == {n}',
    'date_diff("{u}", @timestamp, now()) >= 1 and date_diff("{u}", @timestamp, now()) < {n}',
    "event.ingested > now() - {n} {u}",
    "event.ingested >= now() - {n} {u} and @timestamp < now() - 10 minutes",
    "@timestamp > now() - {n} {u} and event.ingested > now() - 1 hour",
    "@timestamp + {n} {u} > now()",
    "now() < @timestamp + {n} {u} and @timestamp <= now()",
    "date_trunc(1 hour, @timestamp) >= date_trunc(1 hour, now()) - {n} {u}",
]
SHAPES = [
    "from a | where {w} | keep id",
    "from a | where bad == true and {w} | keep id",
    "from a | where {w} | stats c = count(*) by who | where c >= 2",
    "from a | eval recent = {w} | where recent | stats c = count(*) by who",
    "from a | where @timestamp > now() - 20 days | stats c = count(*) where {w}, d = count(*) by who | where c > 0",
    "from a | where {w} | where bad == true | stats first_seen = min(@timestamp), c = count(*) by who | where c < 3",
    "from a | eval old = not ({w}) | where not old | keep id",
    "from a | where @timestamp > now() - 20 days | eval new = {w} | stats c = count(*) where new, d = count(*) by who",
]
ALIASES = [
    'from a | eval age = date_diff("{u}", @timestamp, now()) | where age < {n} | stats c = count(*) by who',
    "from a | eval limit = now() - {n} {u} | where @timestamp > limit and bad == true | keep id",
    "from a | eval t = @timestamp | where t > now() - {n} {u} | stats c = count(*) by who | where c > 1",
    "from a | where @timestamp > now() - 20 days | stats t = max(@timestamp) by who | where t < now() - {n} {u}",
    "from a | stats c = count(*) by b = date_trunc(1 hour, @timestamp), who | where b >= now() - {n} {u}",
]
QUERIES = [shape.replace("{w}", window) for shape in SHAPES for window in WINDOWS] + ALIASES


@st.composite
def made_events(draw, most=12 * DAY):
    ages = draw(st.lists(st.integers(1, most), min_size=1, max_size=12))
    return [
        Event(number, START - age, START - age + draw(st.integers(0, INGEST_DELAY)), draw(st.sampled_from("uvw")),
              draw(st.booleans()))
        for number, age in enumerate(ages)
    ]  # fmt: skip


def seconds(math: str) -> float:
    """The seconds before now of `now-2d`; the test holds that the compiler writes no other form here."""
    found = re.fullmatch(r"now(?:-(\d+)([smhd]))?", math)
    assert found, math
    return int(found[1]) * {"s": 1, "m": 60, "h": HOUR, "d": DAY}[found[2]] if found[1] else 0


def in_range(payload, events, now):
    by = payload.get("timestamp_override", "@timestamp")
    start, end = now - seconds(payload["from"]), now - seconds(payload["to"])
    return [event for event in events if start <= event.row()[by] <= end]


@cache
def tree_of(query):
    parsed = parse(query, StackVersion(8, 19))
    assert parsed.tree, parsed.problems
    return parsed.tree


@settings(max_examples=120, deadline=None)
@given(
    query=st.sampled_from(QUERIES),
    events=made_events(),
    number=st.sampled_from([2, 5]),
    unit=st.sampled_from(["hours", "days"]),
)
def test_a_run_finds_what_the_hunt_finds(query, events, number, unit):
    text = query.replace("{n}", str(number)).replace("{u}", unit)
    payload = rule(text).rule.payload
    now = START + 0.5  # events lie on whole seconds: no event stands on an edge, where > and >= part
    expected = run(tree_of(text), events, now)
    found = run(tree_of(payload["query"]), in_range(payload, events, now), now)
    assert found == expected


@pytest.mark.parametrize("window", [5 * MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, 3 * DAY])
@settings(max_examples=20, deadline=None)
@given(late=st.lists(st.tuples(st.integers(0, 2 * HOUR), st.integers(0, INGEST_DELAY)), min_size=1, max_size=8))
def test_no_row_falls_between_two_runs_however_late_it_arrives(window, late):
    payload = rule(f"from a | where @timestamp > now() - {window} seconds | keep id").rule.payload
    every = seconds(f"now-{payload['interval']}")
    events = [Event(n, START - age, START - age + delay, "u") for n, (age, delay) in enumerate(late)]
    query, found = tree_of(payload["query"]), set()
    for tick in range(int(4 * HOUR // every) + 2):
        now = START - 2 * HOUR + tick * every
        found |= run(query, in_range(payload, events, now), now)
    assert found == {event.id for event in events}


@pytest.mark.parametrize(
    "condition",
    [
        'eval age = date_diff("minute", first_seen, now()) | where age <= {n}',
        'where date_diff("minute", first_seen, now()) < {n}',
        "where first_seen > now() - {n} minutes",
        "where now() - {n} minutes <= first_seen",
    ],
)
@settings(max_examples=15, deadline=None)
@given(
    recency=st.integers(7, 90), begin=st.integers(0, 2 * HOUR), delay=st.integers(0, INGEST_DELAY), old=st.booleans()
)
def test_who_is_new_is_looked_at_while_new(condition, recency, begin, delay, old):
    query = f"from a | stats first_seen = min(@timestamp) by who | {condition.replace('{n}', str(recency))}"
    payload = rule(query).rule.payload
    every = seconds(f"now-{payload['interval']}")
    events = [Event(1, START - begin, START - begin + delay, "new")]
    if old:
        events.append(Event(2, START - 3 * DAY, START - 3 * DAY, "new"))
    compiled = tree_of(payload["query"])
    found = set()
    for tick in range(int(4 * HOUR // every) + 2):
        now = START - 2 * HOUR + tick * every
        found |= run(compiled, in_range(payload, events, now), now)
    assert found == (set() if old else {"new"})


@settings(max_examples=50, deadline=None)
@given(window=st.integers(60, 40 * DAY), delay=st.integers(1, 90), rows=st.booleans())
def test_runs_overlap_by_the_ingest_delay_where_the_window_leaves_room(window, delay, rows):
    text = f"from a | where @timestamp > now() - {window} seconds" + ("" if rows else " | stats c = count(*) by who")
    made = rule(text, settings=RuleSettings(ingest_delay=f"{delay}m"))
    payload = made.rule.payload
    start = str(payload["from"])
    overlap = seconds(start) - seconds(f"now-{payload['interval']}")
    told = any(remark.code == "DEP037" for remark in made.remarks)
    assert overlap >= delay * 60 or (told and not rows)
    assert rows or seconds(start) == window
