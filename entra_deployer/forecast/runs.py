"""Running many queries on a server that others work on: few at a time, within a time limit, stopped when we stop."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

from entra_deployer.core.json import Json
from entra_deployer.stack.search import QueryResult, RunningQuery

MOST_AT_ONCE = 4
_WAIT = 1.0
"""Seconds that one request waits for a query: so long it takes at most to notice that nobody wants it any more."""


class AsyncSearcher(Protocol):
    """Begins queries, waits for them, and stops them on the server."""

    def begin_query(self, text: str, *, filter: Mapping[str, Json] | None = None, wait: float) -> RunningQuery:  # noqa: A002
        """Begin a query and wait so many seconds for its end."""

    def await_query(self, query_id: str, *, wait: float) -> RunningQuery:
        """Wait so many seconds more."""

    def cancel_query(self, query_id: str) -> None:
        """Stop it on the server."""


class OutOfTime(Exception):
    """There is no time left for this query, or nobody wants it any more."""


@dataclass(frozen=True)
class Asked:
    """A query, with a Query DSL filter before it."""

    text: str
    filter: Mapping[str, Json]


@dataclass
class Runner:
    """Runs queries, `parallel` at a time, until the `clock` (seconds) reaches `end`.

    Leaving its block, also by Ctrl-C, stops what runs, on the server too.
    """

    searcher: AsyncSearcher
    parallel: int
    end: float
    clock: Callable[[], float] = time.monotonic
    _stopped: threading.Event = field(default_factory=threading.Event)
    _pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> "Runner":
        """Nothing is asked yet."""
        self._pool = ThreadPoolExecutor(self.parallel, thread_name_prefix="forecast")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop what runs and wait until it has stopped."""
        self._stopped.set()
        if self._pool:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def is_over(self) -> bool:
        """Whether there is no time left."""
        return self._stopped.is_set() or self.clock() >= self.end

    def run(self, asked: Asked) -> QueryResult:
        """The result of one query. Raises OutOfTime where there is none in time, and whatever the searcher raises."""
        if self.is_over():
            raise OutOfTime
        running = self.searcher.begin_query(asked.text, filter=asked.filter, wait=_WAIT)
        while running.result is None:
            if self.is_over():
                self.searcher.cancel_query(running.query_id)
                raise OutOfTime
            running = self.searcher.await_query(running.query_id, wait=_WAIT)
        return running.result

    def each[T, R](self, work: Callable[[T], R], items: Sequence[T]) -> Iterable[R]:
        """The work on each item, several at a time, in their order."""
        if self._pool is None:
            raise RuntimeError("a Runner is used in a with block")
        return self._pool.map(work, items)
