"""What `deploy doctor` found: a line a finding with its next step."""

from entra_deployer.core.issue import Issue, Level
from entra_deployer.doctor.findings import Examination, Finding, Health
from entra_deployer.reports.document import (
    Block,
    Case,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Span,
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.words import counted

_SIGNS = {
    Health.OK: Span("✓", Tone.GOOD),
    Health.WARNING: Span("!", Tone.DOUBT),
    Health.ERROR: Span("✗", Tone.VERY_BAD),
}
_LEVELS = {Health.WARNING: Level.WARNING, Health.ERROR: Level.ERROR}
_COLUMNS = ("", "about", "finding", "next step")
_CODE = "doctor/finding"
_HINT_INDENT = 6


def examination_document(examination: Examination) -> Document:
    """A line a finding, the next step below it, and the counts as the last line."""
    blocks: list[Block] = [Gap()]
    if examination.findings:
        blocks += [finding_items(examination), Gap()]
    if examination.issues:
        blocks += [Issues(examination.issues), Gap()]
    return Document(
        name="doctor",
        title=examination.environment,
        stack=examination.stack,
        blocks=tuple(blocks),
        summary=_summary(examination),
        is_good=not (examination.count(Health.ERROR) or issue_faults(examination.issues)),
        content={
            "environment": examination.environment,
            "findings": [
                {"about": one.about, "health": one.health.value, "message": one.message, "hint": one.hint or None}
                for one in examination.findings
            ],
        },
        issues=examination.issues,
        findings=tuple(
            Issue(
                *(_CODE, _LEVELS[one.health], f"{one.about}: {one.message}"),
                subject=examination.environment,
                hint=one.hint or None,
            )
            for one in examination.findings
            if one.health in _LEVELS
        ),
        titles={_CODE: "what a push, or the rules after it, depend on"},
        cases=(
            *(_case(examination.environment, finding) for finding in examination.findings),
            *(Case(examination.environment, "looked at", (fault,)) for fault in issue_faults(examination.issues)),
        ),
    )


def finding_items(examination: Examination) -> Section:
    """An item for each finding."""
    wide = max((len(finding.about) for finding in examination.findings), default=0)
    return Section(tuple(_item(finding, wide) for finding in examination.findings), _COLUMNS)


def _item(finding: Finding, wide: int) -> Item:
    sign = _SIGNS[finding.health]
    word = Span(f"{finding.health.value:<{len(Health.WARNING)}}", sign.tone)
    about = Span(f"{finding.about:<{wide}}", Tone.DIM)
    hint = Line(words((f"-> {finding.hint}", Tone.DIM)), _HINT_INDENT)
    return Item(
        name=finding.about,
        line=Line(words(finding.message), lead=(sign, word, about)),
        cells=cells(f"{sign.text} {finding.health.value}", finding.about, finding.message, finding.hint),
        notes=(hint,) if finding.hint else (),
    )


def _summary(examination: Examination) -> str:
    errors, warnings = examination.count(Health.ERROR), examination.count(Health.WARNING)
    if errors:
        return f"{counted(errors, 'error')}, {counted(warnings, 'warning')}: not ready."
    if issue_faults(examination.issues):
        return "It could not be looked over."
    also = f", {counted(warnings, 'warning')}" if warnings else ""
    return f"Ready to be pushed to{also}."


def _case(environment: str, finding: Finding) -> Case:
    if finding.health is Health.ERROR:
        return Case(environment, finding.about, (Fault(FaultKind.FAILURE, finding.message, finding.hint),))
    return Case(environment, finding.about, output=" ".join(filter(None, (finding.message, finding.hint))))
