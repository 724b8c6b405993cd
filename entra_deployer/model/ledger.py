"""What a push leaves behind: who pushed what, when, from which commit, and how each object was before and after."""

from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.model.plan import ChangeResult


class PushState(StrEnum):
    """started: the journal is written and writes may have happened; finished: every outcome is known."""

    STARTED = "started"
    FINISHED = "finished"
    RECOVERED = "recovered"
    UNDONE = "undone"
    SUPERSEDED = "superseded"


@dataclass(frozen=True)
class PushEntry:
    """One push. `at` is ISO 8601 in UTC, `by` the user that the server knows us as, `commit` a git commit or ""."""

    push_id: str
    environment: str
    at: str
    by: str
    commit: str
    state: PushState
    results: tuple[ChangeResult, ...] = ()


@dataclass(frozen=True)
class Lease:
    """The right to push to an environment, held by `owner` until `expires` (ISO 8601 in UTC)."""

    owner: str
    expires: str
