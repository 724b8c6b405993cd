"""One push at a time to a space: its lock is a document of the ledger's index.

No clock of another machine is trusted. The holder renews the document all the time; whoever waits calls a holder dead
when the document's version has stood still for the lock's whole time on the waiter's own clock. The holder counts with
a clock that goes on while the machine sleeps, and writes nothing once its last confirmation is older than a safe part
of that time: a push that slept past its lock stops instead of writing old rules over new ones.
"""

import getpass
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from entra_deployer.core.errors import AnswerLost, DeployError, LockLost, Refused
from entra_deployer.core.json import DoesNotFit, decode
from entra_deployer.core.time import parse_moment
from entra_deployer.ledger.store import Document
from entra_deployer.plan.journal import Lock, LockHolder, Patience, Unlocked
from entra_deployer.stack.elasticsearch import StoredDocument

LIFE: Final = 60.0
"""Seconds: a holder that has not renewed for so long is dead."""
SAFE: Final = 40.0
"""Seconds since the last confirmation within which a write may still be sent."""
RENEWAL: Final = 10.0
_CONFLICT = 409
_FORBIDDEN = 403
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Linux's clock that goes on in suspend; the monotonic clock of macOS does so by itself."""


def seconds_awake_or_not() -> float:
    """Seconds on a clock that never goes back and goes on while the machine sleeps."""
    return time.clock_gettime(_CLOCK)


class LockDocuments(Protocol):
    """Where lock documents are: compare and set, by the version that was read. Refused with 409 for another version."""

    def ensure_index(self) -> None:
        """Make the place where there is none."""
        ...

    def get_lock(self, document_id: str) -> StoredDocument | None:
        """The document as it is now."""
        ...

    def put_lock(self, document_id: str, source: Document, *, replaces: StoredDocument | None) -> StoredDocument:
        """Write it over the version that was read; without one it must not be there."""
        ...

    def delete_lock(self, document_id: str, *, replaces: StoredDocument) -> None:
        """Delete the version that was read."""
        ...


@dataclass(frozen=True)
class Process:
    """A process that cannot be taken for another: the boot and the pid namespace that it lives in, its start time.

    All "" where the system does not tell.
    """

    boot: str = ""
    namespace: str = ""
    pid: int = 0
    started: str = ""

    @classmethod
    def here(cls) -> "Process":
        """This very process."""
        pid = os.getpid()
        with suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
            return cls(boot, str(Path("/proc/self/ns/pid").readlink()), pid, _start_time(pid))
        return cls(pid=pid)

    def is_dead(self, seen_from: "Process") -> bool:
        """Whether it is surely gone: only a process of the same boot and namespace can be looked for."""
        if not self.boot or (self.boot, self.namespace) != (seen_from.boot, seen_from.namespace):
            return False
        try:
            return _start_time(self.pid) != self.started
        except FileNotFoundError:
            return True
        except OSError:
            return False


def _start_time(pid: int) -> str:
    """When a process began, in ticks since boot. The second field, its name, may hold spaces and brackets."""
    return Path(f"/proc/{pid}/stat").read_text("utf-8", errors="replace").rpartition(")")[2].split()[19]


@dataclass(frozen=True)
class Machine:
    """This process, and the clock that a lock's time is counted by."""

    process: Process
    clock: Callable[[], float] = seconds_awake_or_not


@dataclass(frozen=True)
class _LockDocument:
    """`beat` counts the renewals, so that each is another version; `expires` is for people, and for older versions."""

    owner: str
    expires: str = ""
    who: str = ""
    space: str = ""
    environment: str = ""
    beat: int = 0
    process: Process = Process()


