"""Queries that run elsewhere end when there is no time left or nobody wants them, on the server too."""

import threading

import pytest

from entra_deployer.forecast.runs import Asked, OutOfTime, Runner
from entra_deployer.stack.search import QueryResult, RunningQuery

DONE = QueryResult((), ())


class Server:
    """Answers a query after so many looks at it; keeps which were begun, and which were cancelled."""

    def __init__(self, looks=0, seen=lambda: None):
        self.looks, self.seen = looks, seen
        self.begun, self.cancelled, self.looked = [], [], 0

    def begin_query(self, text, *, filter=None, wait):  # noqa: A002
        self.begun.append(text)
        return RunningQuery(f"id of {text}") if self.looks else RunningQuery(result=DONE)

    def await_query(self, query_id, *, wait):
        self.seen()
        self.looked += 1
        return RunningQuery(query_id) if self.looked < self.looks else RunningQuery(result=DONE)

    def cancel_query(self, query_id):
        self.cancelled.append(query_id)


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize("looks", [0, 3])
def test_a_query_is_waited_for(looks):
    server = Server(looks)
    with Runner(server, 1, 10, Clock()) as runner:
        assert runner.run(Asked("q", {})) is DONE
    assert server.cancelled == []


def test_a_query_that_takes_too_long_is_stopped_on_the_server():
    clock = Clock()

    def tick():
        clock.now += 4

    server = Server(99, tick)
    with Runner(server, 1, 10, clock) as runner:
        with pytest.raises(OutOfTime):
            runner.run(Asked("q", {}))
        with pytest.raises(OutOfTime):
            runner.run(Asked("another", {}))
    assert (server.begun, server.cancelled) == (["q"], ["id of q"])


def test_an_interruption_stops_what_runs_on_the_server():
    running = threading.Event()
    server = Server(10**9, running.set)
    runner = Runner(server, 2, 10, Clock())

    def interrupted():
        with runner:
            runner.each(lambda text: runner.run(Asked(text, {})), ["a", "b", "c", "d"])
            running.wait(10)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sorted(server.cancelled) == sorted(f"id of {text}" for text in server.begun)
    assert set(server.begun) <= {"a", "b", "c", "d"}
    assert not [one for one in threading.enumerate() if one.name.startswith("forecast")]
