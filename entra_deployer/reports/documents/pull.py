"""What a pull brings from Kibana: file by file, with what changed there."""

from collections.abc import Iterator

from entra_deployer.pull.drafts import Brought, FileEdit, PullReport
from entra_deployer.reports.document import (
    Block,
    Case,
    Diff,
    Document,
    Gap,
    Issues,
    Item,
    Line,
    Section,
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.words import counted, in_space, kind_name, unified, who_and_when

_COLUMNS = ("file", "changes")
_INDENT = 2


def pull_document(report: PullReport) -> Document:
    """The whole report, the counts as its last line."""
    return Document(
        name="pull",
        title=report.environment,
        stack=report.stack,
        blocks=(
            *(block for edit in report.edits for block in (Gap(), _section(report, edit))),
            *((Gap(), Issues(report.issues)) if report.issues else ()),
            Gap(),
        ),
        summary=pull_summary(report),
        is_good=not report.failed,
        content={
            "environment": report.environment,
            "written": report.written,
            "files": [
                {"path": edit.path, "is_new": not edit.before, "diff": "\n".join(_diff(edit))} for edit in report.edits
            ],
            "brought": [
                {
                    "object": str(one.object_kind),
                    "name": one.name,
                    "space": one.space,
                    "field": one.field or None,
                    "path": one.path,
                    "by": one.by or None,
                    "at": one.at or None,
                }
                for one in report.brought
            ],
        },
        issues=report.issues,
        cases=(
            Case(report.environment, "pulled", issue_faults(report.issues), pull_summary(report)),
            *(Case(one.path, _origin(one)) for one in report.brought),
        ),
    )


def pull_summary(report: PullReport) -> str:
    """The last line."""
    left = "" if not report.failed else ", and not all could be: see the errors"
    if not report.edits:
        return "Nothing was brought: see the errors." if report.failed else "Nothing to pull: no change of Kibana's."
    what = f"{counted(len(report.brought), 'change')} into {counted(len(report.edits), 'file')}"
    return f"{'Pulled' if report.written else 'A pull would bring'} {what}{left}."


def _section(report: PullReport, edit: FileEdit) -> Section:
    origins = [_origin(one) for one in report.brought if one.path == edit.path]
    path = f"{edit.path}{'' if edit.before else '  (new)'}"
    item = Item(
        name=edit.path,
        line=Line(words((path, Tone.DOUBT))),
        cells=cells(path, "; ".join(origins)),
        notes=tuple(Line(words((origin, Tone.DIM)), _INDENT) for origin in origins),
        body=tuple(_body(edit)),
    )
    return Section((item,), _COLUMNS)


def _body(edit: FileEdit) -> Iterator[Block]:
    lines = tuple(f"  {line}" for line in _diff(edit))
    if lines:
        yield Diff(lines, indent=_INDENT)


def _diff(edit: FileEdit) -> list[str]:
    """The edit as a unified diff without its two lines of names."""
    before, after = edit.before.removesuffix("\n"), edit.after.removesuffix("\n")
    return [line.removeprefix("  ") for line in unified(before, after, around=1)]


def _origin(brought: Brought) -> str:
    what = f"{brought.field} of the " if brought.field else ""
    whom = who_and_when(brought.by, brought.at)
    thing = f"{kind_name(brought.object_kind)} {brought.name}{in_space(brought.space)}"
    return f"{what}{thing}" + (f"  {whom}" if whom else "")
