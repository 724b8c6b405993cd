"""A forecast on loaded events equals a count by hand, Kibana's own preview, and what ES|QL says of the same events."""

import json
import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.core.time import format_moment
from entra_deployer.forecast.alerts import Memory, alerts_of
from entra_deployer.forecast.runs import Runner
from entra_deployer.forecast.trial import Trial, make_trial
from entra_deployer.plan.connection import Connection
from entra_deployer.verify.load import LoadRequest, load_events

EVENTS = 3000
DAYS = 0.25
GROUPED = 'FROM {index} | WHERE event.outcome == "failure" | STATS n = COUNT(*) BY user.name | WHERE n > 2'
SINGLE = 'FROM {index} METADATA _id, _index, _version | WHERE event.outcome == "failure" AND user.name LIKE "user-1*"'
SUPPRESSION = {"group_by": ["user.name"], "duration": {"value": 20, "unit": "m"}}
RULES: dict[str, dict[str, Any]] = {
    "grouped": {"query": GROUPED, "from": "now-30m", "interval": "10m", "max_signals": 100},
    "suppressed": {"query": GROUPED, "from": "now-30m", "interval": "10m", "alert_suppression": SUPPRESSION},
    "single": {"query": SINGLE, "from": "now-30m", "interval": "10m", "max_signals": 100},
    "cut off": {"query": GROUPED, "from": "now-30m", "interval": "10m", "max_signals": 2},
}


@pytest.fixture(scope="module")
def loaded(connection: Connection, tmp_path_factory):
    """Six hours of sign-ins of twelve users in an index of this test, and the events."""
    index, chance = "logs-forecast-default", random.Random(11)
    now = connection.elastic.now()
    events = [
        {
            "@timestamp": format_moment(now - timedelta(seconds=chance.randrange(6 * 3600))),
            "event.outcome": chance.choice(["success"] * 4 + ["failure"]),
            "user.name": f"user-{min(chance.randrange(24), chance.randrange(24))}",
        }
        for _ in range(EVENTS)
    ]
    path = tmp_path_factory.mktemp("events") / "events.ndjson"
    path.write_text("\n".join(map(json.dumps, events)), "utf-8")
    connection.elastic.delete_index(index)
    try:
        assert [one.events for one in load_events(LoadRequest(path, index), connection.elastic)] == [EVENTS]
        yield index, now, events
    finally:
        connection.elastic.delete_index(index)


def tried(connection, payload, index, now):
    """A version with all its runs."""
    payload = {**payload, "query": payload["query"].format(index=index)}
    trial = make_trial(payload, connection.elastic.version(), now, DAYS, embedded=True)
    assert isinstance(trial, Trial), trial
    with Runner(connection.elastic, 2, float("inf")) as runner:
        assert trial.count(runner) == connection.elastic.query(f"FROM {index} | STATS n = COUNT(*)").rows[0][0]
        for at in trial.scheduled:
            trial.run(at, runner)
    assert trial.error == ""
    assert len(trial.runs) == len(trial.scheduled) == 37
    return trial


def by_hand(events, at, payload):
    """What a run at that moment finds."""
    start, end = format_moment(at - timedelta(minutes=30)), format_moment(at)
    failed = [one for one in events if start <= one["@timestamp"] <= end and one["event.outcome"] == "failure"]
    if payload["query"] == SINGLE:
        return [one["user.name"] for one in failed if one["user.name"].startswith("user-1")]
    return [user for user, count in Counter(one["user.name"] for one in failed).items() if count > 2]


@pytest.mark.parametrize("name", RULES)
def test_each_run_finds_what_a_count_by_hand_finds(connection, loaded, name):
    index, now, events = loaded
    trial = tried(connection, RULES[name], index, now)
    for at, run in trial.runs.items():
        assert sorted(row.entity for row in run.rows) == sorted(by_hand(events, at, RULES[name]))
    assert any(run.rows for run in trial.runs.values())


