"""The rules of ours that run in an environment: whether they are on, who changed them last, how their last run went."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from entra_deployer.core.issue import Issue
from entra_deployer.core.time import parse_duration

SUCCEEDED = "succeeded"
WARNED = "partial failure"
"""Kibana's word for a run that ended with a warning: an index that is not there, alerts beyond the limit."""
FAILED = "failed"
OVER = frozenset({SUCCEEDED, WARNED, "warning", FAILED})
"""What Kibana says of a run that is over; "running" and "going to run" are not."""


class LastRun(Struct, frozen=True):
    """A rule's last run. `at` is when, `status` Kibana's word for how it went, `message` what it said, on one line."""

    at: datetime
    status: str
    message: str = ""


class LiveRule(Struct, frozen=True):
    """One rule as it stands. `interval` is Kibana's (`5m`), `revision` None where Kibana has none.

    `changed_at` and `changed_by` tell of its last change, by us or by an analyst; None and "" where not told.
    """

    space: str
    rule_id: str
    name: str
    enabled: bool
    severity: str
    interval: str
    revision: int | None = None
    changed_at: datetime | None = None
    changed_by: str = ""
    last_run: LastRun | None = None

    @property
    def has_run(self) -> bool:
        """Whether a run that began after the last change is over: it ran as it stands now."""
        run = self.last_run
        return run is not None and run.status in OVER and (self.changed_at is None or run.at >= self.changed_at)

    @property
    def is_running(self) -> bool:
        """Whether a run that began after the last change is not over yet."""
        run = self.last_run
        return run is not None and run.status not in OVER and (self.changed_at is None or run.at >= self.changed_at)

    @property
    def has_failed(self) -> bool:
        """Whether its last run failed."""
        return self.last_run is not None and self.last_run.status == FAILED

    @property
    def due(self) -> datetime | None:
        """When it runs next, by its last run and its interval; None where it never ran, and is due at once."""
        if self.last_run is None:
            return None
        try:
            return self.last_run.at + timedelta(seconds=parse_duration(self.interval))
        except ValueError:
            return None

    @property
    def order(self) -> tuple[str, str, str]:
        """What rules are sorted by."""
        return (self.space, self.name.lower(), self.rule_id)


class RunState(StrEnum):
    """Whether a rule that was pushed has run as it stands now.

    ran: it has; missing: it was due and has not; not_due: its next run comes later than anybody waited; off: somebody
    switched it off.
    """

    RAN = "ran"
    MISSING = "missing"
    NOT_DUE = "not_due"
    OFF = "off"


class FirstRun(Struct, frozen=True):
    """A rule that was pushed, and its first run after that."""

    rule: LiveRule
    state: RunState


@dataclass(frozen=True)
class Inventory:
    """All rules of ours in one environment, sorted, as they stood at `at`."""

    environment: str
    at: datetime
    stack: str = ""
    rules: tuple[LiveRule, ...] = ()
    issues: tuple[Issue, ...] = ()
