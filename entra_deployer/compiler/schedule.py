"""When a rule runs, how far back it looks, and what keeps it from alerting twice: the policy, in one place.

The look-back is the hunt's own window, or what `rule.yaml` says. A rule that keeps its rows alerts once on each
document, however often it sees it (Kibana knows documents by `_id`), so that a run every few minutes over the whole
window costs repeats nothing. A rule that aggregates makes new rows in every run: without more it alerts again on the
same events as often as it runs within its window. What is done about it, `duplicates`:

  suppress  Kibana folds the alerts of a group (the BY columns) into one for the length of the window; 8.15+, Platinum
  window    the rule runs once a window, so that windows do not overlap: alerts come up to a window late
  none      nothing: as often as the rule runs within a window, so often it alerts

Nothing falls between two runs: they overlap by the ingest delay, the time that an event may need to arrive. A hunt for
what was first seen a few minutes ago runs as often as that, and looks back over a baseline of days.
"""

from dataclasses import dataclass, replace
from math import ceil

from entra_deployer import facts
from entra_deployer.compiler.compiled import Remark
from entra_deployer.compiler.entities import MOST_KEYS
from entra_deployer.core.issue import Level
from entra_deployer.core.json import Json
from entra_deployer.core.target import Target
from entra_deployer.core.time import format_duration, parse_duration, say_duration
from entra_deployer.hunts.folder import RuleSettings

MINUTE, HOUR, DAY = 60, 3600, 86400
YEAR = 365 * DAY

INGEST_DELAY = 5 * MINUTE
"""How late an event may arrive without being missed, where `rule.yaml` does not say it."""
DEFAULT_LOOKBACK = {True: DAY, False: HOUR}
"""How far an aggregating rule (True), or one that keeps its rows, looks back where nobody says it."""
DEFAULT_BASELINE = 7 * DAY
"""How far a rule looks back to tell what is new, where nobody says it."""
SHORTEST = MINUTE
"""The shortest interval that Kibana runs a rule with."""

_INTERVALS = ((HOUR, 300), (DAY, 900))
"""Up to this window, the rule runs so often; a longer one runs every hour."""
_UNITS = {MINUTE: "m", HOUR: "h", DAY: "d"}

ASSUMED, LOST, FUTURE = "DEP036", "DEP037", "DEP038"
"""The codes of what a schedule has to say: a range that nobody gave, events that no run sees, a look at the future."""


@dataclass(frozen=True)
class Schedule:
    """The rule's schedule in seconds, and the policy against repeats with why it was chosen.

    Each run looks at the events from `lookback` until `end` seconds ago (negative: from now on); `round_to` is the
    length of the time buckets to whose begin the look-back is rounded, 0 for none. `suppress_by` are the columns to
    suppress by: () where the policy is another one; `suppress_for` is how long. `costs` says in words what the policy
    costs, "" where nothing; `why` where the look-back comes from. `remarks` are what the author should know.
    """

    interval: int
    lookback: int
    end: int
    duplicates: str
    reason: str
    suppress_by: tuple[str, ...] = ()
    costs: str = ""
    suppress_for: int = 0
    round_to: int = 0
    why: str = ""
    remarks: tuple[Remark, ...] = ()

    @property
    def overlaps(self) -> bool:
        """Whether two runs see the same events."""
        return self.lookback > self.interval + self.end

    @property
    def start_math(self) -> str:
        """`from` as Kibana writes it."""
        rounded = f"/{_UNITS[self.round_to]}" if self.round_to in _UNITS else ""
        return date_math(self.lookback) + rounded

    @property
    def end_math(self) -> str:
        """`to` as Kibana writes it."""
        return date_math(self.end)


