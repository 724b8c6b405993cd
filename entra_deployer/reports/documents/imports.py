"""What `deploy import` made of the rules of other tools: a line for each, and what was not carried over."""

from entra_deployer.core.issue import Level
from entra_deployer.pull.drafts import PullReport
from entra_deployer.reports.document import Case, Document, Gap, Issues, Line, Tone, issue_faults, words
from entra_deployer.reports.words import counted


def import_document(report: PullReport) -> Document:
    """The hunts that were made, what is told of them, and the counts as the last line."""
    made = [(one.name, one.path) for one in report.brought]
    left = sum(issue.level is Level.ERROR for issue in report.issues)
    done = "imported" if report.written else "would be imported"
    refused = f", {counted(left, 'rule')} not" if left else ""
    return Document(
        name="import",
        title=report.environment,
        stack=report.stack,
        blocks=(
            *(Line(words(("created  ", Tone.GOOD), path, (f"  {name}", Tone.DIM))) for name, path in made),
            *((Gap(), Issues(report.issues)) if report.issues else ()),
            Gap(),
        ),
        summary=f"{counted(len(made), 'rule')} {done}{refused}.",
        is_good=not report.failed,
        content={
            "from": report.environment,
            "written": report.written,
            "imported": [{"name": name, "path": path} for name, path in made],
            "files": [edit.path for edit in report.edits],
        },
        issues=report.issues,
        cases=(
            *(Case("import", name) for name, _ in made),
            *((Case("import", "not imported", issue_faults(report.issues)),) if left else ()),
        ),
    )
