"""What `deploy check` has to tell, before it is put into a form for people or programs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from entra_deployer.core.issue import Issue, Level


class Support(StrEnum):
    """Whether a version of the stack can run a query, as far as that is known offline."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """One rule on one version: whether it can run there, and why not, or what is not known."""

    version: str
    support: Support
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatrixRow:
    """One rule on all versions that were asked for, in their order."""

    name: str
    folder: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CheckReport:
    """All issues of some rules, sorted, for one target ("8.19.21, platinum").

    `titles` says in a line what each code that occurs is about. `matrix` is filled where versions were asked for.
    `folders` are those of all hunts that were read.
    """

    target: str
    hunts: int
    rules: int
    issues: tuple[Issue, ...]
    titles: Mapping[str, str] = field(default_factory=dict)
    matrix: tuple[MatrixRow, ...] = ()
    folders: tuple[str, ...] = ()

    def count(self, level: Level) -> int:
        """How many issues are of one level."""
        return sum(issue.level is level for issue in self.issues)