@dataclass(frozen=True)
class Wish:
    """What the query asks of its schedule, in seconds.

    `window` is its own (None: it has none), up to `end` seconds ago (negative: in the future). `keys` are the columns
    that tell its groups apart. `recency` is how long a group counts as new, `covers` how far back a condition tells
    events apart that filters none, `baseline` whether others are compared with those. `bucket` is the length of its
    time buckets (0: not known), `fewer` whether it looks for fewer than so many. `picker`: Discover gives the range.
    `by_arrival`: the window is one of event.ingested, and the rule goes by @timestamp.
    """

    window: int | None
    end: int
    aggregates: bool
    keys: tuple[str, ...]
    recency: int | None = None
    covers: int | None = None
    baseline: bool = False
    bucket: int | None = None
    fewer: bool = False
    picker: bool = False
    by_arrival: bool = False


@dataclass(frozen=True)
class _Range:
    """How far back to look, why, and the longest pause between two runs that loses nothing (0: as usual)."""

    lookback: int
    why: str
    most: int = 0
    round_to: int = 0
    remarks: tuple[Remark, ...] = ()


def date_math(seconds: int) -> str:
    """Kibana's words for a moment so many seconds before now: `now-14d`, `now`, `now+1y`."""
    if seconds == 0:
        return "now"
    if seconds == -YEAR:
        return "now+1y"
    return f"now-{format_duration(seconds)}" if seconds > 0 else f"now+{format_duration(-seconds)}"


def make_schedule(settings: RuleSettings, target: Target, wish: Wish) -> Schedule:
    """The schedule of a rule: what the query asks for, as `rule.yaml` changes it and the target can do it."""
    delay = ingest_delay(settings)
    found = _range(settings, wish, delay)
    chosen, reason = "none", "each document alerts once, by its _id"
    if wish.aggregates:
        chosen, reason = _policy(settings, target, wish)
    span = found.lookback - wish.end
    interval, remarks = _interval(settings, chosen, wish, found)
    if not wish.aggregates and not wish.recency and found.lookback > 0 and not settings.lookback:
        found = _further(found, interval, wish, delay)
    suppress_by = wish.keys[:MOST_KEYS] if chosen == "suppress" else ()
    costs = _costs(chosen, interval, wish.recency or span) if wish.aggregates else ""
    late = _late(wish, found, interval, delay) if wish.aggregates and chosen != "window" and not remarks else ()
    return Schedule(
        interval,
        found.lookback,
        wish.end,
        chosen,
        reason,
        suppress_by,
        costs,
        suppress_for=max(wish.recency or 0, interval) if wish.recency else found.lookback,
        round_to=found.round_to,
        why=found.why,
        remarks=(*found.remarks, *remarks, *late),
    )


def ingest_delay(settings: RuleSettings) -> int:
    """How many seconds late an event may arrive."""
    return parse_duration(settings.ingest_delay) if settings.ingest_delay else INGEST_DELAY


# --- how far back -----------------------------------------------------------------------------------------------


def _range(settings: RuleSettings, wish: Wish, delay: int) -> _Range:
    """How far back a run looks."""
    said = parse_duration(settings.lookback) if settings.lookback else None
    if wish.recency:
        return _new_groups(wish, said, delay)
    if said is not None:
        return _Range(said, "rule.yaml says so", max(said - wish.end - delay, 0))
    if wish.window is not None:
        return _own_window(wish, delay)
    if wish.bucket and wish.aggregates:
        return _few_buckets(wish, delay)
    return _assumed(wish, delay)


def _own_window(wish: Wish, delay: int) -> _Range:
    window = wish.window or 0
    if window <= 0:
        message = "the query looks for events after now: the rule does so up to a year ahead"
        hint = "is the comparison the wrong way round? what happened lies before NOW()"
        return _Range(0, "the hunt looks into the future", remarks=(Remark(FUTURE, message, hint),))
    if wish.by_arrival:
        message = (
            "the hunt asks when events arrived (event.ingested), and the rule goes by when they happened (@timestamp): "
            f"what arrives more than {say_duration(delay)} late may be missed"
        )
        hint = "where every index has the field, say `fields: {timestamp_override: event.ingested}` in rule.yaml"
        remarks = (Remark(LOST, message, hint),)
        most = max(window - wish.end, 0)
        return _Range(window + delay, "the hunt's own window of event.ingested", most, remarks=remarks)
    return _Range(window, "the hunt's own window", max(window - wish.end - delay, 0))


