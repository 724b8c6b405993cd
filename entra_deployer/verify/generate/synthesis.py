"""A test made from a query."""

from dataclasses import dataclass

from entra_deployer.hunts.folder import DetectionTest


@dataclass(frozen=True)
class Unsolved:
    """A case that could not be made: what it would have shown, and why it could not."""

    case: str
    why: str


@dataclass(frozen=True)
class Synthesis:
    """What was made of one rule: tests, with the file of each under the project, and what could not be solved."""

    rule_id: str
    name: str
    tests: tuple[DetectionTest, ...]
    unsolved: tuple[Unsolved, ...] = ()

    @property
    def fires(self) -> int:
        """How many entities the rule must catch."""
        return sum(len(test.catches) for test in self.tests)

    @property
    def quiet(self) -> int:
        """How many near misses it must leave alone."""
        return sum(len(test.ignores) for test in self.tests)