class SpaceLocks:
    """The locks of some spaces, taken together. Raises Refused where the key may not write the index."""

    def __init__(  # noqa: PLR0913 - what it is given so that tests give it something else
        self,
        documents: LockDocuments,
        spaces: Sequence[str],
        environment: str,
        *,
        pause: Callable[[LockHolder], None] = lambda _: time.sleep(1.0),
        tell: Callable[[str], None] = lambda _: None,
        machine: Machine | None = None,
    ) -> None:
        """`pause` waits a moment while it is looked whether a holder is dead; `tell` is told what went wrong beside."""
        self._documents = documents
        self._spaces = sorted(spaces)
        self._environment = environment
        machine = machine or Machine(Process.here())
        self._clock = machine.clock
        self._process = machine.process
        self._pause = pause
        self._tell = tell

    @contextmanager
    def held(self, patience: Patience, *, wanted: bool = True) -> Iterator[Lock]:
        """Hold all of them, renewed meanwhile; those that were taken are given back at the end. Or, unwanted, none."""
        if not wanted:
            yield Unlocked()
            return
        lock = _HeldLock(self, uuid.uuid4().hex)
        try:
            self._ensure()
            for space in self._spaces:
                self._take(lock, space, patience)
            with lock.renewed():
                yield lock
        finally:
            lock.release()

    def holders(self) -> tuple[LockHolder, ...]:
        """Who holds the locks now, dead or alive: one for each space that is held."""
        standing = ((space, self.read(space)) for space in self._spaces)
        return tuple(
            LockHolder(found[1].owner, found[1].who or found[1].owner, space) for space, found in standing if found
        )

    def is_running(self, owner: str) -> bool:
        """Whether a lock with this owner stands, and its holder is not known to be dead."""
        with suppress(Refused):
            for space in self._spaces:
                standing = self.read(space)
                if standing and standing[1].owner == owner:
                    return not standing[1].process.is_dead(self._process)
        return False

    # -- taking -------------------------------------------------------------------------------------------------------

    def _ensure(self) -> None:
        try:
            self._documents.ensure_index()
        except Refused as error:
            raise _not_allowed(error) from error

    def _take(self, lock: "_HeldLock", space: str, patience: Patience) -> None:
        """Take one lock: a free one, or one whose holder is dead."""
        if lock.write(space, None):
            return  # it was free, as it nearly always is
        first = seen = None
        since = self._clock()
        while True:
            standing = self.read(space)
            if standing is None or standing[1].process.is_dead(self._process):
                if lock.write(space, standing[0] if standing else None):
                    return
                continue
            stored, holder = standing
            version = (stored.seq_no, stored.primary_term)
            first = first or version
            if version != seen:
                seen, since = version, self._clock()
            elif self._clock() - since > LIFE and lock.write(space, stored):
                return
            told = LockHolder(holder.owner, holder.who or holder.owner, space)
            if patience(told):
                continue
            # whose time is over by the clocks is most likely dead, which only standing still for a whole life proves
            if version != first or not _is_over(holder.expires):
                raise _taken(told)
            self._pause(told)

    # -- documents ----------------------------------------------------------------------------------------------------

    def read(self, space: str) -> tuple[StoredDocument, _LockDocument] | None:
        """The lock's document, None where it is free. One that is nonsense counts as held by nobody who lives."""
        stored = self._documents.get_lock(_id(space))
        if stored is None:
            return None
        try:
            return stored, decode(stored.source, _LockDocument)
        except DoesNotFit:
            return stored, _LockDocument("an unreadable lock")

    def write(self, space: str, owner: str, beat: int, replaces: StoredDocument | None) -> StoredDocument | None:
        """Write the document over the version that was read; None where another stands by now."""
        document = _LockDocument(
            owner=owner,
            expires=(datetime.now(UTC) + timedelta(seconds=LIFE)).isoformat(timespec="seconds"),
            who=f"{_user()}@{socket.gethostname()} process {os.getpid()}",
            space=space,
            environment=self._environment,
            beat=beat,
            process=self._process,
        )
        source = {"type": "lease", **asdict(document)}
        try:
            return self._documents.put_lock(_id(space), source, replaces=replaces)
        except Refused as error:
            if error.status == _FORBIDDEN:
                raise _not_allowed(error) from error
            if error.status != _CONFLICT:
                raise
            return None

    def remove(self, space: str, standing: StoredDocument) -> None:
        """Give a lock back; one that is not ours any more stays. Where that fails it is told: it runs out by itself."""
        problem: DeployError | None = None
        for _ in range(2):  # to delete one version twice is as good as once
            try:
                self._documents.delete_lock(_id(space), replaces=standing)
            except AnswerLost as error:
                problem = error
                continue
            except DeployError as error:
                taken = isinstance(error, Refused) and error.status == _CONFLICT
                problem = None if taken else error
            else:
                problem = None
            break
        if problem:
            ends = f"it ends by itself within {LIFE:.0f} seconds"
            self._tell(f"the lock of the space {space} could not be given back: {problem.message}; {ends}")

    def now(self) -> float:
        """The clock that a lock's time is counted by."""
        return self._clock()


