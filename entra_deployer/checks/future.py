"""DEP038: the hunt looks at events after now."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.compiler.schedule import FUTURE
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    for remark in subject.rule.remarks:
        if remark.code == FUTURE:
            yield Finding(remark.message, hint=remark.hint or None, level=remark.level)


CHECK = Check(
    code=FUTURE,
    title="a hunt for events of the future",
    level=Level.WARNING,
    explanation=(
        "`@timestamp > NOW()` holds for events with a time that has not come yet: clocks that are wrong, or forged "
        "times. Such a hunt becomes a rule that looks from now on, up to a year ahead. More often the comparison is "
        "the wrong way round."
    ),
    good=Example("from logs-a-*\n| where @timestamp > now() - 1 hour\n| keep user.name"),
    bad=Example("from logs-a-*\n| where @timestamp > now()\n| keep user.name"),
    run=_run,
)
