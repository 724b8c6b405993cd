"""DEP036: how far a rule looks back was assumed, because the hunt does not say it."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.compiler.schedule import ASSUMED
from entra_deployer.compiler.window import find_window
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    for remark in subject.rule.remarks:
        if remark.code == ASSUMED:
            spans = find_window(subject.tree).spans
            yield Finding(remark.message, spans[0] if spans else None, hint=remark.hint or None, level=remark.level)


CHECK = Check(
    code=ASSUMED,
    title="a look-back that was assumed",
    level=Level.WARNING,
    explanation=(
        "A hunt is run by a person who chooses a range in Discover; a rule needs one of its own. Where the query has "
        "no condition on @timestamp and no time buckets, a rule that counts looks at the last day: a threshold of 20 "
        "then means 20 a day, though its author may have meant 20 in five minutes. A hunt for what is new (the first "
        "event of a group lies minutes ago) needs a baseline of days to tell what is new, and calls everything new "
        "that was not seen in it.\n\n"
        "Say the range in the query, `WHERE @timestamp > NOW() - 1 hour`, or as `lookback` in rule.yaml."
    ),
    good=Example(
        "from logs-a-*\n| where @timestamp > now() - 1 hour\n| stats c = count(*) by user.name\n| where c > 20"
    ),
    bad=Example("from logs-a-*\n| stats c = count(*) by user.name\n| where c > 20"),
    run=_run,
)
