"""DEP024: what an aggregating rule costs: repeated alerts, late ones, or several groups in one."""

from collections.abc import Iterator

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.checks.timing import Timing
from entra_deployer.compiler.window import find_window
from entra_deployer.core.issue import Level
from entra_deployer.core.time import say_duration
from entra_deployer.esql.columns import last_stats

_DAY = 86400


def _run(subject: Subject) -> Iterator[Finding]:
    timing = Timing.of(subject.payload)
    stats = last_stats(subject.tree)
    if stats is None or timing is None:
        return
    folded = subject.said.alert_suppression
    if folded:
        buckets = find_window(subject.tree).time_keys
        rest = [key for key in subject.rule.key_columns if key not in folded.group_by and key not in buckets]
        if rest:
            duration, same = folded.duration, ", ".join(folded.group_by)
            span = f"for {duration.value}{duration.unit}" if duration else "in each run"
            yield Finding(
                f"{span} all groups with the same {same} share one alert, whatever "
                f"their {', '.join(rest)}: Kibana suppresses by three columns",
                stats.span,
                hint="`fields: {alert_suppression: ...}` in rule.yaml chooses others; `duplicates` another way",
                level=Level.NOTE,
            )
    elif timing.span > timing.interval:
        times = round(timing.span / timing.interval)
        yield Finding(
            f"each group alerts up to {times} times for the same events: every run counts them anew",
            stats.span,
            hint=f"`duplicates: suppress` ({facts.SUPPRESSION.first}+, Platinum) or `window` in rule.yaml",
        )
    elif timing.interval > _DAY:
        yield Finding(
            f"an alert comes up to {say_duration(timing.interval)} late: the rule runs once a window, because this "
            "target cannot suppress repeats",
            stats.span,
            hint="`duplicates: none` in rule.yaml alerts at once, and again in every run; or shorten `lookback`",
        )


CHECK = Check(
    code="DEP024",
    title="repeated, late or merged alerts of an aggregating rule",
    level=Level.WARNING,
    explanation=(
        "A rule that aggregates makes new rows in every run, which Kibana cannot know again: where two runs look "
        "at the same events, a group alerts in both. Either Kibana suppresses (8.15+, Platinum; by three columns "
        "at most), or the rule runs once a window (alerts come late), or it repeats. docs/compiler.md tells how "
        "the compiler chooses; `duplicates` in rule.yaml chooses for one rule."
    ),
    good=Example("from logs-a-*\n| where @timestamp > now() - 14 days\n| stats c = count(*) by user.name"),
    bad=Example(
        "from logs-a-*\n| where @timestamp > now() - 14 days\n| stats c = count(*) by user.name", license="basic"
    ),
    run=_run,
)
