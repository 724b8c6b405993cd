"""Work on all cores: the same function over many items, in processes of this Python.

A worker that cannot be started, or that dies, is missed by nobody: its item is worked on here.
"""

import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import BinaryIO

MOST = 8
"""Workers at a time: each has a memory of its own."""
_ALLOCATIONS = 200_000
_SERVE = "import sys; sys.path[:] = sys.argv[1:]; from entra_deployer.core.workers import serve; serve()"


def side_by_side[Item, Result](
    work: Callable[[Item], Result], items: Sequence[Item], workers: int | None = None
) -> Iterator[Result]:
    """What `work` makes of each item, in their order, as it is made; `workers` are as many as there are cores.

    `work` is a function of a module, or a partial one, and all that it takes and gives can be pickled. What it raises
    is raised here.
    """
    workers = min(workers or _cores(), MOST, len(items))
    if workers < 2:
        yield from map(work, items)
        return
    pool = _Pool()
    threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")
    try:
        yield from threads.map(partial(pool.do, work), items)
    finally:
        pool.kill()
        threads.shutdown(cancel_futures=True)
        pool.close()


def _cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pool:
    """A process for each thread that asks for one."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._lock = threading.Lock()
        self._all: list[subprocess.Popen[bytes]] = []
        self._closed = False

    def do[Item, Result](self, work: Callable[[Item], Result], item: Item) -> Result:
        """In this thread's process; here where there is none, or where it fails. Raises EOFError after the end."""
        with suppress(OSError, EOFError, ValueError, pickle.PickleError, AttributeError):
            process = self._process()
            assert process.stdin and process.stdout  # noqa: S101, PT018 - both were opened as pipes
            pickle.dump((work, item), process.stdin)
            process.stdin.flush()
            done, result = pickle.load(process.stdout)  # noqa: S301 - of our own process
            if done:
                return result  # type: ignore[no-any-return]
        if self._closed:
            raise EOFError
        return work(item)

    def _process(self) -> "subprocess.Popen[bytes]":
        if not hasattr(self._own, "process"):
            with self._lock:
                if self._closed:
                    raise EOFError
                self._own.process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _SERVE, *sys.path],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
                self._all.append(self._own.process)
        return self._own.process  # type: ignore[no-any-return]

    def kill(self) -> None:
        """End all of them, at work or not: what they do is only to answer."""
        with self._lock:
            self._closed = True
        for process in self._all:
            process.kill()

    def close(self) -> None:
        """Look after those that were killed, once no thread asks them any more."""
        for process in self._all:
            with suppress(BrokenPipeError), process:  # what was never sent is of no use
                pass


def serve() -> None:
    """Answer what is asked on standard input, until it ends; Ctrl-C is for who asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.set_threshold(_ALLOCATIONS)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no answer
    while _answer(sys.stdin.buffer, answers):
        pass


def _answer(questions: BinaryIO, answers: BinaryIO) -> bool:
    try:
        work, item = pickle.load(questions)  # noqa: S301 - of the process that started this one
    except EOFError:
        return False
    try:
        answer = pickle.dumps((True, work(item)))
    except Exception:
        answer = pickle.dumps((False, None))  # it is worked on where it is asked, and raises there
    answers.write(answer)
    answers.flush()
    return True