def _new_groups(wish: Wish, said: int | None, delay: int) -> _Range:
    """A look-back over a baseline; a run at least as often as a group counts as new."""
    recency = wish.recency or 0
    most = max(recency - delay, SHORTEST)
    lookback, why, remarks = said or wish.window or 0, "rule.yaml says so" if said else "the hunt's own window", []
    if not lookback:
        lookback = max(DEFAULT_BASELINE, 2 * recency, 2 * (wish.covers or 0))
        why = "a baseline that was assumed"
        message = (
            f"the hunt does not say how far back it looks to tell what is new within {say_duration(recency)}: "
            f"{_assumed_in_words(lookback)}, and what was seen before that counts as new again"
        )
        hint = "say it in the query (WHERE @timestamp > NOW() - 14 days) or as `lookback` in rule.yaml"
        remarks = [Remark(ASSUMED, message, hint)]
    elif lookback <= recency:
        message = (
            f"the rule looks back {say_duration(lookback)}, and everything in it was seen within "
            f"{say_duration(recency)}: the condition on what is new always holds"
        )
        remarks = [Remark(ASSUMED, message, f"make the look-back longer than {say_duration(recency)}")]
    return _Range(lookback, why, most, remarks=tuple(remarks))


def _few_buckets(wish: Wish, delay: int) -> _Range:
    """So many whole buckets that each is seen whole by some run, late events included."""
    bucket = wish.bucket or 0
    most = min(max(bucket, 300), HOUR)
    count = ceil((most + delay + bucket + wish.end) / bucket) + 1
    why = f"{count} of the hunt's own time buckets of {say_duration(bucket)}"
    return _Range(count * bucket, why, most, round_to=bucket if wish.fewer else 0)


def _assumed(wish: Wish, delay: int) -> _Range:
    """Nobody says how far back: a usual time, and a word about it where it decides what is counted."""
    usual = DEFAULT_LOOKBACK[wish.aggregates]
    if wish.covers and not (wish.aggregates and wish.baseline):
        return _Range(wish.covers, "what the hunt's conditions tell apart", max(wish.covers - delay, 0))
    if wish.covers:
        usual = max(DEFAULT_BASELINE, 2 * wish.covers)
    lookback = usual + max(wish.end, 0)
    return _Range(lookback, "assumed", max(usual - delay, 0), remarks=(_say_assumed(wish, usual),))


def _say_assumed(wish: Wish, usual: int) -> Remark:
    """A warning where it decides what is counted, or what the author saw; else a note."""
    said = "the hunt has no time window"
    if wish.end > 0:
        said = f"the hunt says only that events are older than {say_duration(wish.end)}"
    if wish.picker:
        said = "Discover's time picker gives the hunt's range"
    said += f": {_assumed_in_words(usual)}"
    if wish.aggregates:
        said += f", so that a threshold counts what happens within {say_duration(usual)}"
    elif not wish.picker:
        said += "; each event alerts once, by its _id, however many runs see it"
    hint = "say it in the query (WHERE @timestamp > NOW() - 1 hour) or as `lookback` in rule.yaml"
    return Remark(ASSUMED, said, hint, Level.WARNING if wish.aggregates or wish.picker else Level.NOTE)


def _assumed_in_words(seconds: int) -> str:
    said = say_duration(seconds)
    return f"{said} {'is' if said.startswith('1 ') else 'are'} assumed"


def _further(found: _Range, interval: int, wish: Wish, delay: int) -> _Range:
    """Rows are known by their _id: a look further back finds late events and repeats none."""
    needed = interval + delay + max(wish.end, 0)
    if found.lookback >= needed:
        return found
    why = f"{found.why}, and {say_duration(needed - found.lookback)} more for events that arrive late"
    return replace(found, lookback=needed, why=why)


