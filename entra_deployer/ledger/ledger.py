"""What a push leaves behind: who pushed what, when, from which commit, and how each object was before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import VerdictRecord
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.plan.plan import ChangeResult


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

    `note` says what was pushed where that is not simply what the repository said ("rollback to #3").
    """

    push_id: str
    environment: str
    at: str
    by: str
    commit: str
    state: PushState
    results: tuple[ChangeResult, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class Lease:
    """The right to push to an environment, held by `owner` until `expires` (ISO 8601 in UTC)."""

    owner: str
    expires: str


class Journal(Protocol):
    """Where pushes are written down: the ledger in the target's Elasticsearch, or files where a key may not write."""

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space, by kind and key; {} before the first."""
        ...

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push: after this, and not before, its first write may happen."""
        ...

    def finish(self, entry: PushEntry) -> None:
        """Write every outcome and the new base."""
        ...

    def mark(self, entry: PushEntry, state: PushState) -> None:
        """Say of an older push what became of it."""
        ...

    def entries(self, *, state: PushState | None = None) -> list[PushEntry]:
        """The pushes to this environment, newest first, without their changes."""
        ...

    def with_changes(self, entry: PushEntry) -> PushEntry:
        """The same push with every change it journalled."""
        ...

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired though no push brought them there: a pull did, say."""
        ...

    def remember_types(self, space: str, types: Mapping[str, Mapping[str, str]]) -> None:
        """Keep, by rule_id and field, which types the fields of the rules' sources had at their push."""
        ...

    def types(self, space: str) -> dict[str, Mapping[str, str]]:
        """What was kept of the fields' types in a space, by rule_id and field."""
        ...

    def remember_verdicts(self, records: Sequence[VerdictRecord]) -> None:
        """Keep verdicts: of each rule the newest one for each version of Kibana."""
        ...

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were kept."""
        ...

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to here rested on."""
        ...
