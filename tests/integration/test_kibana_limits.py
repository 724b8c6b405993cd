"""Where the real Kibana says no, or lets through what one would not expect: so does the local one."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from entra_deployer.local.stack import LocalStack
from tests.fault_proxy import Fault, FaultProxy
from tests.integration.kibana_server import Server, serving
from tests.integration.test_kibana_contract import RULES, rule

FOREVER = 10**9
WAIT = 20
PREVIEW = rule(invocationCount=1, timeframeEnd="2026-01-01T00:00:00Z")


@pytest.fixture(scope="module")
def elastic(stack: LocalStack) -> Iterator[FaultProxy]:
    """The way from the local Kibana API to its Elasticsearch."""
    with FaultProxy(stack.elasticsearch_url) as found:
        yield found


@pytest.fixture(scope="module")
def server(stack: LocalStack, elastic: FaultProxy) -> Iterator[Server]:
    with serving(stack, "8.12", elasticsearch_url=elastic.url) as found:
        yield found


@pytest.fixture
def kibana(server: Server, elastic: FaultProxy) -> Iterator[Server]:
    yield server
    elastic.clear()


def test_without_elasticsearch_every_route_answers_401(kibana: Server, elastic: FaultProxy) -> None:
    elastic.add(Fault(cut="before", times=FOREVER))
    for path in (f"{RULES}/_find", "/api/nope", "/api/saved_objects/search/x"):
        answer = kibana.ask("GET", path)
        assert (answer.status, answer.message) == (401, "Unauthorized")
    state = kibana.ask("GET", "/api/status")
    assert (state.status, state.body) == (503, {"status": {"overall": {"level": "critical"}}})
    elastic.clear()
    assert kibana.ask("GET", f"{RULES}/_find").status == 200


def test_a_page_whose_name_was_made_to_point_here_gets_no_answer(kibana: Server) -> None:
    for path in ("/api/status", f"{RULES}/_find", "/api/nope", "/", "/s/there/api/status"):
        for host in ("rebound.example.com", "rebound.example.com:5601"):
            answer = kibana.ask("GET", path, host=host)
            assert (answer.status, answer.body["error"]) == (421, "Misdirected Request")
            assert host in answer.message
    port = kibana.url.rpartition(":")[2]
    for host in (f"localhost:{port}", "127.0.0.1"):
        assert kibana.ask("GET", "/api/status", host=host).status == 200


def test_equal_creates_at_once_are_all_let_through(kibana: Server, elastic: FaultProxy) -> None:
    looked, wrote = threading.Barrier(5), threading.Barrier(5)
    elastic.add(Fault(method="POST", path="_search", times=5, act=lambda: looked.wait(WAIT)))
    elastic.add(Fault(method="PUT", path="_doc", times=5, act=lambda: wrote.wait(WAIT)))
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _: kibana.ask("POST", RULES, rule(rule_id="race", enabled=False)), range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    query = f"{RULES}/_find?filter=alert.attributes.params.ruleId:%20%22race%22"
    assert kibana.ask("GET", query).body["total"] == 5
    for left in (4, 3, 2, 1, 0):
        kibana.ask("DELETE", f"{RULES}?rule_id=race")
        assert kibana.ask("GET", query).body["total"] == left


def test_of_two_puts_at_once_the_later_meets_a_conflict(kibana: Server, elastic: FaultProxy) -> None:
    kibana.ask("POST", RULES, rule(rule_id="puts", enabled=False))
    together = threading.Barrier(2)
    elastic.add(Fault(method="POST", path="_search", times=2, act=lambda: together.wait(WAIT)))
    elastic.add(Fault(method="PUT", path="_doc", times=2, act=lambda: together.wait(WAIT)))
    with ThreadPoolExecutor(2) as pool:
        puts = pool.map(lambda name: kibana.ask("PUT", RULES, rule(rule_id="puts", name=name)), "ab")
        assert sorted(answer.status for answer in puts) == [200, 409]


@pytest.mark.parametrize(
    ("request_", "held", "asks", "most"),
    [
        ((f"{RULES}/_bulk_action", {"action": "enable", "query": ""}), "_search", b"", 5),
        # before a preview runs, Kibana may ask for the caller's own rights, which are no index's
        ((f"{RULES}/preview", PREVIEW), "_security/user/_has_privileges", b'"index"', 10),
    ],
)
def test_only_so_many_run_at_once(
    kibana: Server, elastic: FaultProxy, *, request_, held: str, asks: bytes, most: int
) -> None:
    arrived, go_on = threading.Semaphore(0), threading.Event()

    def hold() -> None:
        arrived.release()
        go_on.wait(WAIT)

    elastic.add(Fault(path=held, asks=asks, times=most, act=hold))
    with ThreadPoolExecutor(most) as pool:
        running = [pool.submit(kibana.ask, "POST", *request_) for _ in range(most)]
        for _ in range(most):
            assert arrived.acquire(timeout=WAIT)
        refused = kibana.ask("POST", *request_)
        go_on.set()
        assert [one.result().status for one in running] == [200] * most
    assert (refused.status, refused.message) == (429, "Too Many Requests")
    assert kibana.ask("POST", *request_).status == 200


def test_bodies_have_a_largest_size(kibana: Server) -> None:
    small, large = b"x" * 1_048_576, b"x" * 1_048_577
    assert kibana.ask("POST", RULES, small).message == "Invalid request payload JSON format"
    refused = kibana.ask("POST", RULES, large)
    assert refused.status == 413
    assert refused.body["error"] == "Request Entity Too Large"
    assert refused.message == "Payload content length greater than maximum allowed: 1048576"
    lines = [rule(rule_id=f"big-{number}", note="n" * 900_000) for number in range(12)]
    assert kibana.upload(f"{RULES}/_import", lines).status == 413
    assert (
        kibana.upload("/api/saved_objects/_import", ["{}"] * 10_001).message == "Can't import more than 10000 objects"
    )


def test_more_rules_than_10000_are_refused_as_a_whole(kibana: Server) -> None:
    answer = kibana.upload(f"{RULES}/_import", ["{}"] * 10_001)
    assert (answer.status, answer.message) == (500, "Can't import more than 10000 rules")


def test_a_thousand_rules_are_one_import(kibana: Server) -> None:
    lines = [rule(rule_id=f"many-{number}", tags=["many"], enabled=False) for number in range(1000)]
    assert kibana.upload(f"{RULES}/_import", lines).body["success_count"] == 1000
    answer = kibana.ask("GET", f"{RULES}/_find?per_page=1000&filter=alert.attributes.tags:%20many")
    assert len(answer.body["data"]) == answer.body["total"] == 1000
    deleted = kibana.ask("POST", f"{RULES}/_bulk_action", {"action": "delete", "query": "alert.attributes.tags: many"})
    assert deleted.body["attributes"]["summary"]["succeeded"] == 1000
