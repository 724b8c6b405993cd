"""DEP017: the rule looks back less far than it pauses between two runs."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.checks.timing import Timing
from entra_deployer.core.issue import Level
from entra_deployer.core.time import say_duration


def _run(subject: Subject) -> Iterator[Finding]:
    timing = Timing.of(subject.payload)
    if timing and timing.span < timing.interval:
        yield Finding(
            f"the rule runs every {say_duration(timing.interval)} and looks at {say_duration(timing.span)}: events "
            "between two runs are never looked at",
            hint="make lookback at least as long as interval in rule.yaml",
            setting=("interval",) if subject.settings.settings.interval else ("lookback",),
        )


CHECK = Check(
    code="DEP017",
    title="the lookback is shorter than the interval",
    level=Level.ERROR,
    explanation=(
        "Each run looks at the time from `from` to `to`. Where that is shorter than the interval between runs, "
        "the events in between are never seen by any run."
    ),
    good=Example("from logs-a-*\n| stats c = count(*) by user.name", rule_yaml="interval: 5m\nlookback: 10m"),
    bad=Example("from logs-a-*\n| stats c = count(*) by user.name", rule_yaml="interval: 1h\nlookback: 10m"),
    run=_run,
)
