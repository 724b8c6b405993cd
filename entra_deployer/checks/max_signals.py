"""DEP023: a rule that asks for more alerts than Kibana bears gets none."""

from collections.abc import Iterator

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level


def _run(subject: Subject) -> Iterator[Finding]:
    wanted = subject.said.max_signals
    if wanted > facts.MOST_SIGNALS:
        message = f"max_signals is {wanted}: over {facts.MOST_SIGNALS} Kibana writes no alert at all, and says nothing"
        yield Finding(message, setting=("max_signals",))


CHECK = Check(
    code="DEP023",
    title="max_signals over 1000",
    level=Level.ERROR,
    explanation=(
        "Kibana takes any max_signals when a rule is created. A run of an ES|QL rule with more than 1000 ends as "
        "succeeded, with no alert and no warning (seen on 8.12)."
    ),
    good=Example("from logs-a-*\n| keep user.name", rule_yaml="max_signals: 1000"),
    bad=Example("from logs-a-*\n| keep user.name", rule_yaml="max_signals: 5000"),
    run=_run,
)
