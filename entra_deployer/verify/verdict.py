"""What a run of a rule over seeded events showed."""

from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level


class Status(StrEnum):
    """passed: caught what it must and nothing else; failed: not so; error: no verdict was possible."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"


@dataclass(frozen=True)
class EntityOutcome:
    """One entity of a test: what was expected of it and what was seen.

    `events` names the seeded events that belong to it, with their number where there are several ("a wrong password
    x3"); an entity that nobody expected has none.
    """

    name: str
    entity: str
    expected: bool
    caught: bool
    reason: str = ""
    events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mutant:
    """A small change of a rule's query (or of its range) that its tests should notice.

    `what` says the change in a few words, `before` and `after` are the text that it concerns, `location` is the place
    in the hunt where it is known. `killer` names the made case that would notice it, "" where none is known. `same`: it
    found the very same rows on all events that it was tried on, and possibly is equivalent; it counts all the same.
    """

    what: str
    before: str
    after: str
    location: Location | None = None
    killer: str = ""
    same: bool = False


@dataclass(frozen=True)
class MutationResult:
    """How many mutants the tests told from the rule, and those that they did not.

    `invalid` counts the mutants that Elasticsearch refused; they do not count.
    """

    killed: int
    survivors: tuple[Mutant, ...]
    invalid: int = 0

    @property
    def score(self) -> float:
        """The share of the valid mutants that were told, from 0 to 1; 1 where there is none."""
        valid = self.killed + len(self.survivors)
        return self.killed / valid if valid else 1.0


@dataclass(frozen=True)
class Verdict:
    """The proof, or its failure, for one rule on one Elasticsearch.

    `missed` names the entities that the rule had to catch and did not, `false_alarms` those that it caught and must
    not. `error` says why there is no verdict. `problems` are what makes a rule fail although it caught the right
    entities: values that became null, a cut-off result, columns that the alert lost, other entities than the hunt's own
    query finds; those of level note only say in what the two differ. `alerts` counts what Kibana's
    preview made, `events` what was seeded; `tests` are the files of the tests.
    `mutation` is None where it was not asked for.
    """

    rule_id: str
    name: str
    status: Status
    missed: tuple[str, ...] = ()
    false_alarms: tuple[str, ...] = ()
    outcomes: tuple[EntityOutcome, ...] = ()
    events: int = 0
    alerts: int = 0
    error: str = ""
    problems: tuple[Issue, ...] = ()
    tests: tuple[str, ...] = ()
    mutation: MutationResult | None = None


@dataclass(frozen=True)
class VerifyReport:
    """The outcome of a verification.

    `stack` is a line about the servers ("Elasticsearch 8.19.21, Kibana 8.19.21, platinum"); `hunts` how many hunts were
    read. `verdicts` are in the order of the rules; () where only live data were looked at.
    """

    environment: str
    stack: str = ""
    hunts: int = 0
    verdicts: tuple[Verdict, ...] = ()
    issues: tuple[Issue, ...] = ()

    @property
    def errors(self) -> tuple[Issue, ...]:
        """The issues of level error."""
        return tuple(issue for issue in self.issues if issue.level is Level.ERROR)
