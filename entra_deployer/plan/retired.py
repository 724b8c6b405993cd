"""Rules that are retired: switched off at the next push, deleted by a prune once the environment's time is over.

When a rule was retired stands in its tag "Retired: 2026-11-26", so that everybody in Kibana sees it too, and no ledger
has to remember it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from entra_deployer.compiler.compiled import CompiledRule
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import as_texts
from entra_deployer.core.time import say_duration
from entra_deployer.objects.state import Key, LiveObject

RETIRED = "DEP318"
_TAG = "Retired: "


class Retirement(Struct, frozen=True):
    """A retired rule that stands yet: since when, and whether a prune may delete it now."""

    rule: CompiledRule
    since: date
    is_over: bool

    @property
    def keys(self) -> tuple[Key, Key]:
        """Those of the rule and of its saved search."""
        return self.rule.rule.at, self.rule.search.at

    def told(self, after: int) -> Issue:
        """What a plan says of it; `after` are the seconds that it stays."""
        until = "a prune removes it" if self.is_over else f"a prune removes it {say_duration(after)} after that"
        message = f"retired, switched off since {self.since}: {until}"
        return Issue(RETIRED, Level.NOTE, message, self.rule.rule.name)


def split(
    rules: Sequence[CompiledRule], standing: Mapping[str, LiveObject], now: datetime, after: int
) -> tuple[list[CompiledRule], list[Retirement]]:
    """The rules as they are to stand, and the retired among them. `standing` are the live ones by rule_id.

    A retired rule that does not stand is not made; one that stands is off, whoever owns that. `after` are the seconds
    until a prune may delete it.
    """
    wanted = [rule for rule in rules if not rule.settings.settings.retired]
    found = list(_retirements(rules, standing, now, after))
    return [*wanted, *(one.rule for one in found)], found


def _retirements(
    rules: Sequence[CompiledRule], standing: Mapping[str, LiveObject], now: datetime, after: int
) -> Iterator[Retirement]:
    for rule in rules:
        if not rule.settings.settings.retired or (live := standing.get(rule.rule.key)) is None:
            continue
        since = _since(live) or now.astimezone(UTC).date()
        over = now >= datetime(since.year, since.month, since.day, tzinfo=UTC) + timedelta(seconds=after)
        tags = [*as_texts(rule.rule.payload.get("tags")), f"{_TAG}{since}"]
        payload = {**rule.rule.payload, "enabled": False, "tags": tags}
        yield Retirement(replace(rule, rule=replace(rule.rule, payload=payload)), since, over)


def _since(live: LiveObject) -> date | None:
    """The day on which a push retired a rule, by its tag; the earliest where there are several."""
    days: list[date] = []
    for tag in as_texts(live.object.payload.get("tags")):
        if tag.startswith(_TAG):
            try:
                days.append(date.fromisoformat(tag.removeprefix(_TAG)))
            except ValueError:
                continue  # somebody's own tag
    return min(days, default=None)
