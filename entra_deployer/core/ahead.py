"""Work that begins before its result is asked for: while a server answers, there is something else to do."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


def ahead[T](work: Callable[[], T], *, aside: bool = True) -> Callable[[], T]:
    """Begin `work` in a thread of its own; what is returned waits for its result, or raises what it raised.

    Not `aside`, it is done when its result is first asked for. A program that ends does not wait for it.
    """
    result: Future[T] = Future()

    def run() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    if aside:
        Thread(target=run, name="ahead", daemon=True).start()
        return result.result

    def ask() -> T:
        if not result.done():
            run()
        return result.result()

    return ask
