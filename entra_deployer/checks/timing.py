"""The schedule of a rule as its payload tells it."""

from collections.abc import Mapping
from dataclasses import dataclass

from entra_deployer.core.json import Json
from entra_deployer.core.time import math_age, parse_duration
from entra_deployer.objects.rule_fields import RULE_FIELDS


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
        said = {name: str(payload.get(name) or RULE_FIELDS[name].default) for name in ("from", "to", "interval")}
        start, end = math_age(said["from"]), math_age(said["to"])
        try:
            interval = parse_duration(said["interval"])
        except ValueError:
            return None
        return None if start is None or end is None else cls(interval, start, end)
