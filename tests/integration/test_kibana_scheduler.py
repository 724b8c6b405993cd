"""The clock that runs enabled rules, at times of the tests."""

import threading
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.local.kibana import rules
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.elastic import Elastic, Reply
from entra_deployer.local.kibana.profiles import V8_19
from entra_deployer.local.kibana.runs import Scheduler, run_due
from entra_deployer.local.kibana.server import Kibana, text_of
from entra_deployer.local.kibana.store import MAPPINGS, Store
from entra_deployer.local.stack import LocalStack
from tests.integration.test_kibana_contract import rule
from tests.reading import part

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that a test sets; it tells when it is looked at."""

    def __init__(self) -> None:
        self.now = NOON
        self.looked_at = threading.Event()

    def __call__(self) -> datetime:
        self.looked_at.set()
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def kibana(stack: LocalStack, clock: Clock) -> Iterator[Kibana]:
    elastic = Elastic(stack.elasticsearch_url, stack.user, stack.password)
    state = f".test-kibana-{uuid.uuid4().hex[:8]}"
    store = Store(elastic, state)
    store.prepare()
    yield Kibana(elastic, store, V8_19, "platinum", clock)
    for name in MAPPINGS:
        elastic.call("DELETE", f"/{state}-{name}")
    elastic.close()


def deploy(kibana: Kibana, rule_id: str, **fields: object) -> None:
    body = rule(rule_id=rule_id, query="from no-such-index", **fields)
    rules.save(kibana, "default", rules.made(body, V8_19, "tests", NOON))


def last(kibana: Kibana, rule_id: str) -> str | None:
    found = rules.read(kibana, "default", rule_id, None)
    assert found
    return text_of(found.part("summary"), "date")


def test_a_rule_runs_when_its_interval_has_passed(kibana: Kibana, clock: Clock) -> None:
    deploy(kibana, "often", interval="5m")
    deploy(kibana, "seldom", interval="1h")
    deploy(kibana, "never", enabled=False)
    assert run_due(kibana) == 2
    assert run_due(kibana) == 0
    clock.now = NOON + timedelta(minutes=5)
    assert run_due(kibana) == 1
    assert last(kibana, "often") == "2026-03-01T12:05:00.000Z"
    assert last(kibana, "seldom") == "2026-03-01T12:00:00.000Z"
    assert last(kibana, "never") is None


def test_a_rule_that_is_switched_on_runs_at_once_though_it_ran_before(kibana: Kibana, clock: Clock) -> None:
    deploy(kibana, "often", interval="1h")
    assert run_due(kibana) == 1
    for minute, enabled in ((1, False), (2, True)):
        clock.now = NOON + timedelta(minutes=minute)
        found = rules.read(kibana, "default", "often", None)
        assert found
        changed = {**found.part("rule"), "enabled": enabled, "updated_at": iso(clock.now)}
        rules.save(kibana, "default", changed, over=found)
        assert run_due(kibana) == int(enabled)
    assert run_due(kibana) == 0
    assert last(kibana, "often") == "2026-03-01T12:02:00.000Z"


def test_while_a_rule_runs_it_says_so(stack: LocalStack, kibana: Kibana) -> None:
    """Elasticsearch is asked, while the query runs, what the rule says of itself."""
    seen: list[str] = []

    class Watching(Elastic):
        def call(self, method: str, path: str, body: object = None, *, caller: str | None = None) -> Reply:
            if "_field_caps" in path:
                found = rules.read(kibana, "default", "watched", None)
                seen.append(part(found.part("summary"), "status") if found else "")
            return super().call(method, path, body, caller=caller)

    deploy(kibana, "watched")
    watching = Watching(stack.elasticsearch_url, stack.user, stack.password)
    assert run_due(replace(kibana, elastic=watching)) == 1
    watching.close()
    assert seen == ["running"]
    found = rules.read(kibana, "default", "watched", None)
    assert found
    assert found.part("summary")["status"] == "partial failure"


def test_the_clock_looks_by_itself_until_it_is_stopped(kibana: Kibana, clock: Clock) -> None:
    scheduler = Scheduler(kibana)
    scheduler.start()
    try:
        assert clock.looked_at.wait(30)
    finally:
        scheduler.stop()