class _HeldLock:
    """The locks that one push holds. `confirmed` is when all of them were last known to be ours."""

    def __init__(self, locks: SpaceLocks, owner: str) -> None:
        self.owner = owner
        self._locks = locks
        self._standing: dict[str, StoredDocument] = {}
        self._beat = 0
        self._confirmed = locks.now()
        self._one_at_a_time = threading.Lock()
        self._lost = ""

    def confirm(self) -> None:
        """Nothing while the last confirmation is young; else a renewal. Raises LockLost where it is not ours."""
        if self._lost:
            raise LockLost(self._lost, hint=_AGAIN)
        if self._locks.now() - self._confirmed < SAFE:
            return
        self.renew()

    def renew(self) -> None:
        """Write each document anew. Raises LockLost where somebody else took it meanwhile."""
        with self._one_at_a_time:
            asked = self._locks.now()
            self._beat += 1
            for space, standing in list(self._standing.items()):
                written = self._locks.write(space, self.owner, self._beat, standing) or self._read_again(space)
                if written is None:
                    raise self._is_lost(space)
                self._standing[space] = written
            self._confirmed = asked

    def _read_again(self, space: str) -> StoredDocument | None:
        """A renewal whose answer was lost has happened all the same: the version that stands is ours then."""
        found = self._locks.read(space)
        if found is None or found[1].owner != self.owner:
            return None
        return self._locks.write(space, self.owner, self._beat, found[0])

    def _is_lost(self, space: str) -> LockLost:
        found = self._locks.read(space)
        now = f"{found[1].who or found[1].owner} has it now" if found else "nobody has it now"
        self._lost = (
            f"the lock of the space {space} was lost while this push stood still: {now}; nothing more was written"
        )
        return LockLost(self._lost, hint=_AGAIN)

    def write(self, space: str, replaces: StoredDocument | None) -> bool:
        """Take one lock over the version that was read; False where somebody else was faster."""
        asked = self._locks.now()
        written = self._locks.write(space, self.owner, self._beat, replaces)
        if written is None:
            return False
        self._standing[space] = written
        self._confirmed = asked if len(self._standing) == 1 else min(self._confirmed, asked)
        return True

    @contextmanager
    def renewed(self) -> Iterator[None]:
        """Renewed by a thread until the end."""
        done = threading.Event()
        alive = threading.Thread(target=self._keep, args=(done,), name="lock", daemon=True)
        alive.start()
        try:
            yield
        finally:
            done.set()
            alive.join()

    def _keep(self, done: threading.Event) -> None:
        while not done.wait(RENEWAL):
            try:
                self.renew()
            except LockLost:
                return
            except DeployError:
                continue  # the next renewal may get through; without one no write is sent

    def release(self) -> None:
        """Give back what is still ours."""
        for space, standing in self._standing.items():
            self._locks.remove(space, standing)


_AGAIN = "look at `deploy plan`, then push again"


def _id(space: str) -> str:
    return f"lease:space:{space}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"  # a container may run as a user that it has no name for


def _is_over(expires: str) -> bool:
    until = parse_moment(expires)
    return until is None or until < datetime.now(UTC)


def _taken(holder: LockHolder) -> Refused:
    message = f"{holder.who} is pushing to the space {holder.space}"
    hint = "try again when it is done, or `--wait-lock SECONDS`"
    return Refused(message, status=_CONFLICT, hint=hint)


def _not_allowed(error: Refused) -> Refused:
    hint = "let it write to entra-deployer-ledger, or push with `--no-lock`"
    return Refused(f"this key may not take the lock: {error.message}", status=_FORBIDDEN, hint=hint)
