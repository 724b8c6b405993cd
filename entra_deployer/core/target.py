"""What a rule is compiled for: the stack's version, its license, and where it goes."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import total_ordering

from msgspec import Struct

from entra_deployer.core.json import Json


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


_BOUND = re.compile(r"\s*(>=|<=|>|<|==)?\s*(\d+(?:\.\d+){0,2})\s*")


class VersionRange(Struct, frozen=True):
    """The versions of the stack that every bound allows; a bound is a sign and the numbers that it names."""

    bounds: tuple[tuple[str, tuple[int, ...]], ...]

    @classmethod
    def parse(cls, text: str) -> "VersionRange":
        """Read ">=9.2" or ">=8.14,<9"; ValueError for anything else."""
        bounds = []
        for part in text.split(","):
            found = _BOUND.fullmatch(part)
            if not found:
                raise ValueError(f"{text!r} is no range of versions such as >=8.14,<9")
            bounds.append((found[1] or "==", tuple(int(number) for number in found[2].split("."))))
        return cls(tuple(bounds))

    def allows(self, version: StackVersion) -> bool:
        """Whether a version is within it. What a bound does not name does not count: 8.19.21 is not above 8.19."""
        numbers = (version.major, version.minor, version.patch)
        return all(_COMPARED[sign](numbers[: len(bound)], bound) for sign, bound in self.bounds)


_COMPARED: dict[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Target:
    """One space of one environment, as far as the compiler needs to know it.

    `license` is Elastic's word for it ("basic", "platinum", ...). `overlay` is a merge patch on each rule's payload,
    `overlays` further ones by hunt folder or rule name. `enabled` is what a rule gets that says nothing of it.
    """

    environment: str
    space: str
    version: StackVersion
    license: str = "basic"
    enabled: bool = False
    overlay: Mapping[str, Json] = field(default_factory=dict)
    overlays: Mapping[str, Mapping[str, Json]] = field(default_factory=dict)
