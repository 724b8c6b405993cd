"""Opens an environment: clients for its servers, its ledger and its locks."""

import time
from collections.abc import Callable
from pathlib import Path

from entra_deployer.ledger.ledger import FOLDER, Ledger
from entra_deployer.ledger.lock import SpaceLocks
from entra_deployer.ledger.store import ClusterFiles, FileStore, IndexStore
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import LockHolder
from entra_deployer.stack.elasticsearch import ElasticClient, connect
from entra_deployer.stack.environment import Environment
from entra_deployer.stack.kibana import KibanaClient
from entra_deployer.stack.server import Pauses


def open_connection(environment: Environment, root: Path, warn: Callable[[str], None] = lambda _: None) -> Connection:
    """Both servers of an environment of the project at `root`.

    `warn` is told of what everybody should know, and of each wait.
    """
    both = (environment.kibana, environment.elasticsearch)
    if any(not endpoint.verify and endpoint.url.startswith("https") for endpoint in both):
        warn(f"the certificates of {environment.name} are not checked (verify: false)")
    for host in sorted({endpoint.host for endpoint in both if endpoint.is_readable_on_the_way}):
        warn(f"the credentials of {environment.name} go to {host} over plain http: whoever is on the way reads them")
    pauses = Pauses(tell=warn)
    kibana = KibanaClient(environment.kibana, pauses=pauses)
    return connection_of(environment, root, kibana, connect(environment.elasticsearch, pauses=pauses), warn)


def connection_of(
    environment: Environment,
    root: Path,
    kibana: KibanaClient,
    elastic: ElasticClient,
    warn: Callable[[str], None] = lambda _: None,
) -> Connection:
    """An environment over two clients, with its ledger and its locks."""
    index = IndexStore(elastic)
    locks = SpaceLocks(index, environment.spaces, environment.name, pause=_pause(warn), tell=warn)
    folder = root / FOLDER / "ledger"

    def files() -> FileStore:
        return FileStore(folder / (elastic.cluster_uuid() or "unknown-cluster"), folder / environment.name)

    ledger = Ledger(environment.name, environment.spaces, index, lambda: ClusterFiles(folder, files), locks.is_running)
    return Connection(environment, kibana, elastic, ledger, locks)


def _pause(warn: Callable[[str], None]) -> Callable[[LockHolder], None]:
    """Says once of each holder what is waited for, and waits a second each time."""
    told: set[str] = set()

    def pause(holder: LockHolder) -> None:
        if holder.owner not in told:
            warn(f"looking whether {holder.who}, who holds the lock of {holder.space}, still lives (a minute at most)")
        told.add(holder.owner)
        time.sleep(1.0)

    return pause