@pytest.mark.parametrize("name", ["grouped", "suppressed", "single"])
def test_the_alerts_are_those_that_kibanas_preview_makes(connection, loaded, name):
    index, now, _ = loaded
    trial = tried(connection, RULES[name], index, now)
    runs = 12
    last = [trial.runs[at] for at in trial.scheduled[-runs:]]
    mine = Counter(alert.entity for alert in alerts_of(last, trial.scheme, Memory()))
    rule = {
        "name": "F",
        "description": "f",
        "severity": "low",
        "risk_score": 1,
        "type": "esql",
        "language": "esql",
        **RULES[name],
        "query": RULES[name]["query"].format(index=index),
    }
    preview = connection.previewer("default").preview(rule, timeframe_end=format_moment(now), invocations=runs)
    assert (preview.errors, preview.warnings) == ((), ())
    assert Counter(alert["user"]["name"] if "user" in alert else alert["user.name"] for alert in preview.alerts) == mine
    assert sum(mine.values()) > 5


def test_a_field_that_no_event_has_is_told_and_nothing_more_is_asked(connection, loaded):
    index, now, _ = loaded
    payload = {"query": f"FROM {index} | WHERE no.such == 1 AND nor.this == 2", "interval": "1h"}
    trial = make_trial(payload, connection.elastic.version(), now, 1, embedded=True)
    assert isinstance(trial, Trial), trial
    with Runner(connection.elastic, 1, float("inf")) as runner:
        trial.run(now, runner)
        trial.run(now - timedelta(hours=1), runner)
    assert (trial.lacking, trial.error, trial.runs) == (("no.such", "nor.this"), "", {})


def test_a_query_that_is_not_wanted_any_more_ends_on_the_server(connection, loaded):
    index = loaded[0]
    slow = 'c = REPEAT(user.name, 3000), d = REPLACE(c, "1", "22"), e = REPLACE(d, "2", "33")'
    text = f"FROM {index} | EVAL {slow} | STATS n = COUNT_DISTINCT(e) BY user.name"
    begun = connection.elastic.begin_query(text, wait=0.01)
    assert begun.query_id
    connection.elastic.cancel_query(begun.query_id)
    with pytest.raises(Refused) as refused:
        connection.elastic.await_query(begun.query_id, wait=0.01)
    assert refused.value.status == 404
    connection.elastic.cancel_query(begun.query_id)


def test_the_command_compares_what_stands_with_what_would_stand(project, connection):
    folder = project.add_hunt("fc", threshold=3)
    stamp = format_moment(connection.elastic.now())
    events = [
        {"@timestamp": stamp, "user.name": user} for user, count in (("eve", 9), ("bob", 5)) for _ in range(count)
    ]
    assert project.deploy("forecast", "test", "fc") == 0
    assert "no data: there is no index logs-tests-fc*" in project.output
    path = project.root / "events.ndjson"
    path.write_text("\n".join(map(json.dumps, events)), "utf-8")
    elastic = connection.elastic
    try:
        load_events(LoadRequest(path, "logs-tests-fc-1"), elastic)
        code, document = project.document("forecast", "test", "--days", "0.1")
        (rule,) = document["rules"]
        assert (code, rule["action"], rule["events"], rule["before"]) == (0, "create", 14, None)
        assert (rule["new_entities"], rule["first_run_alerts"]) == (["bob", "eve"], 2)
        assert project.deploy("push", "test") == 0
        text = (folder / "hunt.toml").read_text("utf-8")
        (folder / "hunt.toml").write_text(text.replace("failures > 3", "failures > 6"), "utf-8")
        code, document = project.document("plan", "test", "--forecast")
        (rule,) = document["forecast"]["rules"]
        assert (rule["action"], rule["gone_entities"], rule["new_entities"]) == ("update", ["bob"], [])
        assert (rule["before"]["entities"], rule["after"]["entities"]) == (2, 1)
        assert rule["before"]["alerts"] > rule["after"]["alerts"] > 0
    finally:
        elastic.delete_index("logs-tests-fc-1")
