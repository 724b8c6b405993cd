"""A promotion: what speaks for each rule, what against it, and the plan or push."""

from collections.abc import Iterator
from dataclasses import asdict

from entra_deployer.core.json import Json
from entra_deployer.promotion.attestation import AttestationCheck, AttestedRule, Evidence, Promotion
from entra_deployer.reports.document import (
    Block,
    Case,
    Document,
    Gap,
    Line,
    Tone,
    issue_faults,
    words,
)
from entra_deployer.reports.documents.plan import change_blocks, findings, plan_cases, plan_summary
from entra_deployer.reports.documents.report_json import report_to_json
from entra_deployer.reports.words import counted, minute
from entra_deployer.verify.records import VerdictRecord, record_to_json
from entra_deployer.verify.verdict import Status

_DIGEST = len("sha256:") + 12
_INDENT = 2


def promotion_document(promotion: Promotion) -> Document:
    """The whole report, its outcome as the last line."""
    report, summary = promotion.report, promotion_summary(promotion)
    where = f"{promotion.source} -> {promotion.target}"
    issues = tuple(sorted({*report.issues, *promotion.issues}, key=lambda issue: issue.order))
    return Document(
        name="promote",
        title=where,
        stack=report.stack,
        blocks=(
            *(block for evidence in promotion.evidence for block in _evidence(evidence, promotion.source)),
            Gap(),
            *change_blocks(report.results, issues),
        ),
        summary=summary,
        is_good=not promotion.refused,
        content={
            "source": promotion.source,
            "target": promotion.target,
            "refused": promotion.refused,
            "plan": report_to_json(report)["plan"],
            "evidence": [_evidence_to_json(one) for one in promotion.evidence],
            "attestation": promotion.attestation,
        },
        issues=(*promotion.issues, *report.issues),
        findings=tuple(findings(report)),
        cases=(
            Case(where, "gates", issue_faults(promotion.issues), summary),
            *plan_cases(report),
        ),
    )


def promotion_summary(promotion: Promotion) -> str:
    """The last line."""
    where = f"{promotion.source} to {promotion.target}"
    if promotion.refused:
        return f"Not promoted from {where}: {counted(len(promotion.errors), 'reason')} against it. Nothing was written."
    if promotion.report.plan is None or not promotion.report.plan.changes:
        return f"Nothing to promote from {where}: it is there already."
    return plan_summary(promotion.report)


def attestation_document(check: AttestationCheck) -> Document:
    """What an attestation says, and whether it holds, as the last line."""
    found, summary = check.attestation, _holds(check)
    lines = [f"promoted {minute(found.at)} by {found.by}" + (f", commit {found.commit[:12]}" if found.commit else "")]
    lines += [f"signed by {check.signed_by}"] if check.signed_by else []
    return Document(
        name="attestation",
        title=f"{found.source.environment} -> {found.target.environment}",
        stack=f"Kibana {found.target.kibana}, {found.target.licence}",
        blocks=(
            *(Line(words((line, Tone.DIM))) for line in lines),
            *(block for rule in found.rules for block in _attested(rule, found.source.environment)),
        ),
        summary=summary,
        is_good=not check.problem,
        content={
            "file": check.source,
            "environment": check.environment,
            "holds": not check.problem,
            "problem": check.problem,
            "signed_by": check.signed_by,
            "attestation": found.to_json(),
        },
        issues=check.issues,
        cases=(Case("deploy promote --verify", check.source, issue_faults(check.issues), summary),),
    )


def _holds(check: AttestationCheck) -> str:
    if check.problem:
        return f"{check.source} does not hold: {check.problem}."
    rules = counted(len(check.attestation.rules), "rule")
    return f"{check.source} holds: {check.signed_by}, which {check.environment} trusts, vouches for {rules}."


def _attested(rule: AttestedRule, source: str) -> Iterator[Block]:
    evidence = Evidence(
        *(rule.rule_id, rule.name, rule.folder, rule.content, rule.verdicts, rule.in_source_since, rule.approved_by)
    )
    yield from _evidence(evidence, source)


def _evidence(evidence: Evidence, source: str) -> Iterator[Block]:
    yield Gap()
    yield Line(words((evidence.name, Tone.STRONG)))
    for line in _facts(evidence, source):
        yield Line(words((line, Tone.DIM)), _INDENT)


def _facts(evidence: Evidence, source: str) -> Iterator[str]:
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


def _evidence_to_json(evidence: Evidence) -> Json:
    return {
        **asdict(evidence),
        "verdicts": [record_to_json(record) for record in evidence.verdicts],
        "approved_by": list(evidence.approved_by),
    }
