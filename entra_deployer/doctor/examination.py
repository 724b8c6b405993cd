"""What `deploy doctor` found: one line about each thing that a push, and the rules after it, depend on."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from entra_deployer.core.issue import Issue


class Health(StrEnum):
    """ok: as it should be; warning: not all works, or not for long; error: no push works, or rules will not run."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `about` names it in a word or two, `hint` is the next step where it is not ok."""

    about: str
    health: Health
    message: str
    hint: str = ""


@dataclass(frozen=True)
class Examination:
    """All that was looked at in one environment, in the order of looking."""

    environment: str
    findings: tuple[Finding, ...] = ()
    issues: tuple[Issue, ...] = ()

    def count(self, health: Health) -> int:
        """How many findings are of one health."""
        return sum(finding.health is health for finding in self.findings)


@dataclass(frozen=True)
class Identity:
    """Who a server takes us for.

    `key_id` and `key_name` are "" for a user with a password or a token; `expires` is None for what never does.
    """

    user: str
    roles: tuple[str, ...] = ()
    key_id: str = ""
    key_name: str = ""
    expires: datetime | None = None


@dataclass(frozen=True)
class Licence:
    """A licence: Elastic's word for its type, whether it is in force, and until when (None: for ever)."""

    type: str
    active: bool = True
    expires: datetime | None = None
