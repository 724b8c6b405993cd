"""How an environment differs from what was pushed to it and from what the repository says, and who made it so."""

from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.objects import rank_of
from entra_deployer.plan.journal import PushEntry


class DriftKind(StrEnum):
    """What sort of difference it is, in the order in which a report tells them.

    `different` is all that can be said without a ledger: it is not known which side changed.
    """

    CONFLICT = "conflict"
    CHANGED_IN_KIBANA = "changed_in_kibana"
    DELETED_IN_KIBANA = "deleted_in_kibana"
    DISABLED = "disabled"
    FOREIGN_COPY = "foreign_copy"
    FAILING = "failing"
    SOURCE_CHANGED = "source_changed"
    DIFFERENT = "different"
    NOT_PUSHED = "not_pushed"

    @property
    def rank(self) -> int:
        """Position in that order."""
        return list(DriftKind).index(self)

    @property
    def words(self) -> str:
        """What people call it."""
        return _WORDS[self]


_WORDS = {
    DriftKind.CONFLICT: "changed on both sides",
    DriftKind.CHANGED_IN_KIBANA: "changed in Kibana",
    DriftKind.DELETED_IN_KIBANA: "deleted in Kibana",
    DriftKind.DISABLED: "disabled in Kibana",
    DriftKind.FOREIGN_COPY: "foreign copy",
    DriftKind.FAILING: "failing at execution",
    DriftKind.SOURCE_CHANGED: "types of the source changed",
    DriftKind.DIFFERENT: "different",
    DriftKind.NOT_PUSHED: "not pushed yet",
}


@dataclass(frozen=True)
class FieldDrift:
    """One field on all three sides, None where it is not set; without a ledger `base` is None too."""

    path: str
    base: Json
    desired: Json
    live: Json


@dataclass(frozen=True)
class Difference:
    """One object that differs in one way.

    `by` and `at` (ISO 8601) tell of the last edit in Kibana, "" where it is not known; `message` is for what fields do
    not say. One that does not count is told and makes no drift: a push would leave it as it is. `source` is the hunt's
    file, "" where there is none.
    """

    kind: DriftKind
    space: str
    object_kind: str
    key: str
    name: str
    source: str = ""
    fields: tuple[FieldDrift, ...] = ()
    by: str = ""
    at: str = ""
    message: str = ""
    counts: bool = True

    @property
    def order(self) -> tuple[int, str, int, str, str]:
        """What differences are sorted by, everywhere."""
        return (self.kind.rank, self.space, rank_of(self.object_kind), self.name, self.key)


@dataclass(frozen=True)
class DriftReport:
    """All that differs in one environment.

    `last_push` is the newest push that the ledger knows, None where it knows none; `three_way` says whether there was
    a base to tell the sides apart. `compared` counts the objects that were looked at.
    """

    environment: str
    stack: str = ""
    hunts: int = 0
    compared: int = 0
    three_way: bool = True
    last_push: PushEntry | None = None
    differences: tuple[Difference, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def drifted(self) -> bool:
        """Whether anything differs that counts."""
        return any(difference.counts for difference in self.differences)

    @property
    def failed(self) -> bool:
        """Whether the comparison could not be made in full."""
        return any(issue.level is Level.ERROR for issue in self.issues)
