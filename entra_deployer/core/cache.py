"""Results kept by content, in the folder that the system has for such: what has not changed costs a digest.

A result's key is a digest of all that it depends on, so that none outlives what it came from. Processes may read and
write at the same time. What cannot be read or written is made anew. The folder does not grow without end.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

MOST = 40
"""How many results one of the 256 folders keeps: 10,000 in all, about 30 MB of queries."""


class Cache:
    """The results of one kind, as bytes."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        self._folder = folder
        self._most = most

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._folder

    def get(self, key: str) -> bytes | None:
        """What was kept under a key."""
        with suppress(OSError):
            return self._file(key).read_bytes()
        return None

    def put(self, key: str, result: bytes) -> None:
        """Keep a result as a whole, or not at all. The oldest of its folder make room."""
        file = self._file(key)
        with suppress(OSError):
            file.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=file.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(result)
                Path(name).replace(file)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
            self._make_room(file.parent)

    def clear(self) -> int:
        """Remove all; how many there were."""
        files = [path for path in self._folder.glob("??/*") if path.is_file()]
        for path in files:
            path.unlink(missing_ok=True)
        return len(files)

    def _file(self, key: str) -> Path:
        return self._folder / key[:2] / key

    def _make_room(self, folder: Path) -> None:
        with os.scandir(folder) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
        for _, path in sorted(found)[: max(len(found) - self._most, 0)]:
            Path(path).unlink(missing_ok=True)


KINDS = ("syntax", "checks")
"""What is kept: how queries are read, and what `deploy check` said."""


def user_cache(kind: str) -> Cache:
    """The user's cache of one kind."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - not needed by every command

    return Cache(user_cache_path("entra-deployer", appauthor=False) / kind)


def digest(parts: Iterable[bytes]) -> str:
    """One digest of several parts; where one ends and the next begins counts."""
    found = hashlib.sha256()
    for part in parts:
        found.update(len(part).to_bytes(8, "big"))
        found.update(part)
    return found.hexdigest()


@cache
def tool_digest() -> bytes:
    """What tells this installation from another: Python, and the files of the package and its parser."""
    stated = [sys.version.encode()]
    for package in ("entra_deployer", "esql"):
        spec = find_spec(package)
        for folder, folders, files in os.walk(Path(spec.origin).parent if spec and spec.origin else ""):
            folders.sort()
            for name in sorted(files):
                if not name.endswith(".pyc"):
                    status = Path(folder, name).stat()
                    stated.append(f"{folder}/{name} {status.st_size} {status.st_mtime_ns}".encode())
    return digest(stated).encode()
