"""What a push leaves behind, and what planning asks of earlier pushes: the ledger, a room above, fulfils it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct, field

from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Json
from entra_deployer.objects.state import Key, StateObject
from entra_deployer.plan.plan import ChangeResult

type Types = Mapping[str, str]
"""Field -> its type in ES|QL; several types, where indices disagree, stand sorted with a comma between."""


class PushState(StrEnum):
    """started: the journal is written and writes may have happened; finished: every outcome is known."""

    STARTED = "started"
    FINISHED = "finished"
    RECOVERED = "recovered"
    UNDONE = "undone"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class PushEntry:
    """One push. `at` is ISO 8601 in UTC, `by` the user that the server knows us as, `commit` a git commit or "".

    `environment` is the name of the file that it was pushed by, a label; `spaces` are where it wrote, () where an older
    version did not say. `note` says what was pushed where that is not simply what the repository said ("rollback to
    #3"). `lock` is the owner of the lock that it held, "" for none: while that stands, the push may be running.
    """

    push_id: str
    environment: str
    at: str
    by: str
    commit: str
    state: PushState
    results: tuple[ChangeResult, ...] = ()
    note: str = ""
    spaces: tuple[str, ...] = ()
    lock: str = ""


class LockHolder(Struct, frozen=True):
    """Who holds the right to push to a space: for people, and the random `owner` that tells two holders apart."""

    owner: str
    who: str
    space: str


class Written(Protocol):
    """An object as it was written down."""

    @property
    def object(self) -> StateObject:
        """The object. Raises InputError, with its place, where it is none."""
        ...

    def is_to_the_letter(self, one: StateObject) -> bool:
        """Whether an object would be written down in the very same way."""
        ...


class Base(Mapping[Key, StateObject]):
    """What the last push left in a space. An object is read when it is asked for: most stand as they are desired."""

    def __init__(self, written: Mapping[Key, Written] = MappingProxyType({}), *known: StateObject) -> None:
        """`known` are objects of which it is known that they were written down to the letter."""
        self._written = written
        self._known = {one.at: one for one in known}

    def knowing(self, objects: Iterable[StateObject]) -> "Base":
        """The same base; what it holds to the letter as one of `objects` is, is that very object."""
        written = self._written
        return Base(written, *(one for one in objects if one.at in written and written[one.at].is_to_the_letter(one)))

    def __getitem__(self, at: Key) -> StateObject:
        """An object. Raises InputError where what was written down is none."""
        return self._known[at] if at in self._known else self._written[at].object

    def __contains__(self, at: object) -> bool:
        """Whether a push left an object of this kind and key."""
        return at in self._written

    def __iter__(self) -> Iterator[Key]:
        """The kinds and keys of all objects."""
        return iter(self._written)

    def __len__(self) -> int:
        """How many objects it holds."""
        return len(self._written)


class Past(Struct, frozen=True):
    """What planning has to know of earlier pushes to some spaces, read at one moment.

    `bases` holds by space what the last push left there, `types` by space and rule_id which types the fields of its
    source had at its push. `entries` are all pushes, newest first, `interrupted` those that began, never ended, and do
    not run any more, oldest first; all of them without their changes.
    """

    bases: Mapping[str, Base] = field(default_factory=dict)
    types: Mapping[str, Mapping[str, Types]] = field(default_factory=dict)
    entries: Sequence[PushEntry] = ()
    interrupted: Sequence[PushEntry] = ()


class Journal(Protocol):
    """What is written down of the pushes to an environment, wherever this key may read and write it."""

    @property
    def issues(self) -> Iterable[Issue]:
        """What is not known or not written, and what that means."""
        ...

    def past(self) -> Past:
        """All that planning has to know, in one look."""
        ...

    def base(self, space: str) -> Mapping[Key, StateObject]:
        """What the last push left in a space; {} before the first."""
        ...

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired though no push brought them there: a pull did, say."""
        ...

    def types(self, space: str) -> Mapping[str, Types]:
        """By rule_id, which types the fields of its source had at its push."""
        ...

    def remember_types(self, space: str, types: Mapping[str, Types]) -> None:
        """Keep which types the fields of rules' sources have."""
        ...

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push: after this, and not before, its first write may happen."""
        ...

    def finish(self, entry: PushEntry, types: Mapping[str, Mapping[str, Types]] | None = None) -> None:
        """Write every outcome, the new base, and by space and rule_id which types the fields of sources have."""
        ...

    def mark(self, entry: PushEntry, state: PushState) -> None:
        """Say of an older push what became of it."""
        ...

    def entries(self) -> Sequence[PushEntry]:
        """The pushes to the spaces of this environment, newest first, without their changes."""
        ...

    def with_changes(self, entry: PushEntry) -> PushEntry:
        """The same push with every change it journalled."""
        ...

    def interrupted(self) -> Sequence[PushEntry]:
        """The pushes that began, never ended, and do not run any more, oldest first, without their changes."""
        ...

    def verdicts(self) -> Sequence[Mapping[str, Json]]:
        """The records of verdicts that were kept."""
        ...

    def remember_verdicts(self, records: Sequence[Mapping[str, Json]]) -> None:
        """Keep records of verdicts ("rule_id", "kibana", "at", ...): of each rule the newest for each Kibana."""
        ...

    def attestations(self) -> Sequence[Mapping[str, Json]]:
        """What promotions to here rested on."""
        ...

    def remember_attestation(self, document: Mapping[str, Json]) -> None:
        """Keep what a promotion to here rests on; one of the same "at" is replaced."""
        ...


class Lock(Protocol):
    """The right to write, while it is held."""

    owner: str

    def confirm(self) -> None:
        """Return at once while the lock is surely ours; else ask. Raises LockLost where somebody else has it."""
        ...


class Unlocked:
    """A push without a lock."""

    owner = ""

    def confirm(self) -> None:
        """Nobody is kept away."""


type Patience = Callable[[LockHolder], bool]
"""Told who holds the lock, waits a little and says whether to go on waiting."""


class Locks(Protocol):
    """Takes the locks of all spaces of an environment."""

    def holders(self) -> Sequence[LockHolder]:
        """Who holds them now, one for each space that is held."""
        ...

    def held(self, patience: Patience, *, wanted: bool = True) -> AbstractContextManager[Lock]:
        """Hold them. Refused where somebody else does and `patience` (asked each time) says no. Unwanted: no lock."""
        ...