# --- how often --------------------------------------------------------------------------------------------------


def _interval(settings: RuleSettings, duplicates: str, wish: Wish, found: _Range) -> tuple[int, tuple[Remark, ...]]:
    """How often to run; Kibana's shortest is a minute.

    `window` is an interval by itself: one in rule.yaml is for a target that can suppress.
    """
    span = found.lookback - wish.end
    if duplicates == "window" and not wish.recency:
        message = (
            f"the rule runs once in {say_duration(max(span, SHORTEST))}: a case that lies across the border of two "
            "runs is counted half in each, and may be lost"
        )
        hint = "`duplicates: none` in rule.yaml overlaps the runs, and alerts again as long as a case is in the window"
        return max(span, SHORTEST), (Remark(LOST, message, hint),)
    if settings.interval:
        return parse_duration(settings.interval), _too_seldom(parse_duration(settings.interval), wish)
    usual = next((interval for most, interval in _INTERVALS if span <= most), HOUR)
    if wish.recency:
        # what is suppressed may be found again: an alert need not wait for most of the time that a group is new
        return min(found.most, HOUR) if duplicates == "suppress" else found.most, ()
    if wish.bucket and not wish.window and not settings.lookback and found.most:
        return found.most, ()
    most = found.most if found.most >= SHORTEST else span
    return max(min(usual, most), SHORTEST), ()


def _too_seldom(interval: int, wish: Wish) -> tuple[Remark, ...]:
    if not wish.recency or interval <= wish.recency:
        return ()
    message = (
        f"a group is new for {say_duration(wish.recency)} and the rule runs every {say_duration(interval)}: what "
        "begins between two runs is never looked at while it is new"
    )
    return (Remark(LOST, message, f"make `interval` in rule.yaml {say_duration(wish.recency)} at most"),)


def _late(wish: Wish, found: _Range, interval: int, delay: int) -> tuple[Remark, ...]:
    """What a grouping rule loses, whose window leaves no room for late events."""
    span = (wish.recency or found.lookback) - wish.end
    if found.lookback <= 0 or span - interval >= delay:
        return ()
    message = (
        f"the window of {say_duration(span)} leaves {say_duration(max(span - interval, 0))} for events that arrive "
        f"late: what comes later than that is not counted (an ingest delay of {say_duration(delay)} is expected)"
    )
    hint = "a longer window in the query, or `ingest_delay` in rule.yaml where events arrive sooner"
    return (Remark(LOST, message, hint),)


# --- against repeats --------------------------------------------------------------------------------------------


def _policy(settings: RuleSettings, target: Target, wish: Wish) -> tuple[str, str]:
    """`duplicates` and why: as `rule.yaml` says, if the target can, else the best that it can."""
    obstacle = suppression_obstacle(target, wish.keys)
    if settings.duplicates and not (settings.duplicates == "suppress" and obstacle):
        return settings.duplicates, "rule.yaml says so"
    if obstacle and wish.recency:
        return "none", f"repeated alerts cannot be suppressed ({obstacle}), and a longer pause would miss what is new"
    if obstacle:
        return "window", f"repeated alerts cannot be suppressed: {obstacle}"
    return "suppress", f"{target.version.major}.{target.version.minor} with a {target.license} license can suppress"


def suppression_obstacle(target: Target, keys: tuple[str, ...]) -> str:
    """Why repeats cannot be suppressed on this target; "" where they can."""
    if not facts.SUPPRESSION.holds(target.version):
        return (
            f"{target.version.major}.{target.version.minor} cannot ({facts.SUPPRESSION.first} is the first that does)"
        )
    if target.license not in facts.SUPPRESSING_LICENSES:
        return f"the {target.license} license does not allow it (Platinum does)"
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
    text = format_duration(schedule.suppress_for, units="hms")
    return {
        "group_by": list(schedule.suppress_by),
        "duration": {"value": int(text[:-1]), "unit": text[-1]},
        "missing_fields_strategy": "suppress",
    }
