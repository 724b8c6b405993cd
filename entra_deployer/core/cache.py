"""Results kept by content, in the folder that the system has for such: what has not changed costs a digest.

A result's key is a digest of all that it depends on, so that none outlives what it came from. Processes may read and
write at the same time. What cannot be read or written is made anew. The folder does not grow without end.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

MOST = 160
"""How many results one of the 256 folders keeps: 40,000 in all, about 120 MB of queries. It is more than the hunts that
one run reads: else each that is read anew would drive out one that is read next."""


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
            found = list(entries)
        if len(found) > self._most:
            oldest = sorted((entry.stat().st_mtime_ns, entry.path) for entry in found)
            for _, path in oldest[: len(found) - self._most]:
                Path(path).unlink(missing_ok=True)


class Bundle:
    """Many small results in one file: read at once, and written anew where there is a new one.

    Of those that nobody asked for some stay, for a branch that is left and comes back.
    """

    def __init__(self, kept: Cache, *question: str) -> None:
        """`question` is what all of its results depend on."""
        self._kept = kept
        self._key = digest((tool_digest(), *(word.encode("utf-8", "surrogatepass") for word in question)))
        self._used: dict[str, bytes | memoryview] = {}
        self._new = False

    @cached_property
    def _stored(self) -> dict[str, memoryview]:
        """All that the file holds, as parts of what was read of it: no result is copied."""
        from entra_deployer.core.json import unpack  # noqa: PLC0415 - not needed by every command

        try:
            return unpack(self._kept.get(self._key) or b"", dict[str, memoryview])
        except ValueError:
            return {}

    def get(self, key: str) -> bytes | memoryview | None:
        """What was kept under a key."""
        found = self._used.get(key) or self._stored.get(key)
        if found is not None:
            self._used[key] = found
        return found

    def put(self, key: str, result: bytes) -> None:
        """Keep a result, once this is saved."""
        self._used[key] = result
        self._new = True

    def save(self, *, whole: bool) -> None:
        """Write the file where there is a new result. Who writes last wins: a result that is lost is made anew.

        `whole` says that all that is of use was asked for.
        """
        if not self._new:
            return
        from entra_deployer.core.json import pack  # noqa: PLC0415 - not needed by every command

        others = {key: result for key, result in self._stored.items() if key not in self._used}
        room = len(self._used) // 2 + 100 if whole else UNUSED
        left = dict(list(others.items())[-room:])
        self._kept.put(self._key, pack({**left, **self._used}))
        self._new = False


UNUSED = 10_000
"""How many results may stay in a bundle of which only a part was asked for."""

KINDS = ("syntax", "checks", "hunts", "tests", "rules")
"""What is kept: how queries are read, what `deploy check` said, how hunts and their tests are read, what rules they
become."""


def user_cache(kind: str, most: int = MOST) -> Cache:
    """The user's cache of one kind, of `most` results in each of its 256 folders."""
    from platformdirs import user_cache_path  # noqa: PLC0415 - not needed by every command

    return Cache(user_cache_path("entra-deployer", appauthor=False) / kind, most)


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
    stated = [sys.version]
    for package in ("entra_deployer", "esql"):
        if (spec := find_spec(package)) and spec.origin:
            stated += sorted(_stated(str(Path(spec.origin).parent)))
    return digest(line.encode("utf-8", "surrogateescape") for line in stated).encode()


def _stated(folder: str) -> Iterator[str]:
    """Each file below a folder but for compiled ones: its path, size and time."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from _stated(entry.path)
            elif not entry.name.endswith(".pyc"):
                status = entry.stat()
                yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"
