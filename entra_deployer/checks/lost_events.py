"""DEP037: events that no run counts: they arrive late, lie across the border of two runs, or are new too briefly."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.compiler.schedule import LOST
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    for remark in subject.rule.remarks:
        if remark.code == LOST:
            yield Finding(remark.message, hint=remark.hint or None, level=remark.level)


CHECK = Check(
    code=LOST,
    title="events that no run counts",
    level=Level.WARNING,
    explanation=(
        "Runs overlap by the ingest delay, so that an event which arrives late is still seen (5 minutes, or "
        "`ingest_delay` in rule.yaml). A rule that keeps its rows may look further back than its hunt, because Kibana "
        "knows a document again. A rule that counts may not: more time would mean more events. Where its window leaves "
        "no room for the delay, where runs do not overlap at all (`duplicates: window`, the way without a license that "
        "suppresses), or where it runs more seldom than a group counts as new, something is lost; the message says "
        "what."
    ),
    good=Example("from logs-a-*\n| where @timestamp > now() - 1 hour\n| stats c = count(*) by user.name"),
    bad=Example("from logs-a-*\n| where @timestamp > now() - 5 minutes\n| stats c = count(*) by user.name"),
    run=_run,
)
