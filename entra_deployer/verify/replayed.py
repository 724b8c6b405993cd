"""What a rule would have done in the past."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """One run of the rule's schedule. `at` is ISO 8601; `rows` how many alerts its query found.

    `entities` are those it found, `new` those among them that no earlier tick of the replay had found.
    """

    at: str
    rows: int
    entities: tuple[str, ...]
    new: tuple[str, ...]


@dataclass(frozen=True)
class Replay:
    """A rule run at each tick of its schedule from `start` to `end`, with the clock of that tick.

    `every` is the schedule in seconds, `key_columns` what tells entities apart. `ticks` holds them all, in order.
    """

    environment: str
    rule_id: str
    name: str
    start: str
    end: str
    every: float
    key_columns: tuple[str, ...]
    ticks: tuple[Tick, ...]

    @property
    def fired(self) -> tuple[Tick, ...]:
        """The ticks at which the rule would have made an alert."""
        return tuple(tick for tick in self.ticks if tick.rows)
