"""What `deploy check` found, and what a code means."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from entra_deployer.checked import CheckReport, Explanation, MatrixRow, Support
from entra_deployer.core.issue import Issue, Level
from entra_deployer.reports.document import (
    Block,
    Case,
    Cell,
    Code,
    Document,
    Fault,
    FaultKind,
    Gap,
    Issues,
    Line,
    Span,
    Table,
    Tone,
    words,
)
from entra_deployer.reports.words import counted

_TONES = {Support.YES: Tone.GOOD, Support.NO: Tone.BAD, Support.UNKNOWN: Tone.DOUBT}
_INDENT = 2
_EXAMPLE_INDENT = 4


def check_document(report: CheckReport, *, notes: bool = True) -> Document:
    """Every issue with its place and its next step, then the counts. Without `notes` these are counted only."""
    shown = tuple(issue for issue in report.issues if notes or issue.level is not Level.NOTE)
    counts = ", ".join(counted(report.count(level), level.value) for level in Level)
    checked = (
        f"Checked {counted(report.rules, 'rule')} of {counted(report.hunts, 'hunt')} for {report.target}: {counts}"
    )
    blocks: list[Block] = [Issues(shown, table=True), Gap()] if shown else []
    if report.matrix:
        blocks += [_matrix(report.matrix), Gap()]
    return Document(
        name="check",
        blocks=tuple(blocks),
        summary=f"{checked} (--notes shows these)." if len(shown) < len(report.issues) else f"{checked}.",
        summary_tone=Tone.PLAIN,
        heading=f"{counted(report.rules, 'rule')} checked for {report.target}: {counts}",
        content={
            "target": report.target,
            "hunts": report.hunts,
            "rules": report.rules,
            "matrix": [
                {
                    "hunt": row.folder,
                    "name": row.name,
                    "versions": [
                        {"version": cell.version, "support": cell.support.value, "reasons": list(cell.reasons)}
                        for cell in row.cells
                    ],
                }
                for row in report.matrix
            ],
        },
        issues=report.issues,
        titles=report.titles,
        cases=tuple(_cases(report)),
    )


def explanation_document(one: Explanation) -> Document:
    """Title, reason, and the two examples."""
    blocks: list[Block] = []
    if one.level:
        silence = "rule.yaml can silence it with a reason" if one.silenceable else "cannot be silenced"
        blocks.append(Line(words((f"{one.level}; {silence}", Tone.DIM))))
    blocks += [Gap(), *(Line(words(line)) for line in one.text.split("\n"))]
    for word, example, tone in (("It speaks of", one.bad, Tone.BAD), ("It is silent on", one.good, Tone.GOOD)):
        if example:
            blocks += [Gap(), Line(words(f"{word}:")), Code(example, "esql", tone, _EXAMPLE_INDENT)]
    return Document(
        name="explain",
        title=f"{one.code}: {one.title}",
        heading=f"{one.code}: {one.title}",
        blocks=tuple(blocks),
        content={"codes": [_to_json(one)]},
    )


def explanations_document(all_of_them: Sequence[Explanation]) -> Document:
    """A line for each code."""
    return Document(
        name="explain",
        heading="Codes",
        blocks=tuple(Line(words(f"{one.code}  {one.title}")) for one in all_of_them),
        content={"codes": [_to_json(one) for one in all_of_them]},
    )


def _to_json(one: Explanation) -> dict[str, str | bool | None]:
    return {
        "code": one.code,
        "title": one.title,
        "text": one.text,
        "level": one.level or None,
        "silenceable": one.silenceable,
        "bad": one.bad or None,
        "good": one.good or None,
    }


def _matrix(rows: tuple[MatrixRow, ...]) -> Table:
    return Table(
        tuple(
            (
                Cell(words(row.folder)),
                *(Cell(words(Span(one.support.value, _TONES[one.support])), one.reasons) for one in row.cells),
            )
            for row in rows
        ),
        ("hunt", *(one.version for one in rows[0].cells)),
        notes=tuple(_reasons(rows)),
    )


def _reasons(rows: tuple[MatrixRow, ...]) -> Iterator[Line]:
    for row in rows:
        for cell in row.cells:
            for reason in cell.reasons:
                word = "not known" if cell.support is Support.UNKNOWN else "no"
                yield Line(words((f"{row.folder}, {cell.version}: {word}: {reason}", Tone.DIM)), _INDENT)


def _cases(report: CheckReport) -> Iterator[Case]:
    """A case for each hunt, and for whatever else an issue is about; failed where one of its issues is an error."""
    about: defaultdict[str, list[Issue]] = defaultdict(list)
    for folder in report.folders:
        about[folder] = []
    for issue in report.issues:
        about[issue.subject or (issue.location.path if issue.location else "")].append(issue)
    for subject, issues in about.items():
        errors = [issue for issue in issues if issue.level is Level.ERROR]
        told = "\n".join(map(_told, issues))
        if errors:
            message = errors[0].message if len(errors) == 1 else counted(len(errors), "error")
            yield Case("deploy check", subject, (Fault(FaultKind.FAILURE, message, told),))
        else:
            yield Case("deploy check", subject, output=told)


def _told(issue: Issue) -> str:
    hint = f" ({issue.hint})" if issue.hint else ""
    return f"{issue.level.value} {issue.code} {issue.location or issue.subject}: {issue.message}{hint}"
