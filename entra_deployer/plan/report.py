"""What a command has to tell, before it is put into a form for people or programs."""

from dataclasses import dataclass

from entra_deployer.core.issue import Issue, Level
from entra_deployer.plan.live_rule import FirstRun
from entra_deployer.plan.plan import ChangeResult, Outcome, Plan


@dataclass(frozen=True)
class Report:
    """The outcome of a plan or a push.

    `stack` is a line about the servers ("Kibana 8.19.21, platinum"); `hunts` how many hunts were read; `results` are in
    the plan's order: planned where nothing was applied. `summary` is the closing line where the counts do not say it.
    `left_out` are the folders of hunts that have errors and were left out of a push of all others. `runs` are the first
    runs that were waited for, None where nobody waited.
    """

    environment: str
    stack: str = ""
    hunts: int = 0
    plan: Plan | None = None
    results: tuple[ChangeResult, ...] = ()
    issues: tuple[Issue, ...] = ()
    summary: str = ""
    left_out: tuple[str, ...] = ()
    runs: tuple[FirstRun, ...] | None = None

    def count(self, outcome: Outcome) -> int:
        """How many changes came to one outcome."""
        return sum(result.outcome is outcome for result in self.results)

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues of level error."""
        return tuple(issue for issue in self.issues if issue.level is Level.ERROR)
