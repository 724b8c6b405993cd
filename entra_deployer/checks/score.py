"""DEP046: a severity and a risk score that disagree."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level

_BANDS = {"low": (0, 21), "medium": (22, 47), "high": (48, 73), "critical": (74, 100)}
"""The scores that Kibana's own rules give to a severity: it suggests the highest of each, and 99 for critical."""


def _run(subject: Subject) -> Iterator[Finding]:
    severity, score = subject.said.severity, subject.said.risk_score
    if severity is None or score is None:
        return
    least, most = _BANDS[severity]
    if not least <= score <= most:
        message = f"severity {severity} with risk_score {score:g}: usual for {severity} is {least} to {most}"
        yield Finding(message, setting=("risk_score",), hint="alerts are sorted by either: let them agree")


CHECK = Check(
    code="DEP046",
    title="severity and risk score that disagree",
    level=Level.NOTE,
    explanation=(
        "Analysts sort alerts by severity or by risk score. Where the two disagree, one of the lists is wrong. "
        "Elastic's own rules give low up to 21, medium up to 47, high up to 73, and critical more."
    ),
    good=Example("from logs-a-*\n| keep user.name", rule_yaml="severity: high\nrisk_score: 60"),
    bad=Example("from logs-a-*\n| keep user.name", rule_yaml="severity: critical\nrisk_score: 21"),
    run=_run,
)
