"""One push at a time: the lease is taken before the first write, kept alive meanwhile, and given back at the end."""

import getpass
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from entra_deployer.core.errors import DeployError, Refused
from entra_deployer.ledger.index_store import Ledger
from entra_deployer.ledger.ledger import Lease

TTL = timedelta(minutes=2)
"""How long a lease outlives its holder's last sign of life."""
_RENEWAL_SECONDS = 30.0
_CONFLICT = 409
_FORBIDDEN = 403

type Clock = Callable[[], datetime]


@contextmanager
def lease(ledger: Ledger, clock: Clock, wait: Callable[[Lease], bool] = lambda _: False) -> Iterator[None]:
    """Hold the environment's lease. Refused where somebody else holds it and `wait` (asked each time) says no."""
    owner = f"{getpass.getuser()}@{socket.gethostname()} process {os.getpid()}"
    _take(ledger, owner, clock, wait)
    done = threading.Event()
    alive = threading.Thread(target=_renew, args=(ledger, owner, clock, done), name="lease", daemon=True)
    alive.start()
    try:
        yield
    finally:
        done.set()
        alive.join()
        with suppress(DeployError):  # a lease that cannot be given back runs out by itself
            ledger.release(owner)


def _take(ledger: Ledger, owner: str, clock: Clock, wait: Callable[[Lease], bool]) -> None:
    while other := _acquire(ledger, owner, clock()):
        if _holder_is_dead(other):
            ledger.release(other.owner)
        elif not wait(other):
            message = f"{other.owner} is pushing here (until {other.expires[:19]} at least)"
            raise Refused(message, status=_CONFLICT, hint="try again when it is done, or `--wait-lock`")


def _acquire(ledger: Ledger, owner: str, now: datetime) -> Lease | None:
    try:
        return ledger.acquire(owner, now, TTL)
    except Refused as error:
        if error.status != _FORBIDDEN:
            raise
        hint = "let it write to entra-deployer-ledger, or push with `--no-lock`"
        raise Refused(f"this key may not take the lease: {error.message}", status=_FORBIDDEN, hint=hint) from error


def _renew(ledger: Ledger, owner: str, clock: Clock, done: threading.Event) -> None:
    while not done.wait(_RENEWAL_SECONDS):
        with suppress(DeployError):  # the next renewal may get through, and the push itself notices an outage
            ledger.acquire(owner, clock(), TTL)


def _holder_is_dead(other: Lease) -> bool:
    """Whether the holder was a process of this very machine that is no more."""
    host, _, process = other.owner.partition(" process ")
    if host.rpartition("@")[2] != socket.gethostname() or not process.isdecimal():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
