"""A promotion for a person at a terminal: what speaks for each rule, what against it, and the plan or push."""

from collections.abc import Iterator
from dataclasses import replace

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from entra_deployer.ledger.attestation import Evidence, Promotion, VerdictRecord
from entra_deployer.reports.canvas import draw
from entra_deployer.reports.drift_words import minute
from entra_deployer.reports.plan_as_text import change_lines
from entra_deployer.reports.words import counted, plan_summary
from entra_deployer.verify.verdict import Status

_DIGEST = len("sha256:") + 12


def promotion_as_text(promotion: Promotion, *, width: int = 100, colour: bool = False) -> str:
    """The whole report, its outcome as the last line."""
    return draw(_lines(promotion), width=width, colour=colour)


def promotion_summary(promotion: Promotion) -> str:
    """The last line."""
    where = f"{promotion.source} to {promotion.target}"
    if promotion.refused:
        return f"Not promoted from {where}: {counted(len(promotion.errors), 'reason')} against it. Nothing was written."
    if promotion.report.plan is None or not promotion.report.plan.changes:
        return f"Nothing to promote from {where}: it is there already."
    return plan_summary(promotion.report)


def _lines(promotion: Promotion) -> Iterator[RenderableType]:
    head = Text(f"{promotion.source} -> {promotion.target}", "bold")
    head.append(f"  {promotion.report.stack}" if promotion.report.stack else "", "dim")
    yield head
    for evidence in promotion.evidence:
        yield Text()
        yield Text(evidence.name, "bold")
        for line in _evidence(evidence, promotion.source):
            yield Padding(Text(line, "dim"), (0, 0, 0, 2))
    yield Text()
    issues = sorted({*promotion.report.issues, *promotion.issues}, key=lambda issue: issue.order)
    yield from change_lines(replace(promotion.report, issues=tuple(issues)))
    yield Text(promotion_summary(promotion), "bold red" if promotion.refused else "bold green")


def _evidence(evidence: Evidence, source: str) -> Iterator[str]:
    yield f"content {evidence.content[:_DIGEST]} of rules/{evidence.folder}"
    for record in evidence.verdicts:
        yield _verdict(record)
    if evidence.since:
        yield f"in {source} since {minute(evidence.since)}"
    if evidence.approved_by:
        yield f"approved by {', '.join(evidence.approved_by)}"


def _verdict(record: VerdictRecord) -> str:
    said = {Status.PASSED: "passed", Status.FAILED: "failed", Status.ERROR: "no verdict"}[record.status]
    score = f", mutation score {record.mutation_score:.0%}" if record.mutation_score is not None else ""
    return f"{said} on Kibana {record.kibana}{score}, {minute(record.at)} by {record.by}"
