"""What `deploy doctor` found: one line about each thing that a push, and the rules after it, depend on."""

from dataclasses import dataclass
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
    """All that was looked at in one environment, in the order of looking. `stack` says where that is."""

    environment: str
    findings: tuple[Finding, ...] = ()
    issues: tuple[Issue, ...] = ()
    stack: str = ""

    def count(self, health: Health) -> int:
        """How many findings are of one health."""
        return sum(finding.health is health for finding in self.findings)
