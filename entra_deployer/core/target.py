"""What a rule is compiled for: the stack's version, its licence, and where it goes."""

import re
from dataclasses import dataclass
from functools import total_ordering

from entra_deployer.core.json import Untyped as Json


@total_ordering
@dataclass(frozen=True)
class StackVersion:
    """A version of the Elastic Stack, e.g. 8.19.21."""

    major: int
    minor: int
    patch: int = 0

    @classmethod
    def parse(cls, text: str) -> "StackVersion":
        """Read "8.19", "8.19.21" or "9.1.0-SNAPSHOT"; ValueError for anything else."""
        found = re.match(r"^(\d+)\.(\d+)(?:\.(\d+))?", text)
        if not found:
            raise ValueError(f"{text!r} is not a version of the Elastic Stack")
        return cls(int(found[1]), int(found[2]), int(found[3] or 0))

    def __lt__(self, other: "StackVersion") -> bool:
        """Older than."""
        return (self.major, self.minor, self.patch) < (other.major, other.minor, other.patch)

    def __str__(self) -> str:
        """major.minor.patch."""
        return f"{self.major}.{self.minor}.{self.patch}"


@dataclass(frozen=True)
class Target:
    """One space of one environment, as far as the compiler needs to know it.

    `licence` is Elastic's word for it ("basic", "platinum", ...). `overlay` is a merge patch on each rule's payload,
    `overlays` further ones by hunt folder or rule name. `enabled` is what a rule gets that says nothing of it.
    """

    environment: str
    space: str
    version: StackVersion
    licence: str = "basic"
    enabled: bool = False
    overlay: Json = None
    overlays: Json = None
