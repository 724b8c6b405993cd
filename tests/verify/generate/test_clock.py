"""Rules that ask for the hour or the day of an event: a moment of the run, and events of each kind before it."""

import re
from datetime import timedelta

import pytest

from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.clock import run_at, run_moment
from entra_deployer.verify.generate.documents import TimeRange
from entra_deployer.verify.generate.plan import read_plan
from entra_deployer.verify.generate_tests import make_cases, run_at_of
from tests.reading import there
from tests.verify.generate.test_cases import V

HOUR = 'DATE_EXTRACT("hour_of_day", @timestamp)'
DAY = 'DATE_EXTRACT("day_of_week", @timestamp)'
ASKED = [
    f"{HOUR} < 6",
    f"{HOUR} IN (1, 2, 23)",
    f"{DAY} >= 6 AND {HOUR} == 3",
    f"NOT ({HOUR} >= 7 AND {HOUR} <= 19)",
    'TO_INTEGER(DATE_FORMAT("HH", @timestamp)) >= 22',
    'DATE_FORMAT("EEEE", @timestamp) == "Sunday"',
]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("lookback", ["now-30m", "now-1h", "now-1d", "now-30d"])
def test_events_are_of_the_hour_that_is_asked_for(asked, lookback):
    tree = there(parse(f"FROM logs-a-* | WHERE b == 1 AND {asked} | KEEP @timestamp, user.name", V).tree)
    payload = {"from": lookback}
    plan, cases = read_plan(tree), make_cases(tree, payload)
    within = TimeRange({"now-30m": 1800.0, "now-1h": 3600.0, "now-1d": 86400.0, "now-30d": 2592000.0}[lookback])
    moment = there(run_moment(plan, within))
    made = [one for one in cases if isinstance(one, Case)]
    assert any(case.fires for case in made)
    told = [case for case in made if case.fires or case.name.startswith("not: ")]
    for case in (one for one in told if one.name != "as old as the rule looks"):
        (event,) = case.events
        values = {**event.document, TIMESTAMP: moment - timedelta(seconds=event.age)}
        found = [Evaluator(values).truth(goal.predicate, goal.scope) is True for goal in plan.goals]
        assert all(found) is case.fires
        assert found.count(False) <= 1
    assert run_at_of(tree, payload) == run_at(moment, plan)


def test_a_group_of_some_hours_is_counted():
    query = f"FROM logs-a-* | STATS night = COUNT(*) WHERE {HOUR} < 5, n = COUNT(*) BY user.name"
    tree = there(parse(f"{query} | WHERE night >= 3 AND n >= 5", V).tree)
    cases = {one.name: one for one in make_cases(tree, {"from": "now-1d"}) if isinstance(one, Case)}
    moment = there(run_moment(read_plan(tree), TimeRange(86400.0)))
    events = cases["all conditions hold"].events
    night = sum(one.count for one in events if (moment - timedelta(seconds=one.age)).hour < 5)
    assert night >= 3
    assert sum(one.count for one in events) >= 5


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("a == 1", ""),
        (f"{HOUR} == 3", "0[3-4]:"),
        (f"{DAY} == 6", "(sat|sun) "),
        (f"{HOUR} == 3 AND b > NOW()", "0[3-4]:"),
    ],
)
def test_the_moment_is_named_where_it_matters_alone(asked, expected):
    tree = there(parse(f"FROM logs-a-* | WHERE {asked} | KEEP user.name", V).tree)
    found = run_at_of(tree, {"from": "now-1h"})
    assert bool(found) is bool(expected)
    assert re.match(expected, found)
