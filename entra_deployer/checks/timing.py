"""The schedule of a rule as its payload tells it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.time import UNITS, parse_duration

_MATH = re.compile(r"now(?:([+-])(\d+)([smhdwMy])(?:/[smhdwMy])?)?")
_SECONDS = {**UNITS, "w": 604800, "M": 31 * 86400, "y": 365 * 86400}


@dataclass(frozen=True)
class Timing:
    """`interval` between two runs, and how far before each run its events lie, in seconds: from `start` to `end`."""

    interval: int
    start: int
    end: int

    @property
    def span(self) -> int:
        """How long a time each run looks at."""
        return self.start - self.end

    @classmethod
    def of(cls, payload: Mapping[str, Json]) -> "Timing | None":
        """The schedule; None where it is not of the form `now-<n><unit>`."""
        start, end = age(payload["from"]), age(payload["to"])
        try:
            interval = parse_duration(payload["interval"])
        except ValueError:
            return None
        return None if start is None or end is None else cls(interval, start, end)


def age(text: Json) -> int | None:
    """The seconds before now of `now-5m` (negative: of `now+1y`), before rounding; None for any other date math."""
    found = _MATH.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return None
    if not found[1]:
        return 0
    return int(found[2]) * _SECONDS[found[3]] * (1 if found[1] == "-" else -1)
