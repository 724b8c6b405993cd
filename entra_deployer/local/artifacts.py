"""The jars that make the embedded Elasticsearch: a lock of them, and a folder that holds exactly what the lock says."""

import errno
import hashlib
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local import mirrors
from entra_deployer.local.machine import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = files("entra_deployer.local") / "embedded" / "artifacts.tsv"
STEP = "downloading Elasticsearch"
_WORKERS = 8
_ATTEMPTS = 3
_TIMEOUT = 30
"""Seconds without a byte before an attempt is given up."""


@dataclass(frozen=True)
class Artifact:
    """A jar: its Maven coordinates, what its bytes must be, and its use: to "run" a node, to "compile" our classes."""

    group: str
    name: str
    version: str
    sha256: str
    size: int
    use: str

    @property
    def file_name(self) -> str:
        """The name that Maven gives the file."""
        return f"{self.name}-{self.version}.jar"

    def path(self, repository: Path) -> Path:
        """Where it stands in a repository of Maven's layout."""
        return repository.joinpath(*self.group.split("."), self.name, self.version, self.file_name)

    def is_intact(self, path: Path) -> bool:
        """Whether the file at `path` is there and is this artifact to the byte."""
        try:
            if path.stat().st_size != self.size:
                return False
            with path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256
        except FileNotFoundError:
            return False


type Download = Callable[[Artifact, Callable[[int], None]], object]
"""Writes an artifact to its place, calling the second argument with the size of each piece as it comes."""


def read_lock(text: str | None = None) -> tuple[Artifact, ...]:
    """The artifacts of the lock (of ours, where no text is given)."""
    _header, *rows = (LOCK.read_text(encoding="utf-8") if text is None else text).splitlines()
    return tuple(
        Artifact(group, name, version, sha256, int(size), use)
        for group, name, version, sha256, size, use in (row.split("\t") for row in rows)
    )


def broken(artifacts: Sequence[Artifact], paths: Sequence[Path]) -> list[Artifact]:
    """Those of the artifacts whose file, at the same position of `paths`, is missing or is not what the lock says."""
    with ThreadPoolExecutor(_WORKERS) as pool:  # hashing lets go of the interpreter's lock
        intact = list(pool.map(Artifact.is_intact, artifacts, paths))
    return [artifact for artifact, good in zip(artifacts, intact, strict=True) if not good]


def fetch(
    artifacts: Sequence[Artifact], repository: Path, progress: Progress, download: Download | None = None
) -> None:
    """Make every artifact stand intact in `repository`; what already does is not asked for again.

    Files that are not what the lock says are deleted first. Raises LocalStackError where one cannot be had.
    """
    missing = broken(artifacts, [artifact.path(repository) for artifact in artifacts])
    if not missing:
        return
    tally = _Tally(progress, total=sum(artifact.size for artifact in missing))
    get = partial(_get, repository=repository, tally=tally, download=download or maven_download(repository))
    with ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for done in as_completed([pool.submit(get, artifact) for artifact in missing]):
                done.result()
        except BaseException:
            tally.stop()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Stopped(Exception):
    """Another download failed, or the user stopped us."""


class _Tally:
    """How many bytes have come, over all threads; the way to stop them, too."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done, self._told = progress, total, 0, 0
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        progress(STEP, 0, total)

    def add(self, count: int) -> None:
        if self._stopped.is_set():
            raise _Stopped
        with self._lock:
            self._done += count
            if abs(self._done - self._told) * 100 >= self._total:  # a look at every percent is enough
                self._told = self._done
                self._progress(STEP, self._done, self._total)

    def stop(self) -> None:
        self._stopped.set()


def _get(artifact: Artifact, *, repository: Path, tally: _Tally, download: Download) -> None:
    """Download one artifact, again where it fails or comes broken."""
    path = artifact.path(repository)
    failure: Exception | None = None
    for _ in range(_ATTEMPTS):
        came = 0

        def count(size: int) -> None:
            nonlocal came
            came += size
            tally.add(size)

        try:
            path.unlink(missing_ok=True)
            download(artifact, count)
            if artifact.is_intact(path):
                tally.add(artifact.size - came)
                return
            failure = None
        except (OSError, RuntimeError) as error:  # requests' own exceptions are OSErrors
            failure = error
        tally.add(-came)
    path.unlink(missing_ok=True)
    raise _cannot(artifact, failure)


def _cannot(artifact: Artifact, failure: Exception | None) -> LocalStackError:
    """What to tell the user; never the failure's own text, in which an address with a password may stand."""
    if failure is None:
        return LocalStackError(
            f"{artifact.file_name} comes with other bytes than the lock names",
            hint=f"a proxy or mirror on the way changes it: set {mirrors.VARIABLE} to another Maven repository",
        )
    if isinstance(failure, OSError) and failure.errno in {errno.ENOSPC, errno.EDQUOT}:
        return LocalStackError(
            f"no space left to store {artifact.file_name}", hint="free some, or set ENTRA_DEPLOYER_CACHE"
        )
    if isinstance(failure, PermissionError):
        return LocalStackError(
            f"{failure.filename} may not be written", hint="set ENTRA_DEPLOYER_CACHE to another folder"
        )
    reason = "the repository does not have it" if isinstance(failure, RuntimeError) else type(failure).__name__
    return LocalStackError(
        f"cannot download {artifact.file_name}: {reason}",
        hint=f"look at the network and HTTPS_PROXY, or set {mirrors.VARIABLE} to a Maven mirror; then run it again",
    )


def maven_download(repository: Path) -> Download:
    """Download by jgo's Python resolver (no Maven needed) from the user's mirror, or from Maven Central."""
    from jgo.maven import MavenContext, PythonResolver  # noqa: PLC0415 - brings requests and more

    logging.getLogger("jgo").addHandler(logging.NullHandler())  # what it warns of, we look at ourselves
    pieces = threading.local()

    @contextmanager
    def counting(_file_name: str, _size: int) -> "Iterator[Callable[[int], None]]":
        yield pieces.count

    mirror = mirrors.of_user()
    context = MavenContext(
        resolver=PythonResolver(progress_callback=counting),
        repo_cache=repository,
        remote_repos={"mirror": mirror} if mirror else None,
        timeout=_TIMEOUT,
    )

    def download(artifact: Artifact, count: Callable[[int], None]) -> None:
        pieces.count = count
        context.project(artifact.group, artifact.name).at_version(artifact.version).artifact().resolve()

    return download
