"""What a push would do, as data: the very plan that is shown is the plan that is applied."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from entra_deployer.core.issue import Issue, Level
from entra_deployer.objects import KINDS, rank_of
from entra_deployer.objects.state import FieldDiff, FieldKept, Key, LiveObject, StateObject


class Action(StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True)
class Change:
    """One object to create, update or delete. `desired` is the whole object as it is to be, kept fields included.

    `doubled` marks the removal of one of two equal objects of one key: the other one stays.
    """

    action: Action
    space: str
    kind: str
    key: str
    name: str
    desired: StateObject | None
    existing: LiveObject | None
    diffs: tuple[FieldDiff, ...] = ()
    kept: tuple[FieldKept, ...] = ()
    doubled: bool = False

    @property
    def order(self) -> tuple[str, int, str, str]:
        """What changes are sorted by, everywhere."""
        return (self.space, rank_of(self.kind), self.key, self.existing.object_id if self.existing else "")

    @property
    def at(self) -> Key:
        """The kind and key of its object."""
        return (self.kind, self.key)

    @property
    def base(self) -> StateObject | None:
        """What this change leaves of ours, for the next plan to start from: `desired` without what an analyst added."""
        return self.desired and KINDS[self.kind].ours(self.desired, self.kept)

    @property
    def overwritten(self) -> tuple[FieldDiff, ...]:
        """The fields that hold an edit made in Kibana, which this change takes back."""
        return tuple(diff for diff in self.diffs if diff.edited)


@dataclass(frozen=True)
class Plan:
    """Everything a push would do to one environment, sorted; with blockers nothing of it is applied.

    `unchanged` counts the objects that stand as desired. `issues` are what the reader should know (warnings included);
    `blockers` is the part of them that forbids a push. `settled` are objects, each with its space, that stand as
    desired though the base knows them otherwise, or not: a push takes them into the base, and writes nothing in Kibana.
    """

    environment: str
    changes: tuple[Change, ...]
    unchanged: int = 0
    issues: tuple[Issue, ...] = ()
    blockers: tuple[Issue, ...] = ()
    settled: tuple[tuple[str, StateObject], ...] = field(default=(), compare=False)

    def count(self, action: Action) -> int:
        """How many changes are of one action."""
        return sum(change.action is action for change in self.changes)

    def with_issues(self, issues: Iterable[Issue]) -> "Plan":
        """The same plan with further issues, each once and sorted; those of level error block it."""
        told = tuple(sorted({*self.issues, *issues}, key=lambda issue: issue.order))
        return replace(self, issues=told, blockers=tuple(issue for issue in told if issue.level is Level.ERROR))


class Outcome(StrEnum):
    """What became of a planned change."""

    PLANNED = "planned"
    APPLIED = "applied"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class ChangeResult:
    """A change and what became of it; `error` is one line that says why it was not applied, "" where it was."""

    change: Change
    outcome: Outcome
    error: str = ""


def not_applied(plan: Plan, reason: str, outcome: Outcome = Outcome.SKIPPED) -> list[ChangeResult]:
    """A result for each change of a plan that was not applied at all."""
    return [ChangeResult(change, outcome, reason) for change in plan.changes]


def planned(plan: Plan) -> list[ChangeResult]:
    """A result for each change of a plan that is only shown."""
    return not_applied(plan, "", Outcome.PLANNED)
