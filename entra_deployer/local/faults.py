"""Where the system's own errors become ours."""

from collections.abc import Iterator
from contextlib import contextmanager

from entra_deployer.core.errors import LocalStackError


@contextmanager
def system_errors(hint: str) -> Iterator[None]:
    """Turn what the file system refuses (no right, no space, no such place) into a LocalStackError with `hint`."""
    try:
        yield
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        raise LocalStackError(f"{place}{error.strerror or type(error).__name__}", hint=hint) from None
