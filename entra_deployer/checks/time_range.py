"""DEP025: a time range or an interval that Kibana takes at creation and cannot run with."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.checks.timing import Timing
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    payload = subject.payload
    timing = Timing.of(payload)
    if timing is None:
        written = ", ".join(f"{name}: {payload.get(name)!r}" for name in ("interval", "from", "to"))
        yield Finding(
            f"the schedule is not of the form that a rule runs with: {written}",
            hint="write `now-<n><unit>` (s, m, h, d, w) for from and to, `<n><unit>` for interval",
        )
    elif timing.span <= 0:
        yield Finding(f"`from` {payload.get('from')} is not before `to` {payload.get('to')}: no run sees an event")


CHECK = Check(
    code="DEP025",
    title="a time range that no run can use",
    level=Level.ERROR,
    explanation=(
        "Kibana checks `from` when a rule is created, but not `to`: it takes any text, and the rule fails in "
        "every run. An interval must be a whole number with s, m, h or d. rule.yaml's `interval` and `lookback` "
        "are checked when it is read; this check looks at what `fields` or an environment's overlay make of the "
        "rule."
    ),
    good=Example("from logs-a-*\n| stats c = count(*) by user.name", rule_yaml="fields:\n  to: now-5m"),
    bad=Example("from logs-a-*\n| stats c = count(*) by user.name", rule_yaml="fields:\n  to: abc"),
    run=_run,
    silenceable=False,
)
