"""When a rule runs, how far back it looks, and what keeps it from alerting twice: the policy, in one place.

`lookback` is the hunt's own window, or what `rule.yaml` says. A rule that keeps its rows alerts once on each document,
however often it sees it (Kibana knows documents by `_id`), so that a run every few minutes over the whole window costs
repeats nothing. A rule that aggregates makes new rows in every run: without more it alerts again on the same events as
often as it runs within its window. What is done about it, `duplicates`:

  suppress  Kibana folds the alerts of a group (the BY columns) into one for the length of the window; 8.15+, Platinum
  window    the rule runs once a window, so that windows do not overlap: alerts come up to a window late
  none      nothing: as often as the rule runs within a window, so often it alerts
"""

from dataclasses import dataclass

from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.core.time import format_duration, parse_duration, say_duration
from entra_deployer.hunts.folder import RuleSettings

HOUR, DAY = 3600, 86400

DEFAULT_LOOKBACK = {True: DAY, False: HOUR}
"""How far an aggregating rule (True), or one that keeps its rows, looks back where nobody says it."""

_INTERVALS = ((HOUR, 300), (DAY, 900))
"""Up to this window, the rule runs so often; a longer one runs every hour."""

SUPPRESSION_SINCE = StackVersion(8, 15)
SUPPRESSION_LICENSES = frozenset({"platinum", "enterprise", "trial"})
MOST_SUPPRESSION_KEYS = 3
"""Kibana takes at most three columns to suppress by."""


@dataclass(frozen=True)
class Schedule:
    """The rule's schedule in seconds, and the policy against repeats with why it was chosen.

    `suppress_by` are the columns to suppress by: () where the policy is another one. `costs` says in words what the
    policy costs, "" where nothing.
    """

    interval: int
    lookback: int
    end: int
    duplicates: str
    reason: str
    suppress_by: tuple[str, ...] = ()
    costs: str = ""

    @property
    def overlaps(self) -> bool:
        """Whether two runs see the same events."""
        return self.lookback > self.interval + self.end


@dataclass(frozen=True)
class Wish:
    """What the query asks of its schedule.

    `window` is its own in seconds (None: it has none), up to `end` seconds ago; `keys` are its BY columns.
    """

    window: int | None
    end: int
    aggregates: bool
    keys: tuple[str, ...]


def make_schedule(settings: RuleSettings, target: Target, wish: Wish) -> Schedule:
    """The schedule of a rule: what the query asks for, as `rule.yaml` changes it and the target can do it."""
    lookback = _lookback(settings, wish)
    chosen, reason = "none", "each document alerts once, by its _id"
    if wish.aggregates:
        chosen, reason = _policy(settings, target, wish.keys)
    interval = _interval(settings, chosen, lookback - wish.end)
    suppress_by = wish.keys[:MOST_SUPPRESSION_KEYS] if chosen == "suppress" else ()
    costs = _costs(chosen, interval, lookback - wish.end) if wish.aggregates else ""
    return Schedule(interval, lookback, wish.end, chosen, reason, suppress_by, costs)


def _lookback(settings: RuleSettings, wish: Wish) -> int:
    if settings.lookback:
        return parse_duration(settings.lookback)
    return wish.window or DEFAULT_LOOKBACK[wish.aggregates]


def _interval(settings: RuleSettings, duplicates: str, span: int) -> int:
    """How often to run over `span` seconds of events; Kibana's shortest is a minute.

    `window` is an interval by itself: one in rule.yaml is for a target that can suppress.
    """
    if duplicates == "window":
        return max(span, 60)
    if settings.interval:
        return parse_duration(settings.interval)
    usual = next((interval for most, interval in _INTERVALS if span <= most), HOUR)
    return max(min(usual, span), 60)


def _policy(settings: RuleSettings, target: Target, keys: tuple[str, ...]) -> tuple[str, str]:
    """`duplicates` and why: as `rule.yaml` says, if the target can, else the best that it can."""
    obstacle = suppression_obstacle(target, keys)
    if settings.duplicates and not (settings.duplicates == "suppress" and obstacle):
        return settings.duplicates, "rule.yaml says so"
    if obstacle:
        return "window", f"repeated alerts cannot be suppressed: {obstacle}"
    return "suppress", f"{target.version.major}.{target.version.minor} with a {target.licence} license can suppress"


def suppression_obstacle(target: Target, keys: tuple[str, ...]) -> str:
    """Why repeats cannot be suppressed on this target; "" where they can."""
    if target.version < SUPPRESSION_SINCE:
        return f"{target.version.major}.{target.version.minor} cannot (8.15 is the first that does)"
    if target.licence not in SUPPRESSION_LICENSES:
        return f"the {target.licence} license does not allow it (Platinum does)"
    return "" if keys else "the result has no BY columns to suppress by"


def _costs(duplicates: str, interval: int, span: int) -> str:
    runs = max(1, round(span / interval))
    match duplicates:
        case "window":
            return f"an alert comes up to {say_duration(interval)} after its events"
        case "none" if runs > 1:
            return f"each group alerts up to {runs} times for the same events"
    return ""


def suppression(schedule: Schedule) -> Json:
    """Kibana's `alert_suppression`; None where nothing is suppressed. Its units are s, m and h: 14 days are 336h."""
    if not schedule.suppress_by:
        return None
    text = format_duration(schedule.lookback, units="hms")
    return {
        "group_by": list(schedule.suppress_by),
        "duration": {"value": int(text[:-1]), "unit": text[-1]},
        "missing_fields_strategy": "suppress",
    }
