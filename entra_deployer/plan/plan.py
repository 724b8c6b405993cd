"""What a push would do, as data: the very plan that is shown is the plan that is applied."""

from dataclasses import dataclass, replace
from enum import StrEnum

from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Untyped as Json
from entra_deployer.objects.state import Kind, LiveObject, StateObject


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class FieldDiff:
    """One field that differs; None stands for "not set". `path` is in Kibana's names, dotted.

    `edited` says that the existing value is not what the last push left: somebody changed it in Kibana.
    """

    path: str
    existing: Json
    desired: Json
    edited: bool = False


@dataclass(frozen=True)
class FieldKept:
    """A field whose live value stays, with the reason: who owns it."""

    path: str
    existing: Json
    reason: str


@dataclass(frozen=True)
class Change:
    """One object to create, update or delete. `desired` is the whole object to send, kept fields included."""

    action: Action
    space: str
    kind: Kind
    key: str
    name: str
    desired: StateObject | None
    existing: LiveObject | None
    diffs: tuple[FieldDiff, ...] = ()
    kept: tuple[FieldKept, ...] = ()

    @property
    def order(self) -> tuple[str, int, str]:
        """What changes are sorted by, everywhere."""
        return (self.space, self.kind.rank, self.key)

    @property
    def base(self) -> StateObject | None:
        """What this change leaves of ours, for the next plan to start from: `desired` without an analyst's tags."""
        theirs = {tag for kept in self.kept if kept.path == "tags" for tag in kept.existing}
        if self.desired is None or not theirs:
            return self.desired
        tags = [tag for tag in self.desired.payload["tags"] if tag not in theirs]
        return replace(self.desired, payload={**self.desired.payload, "tags": tags})


@dataclass(frozen=True)
class Plan:
    """Everything a push would do to one environment, sorted; with blockers nothing of it is applied.

    `unchanged` counts the objects that stand as desired. `issues` are what the reader should know (warnings included);
    `blockers` is the part of them that forbids a push.
    """

    environment: str
    changes: tuple[Change, ...]
    unchanged: int = 0
    issues: tuple[Issue, ...] = ()
    blockers: tuple[Issue, ...] = ()

    def count(self, action: Action) -> int:
        """How many changes are of one action."""
        return sum(change.action is action for change in self.changes)


class Outcome(StrEnum):
    """What became of a planned change."""

    PLANNED = "planned"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class ChangeResult:
    """A change and what became of it; `error` is one line, "" unless it failed."""

    change: Change
    outcome: Outcome
    error: str = ""
