"""The start archive: a short run of a node, once, that makes every later start twice as fast."""

import secrets
import socket
import tempfile
from pathlib import Path

from entra_deployer.core.errors import LocalStackError
from entra_deployer.local.elasticsearch import HOST, Node, NodeSettings
from entra_deployer.local.home import CACHE_VARIABLE, TRAINING, Home, cache_folder, ensure_home
from entra_deployer.local.machine import Progress, exclusive, system_errors

STEP = "preparing fast starts (once)"
_NEW = "new.aot"
"""The archive while it is written, in the home: Java takes it by a relative path only where the folder has a colon."""
_WRITE_TIMEOUT = 120
"""Seconds that a node may take to end when it writes its archive; 10 on two slow cores."""
_DOCUMENT = {"@timestamp": "2026-01-01T00:00:00Z", "user": {"name": "mallory"}, "event": {"outcome": "failure"}}
_MAPPING = {
    "mappings": {
        "properties": {
            "@timestamp": {"type": "date"},
            "user": {"properties": {"name": {"type": "keyword"}}},
            "event": {"properties": {"outcome": {"type": "keyword"}}},
        }
    }
}
_QUERY = (
    'FROM training METADATA _id | WHERE @timestamp > NOW() - 14 days AND event.outcome LIKE "fail*"'
    " | EVAL day = DATE_TRUNC(1 day, @timestamp) | STATS count = COUNT(*), users = COUNT_DISTINCT(user.name) BY day"
    " | WHERE count > 0 | SORT count DESC | LIMIT 10"
)
_REQUESTS: tuple[tuple[str, str, object], ...] = (
    ("GET", "/", None),
    ("GET", "/_license", None),
    ("POST", "/_security/_has_privileges", {"cluster": ["monitor"]}),
    ("PUT", "/training", _MAPPING),
    ("POST", "/training/_doc?refresh=true", _DOCUMENT),
    ("POST", "/training/_search", {"query": {"match_all": {}}, "sort": [{"@timestamp": "desc"}]}),
    ("POST", "/_query", {"query": _QUERY}),
    ("DELETE", "/training", None),
)


def ready_home(progress: Progress) -> Home:
    """A home with its start archive. Raises LocalStackError."""
    home = ensure_home(progress)
    if not home.start_archive.exists():
        with (
            system_errors(f"or set {CACHE_VARIABLE} to another folder"),
            exclusive(cache_folder() / "lock", on_wait=lambda: progress(STEP)),
        ):
            if not home.start_archive.exists():
                progress(STEP)
                _train(home)
    return home


def free_port() -> int:
    """A port of the loopback interface that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _train(home: Home) -> None:
    """Run a node on an empty data folder, ask it what a push and a verify ask, and let it write what it loaded."""
    with tempfile.TemporaryDirectory(dir=home.folder.parent, prefix=TRAINING) as temporary:
        folder = Path(temporary)
        settings = NodeSettings(folder / "data", folder / "logs", free_port(), secrets.token_urlsafe(24))
        settings.logs.mkdir()
        with (settings.logs / "java.log").open("w", encoding="utf-8") as log:
            node = Node.start(home, settings, log=log, options=(f"-XX:AOTCacheOutput={_NEW}",))
        try:
            node.wait_ready()
            for method, path, body in _REQUESTS:
                node.ask(method, path, body)
            node.stop(_WRITE_TIMEOUT)
        except LocalStackError as error:
            node.kill()
            raise LocalStackError(error.message, hint=f"see {_kept(settings.logs, home)}") from None
        except BaseException:
            node.kill()  # nobody waits for its archive
            raise
    new = home.folder / _NEW
    new.touch()  # a Java that cannot write one is not asked again
    new.replace(home.start_archive)


def _kept(logs: Path, home: Home) -> Path:
    """The logs of a training that failed, put where they stay."""
    kept = home.folder.parent / "training.log"
    kept.write_bytes(b"".join(path.read_bytes() for path in sorted(logs.glob("*.log"))))
    return kept
