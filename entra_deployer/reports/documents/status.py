"""EnvironmentStatus: a line for each thing that one wants to know at once; for all environments a table, a row each."""

from collections.abc import Mapping, Sequence

from entra_deployer.core.issue import Issue
from entra_deployer.core.json import Json
from entra_deployer.doctor.findings import Examination, Health
from entra_deployer.doctor.status import EnvironmentStatus
from entra_deployer.plan.journal import PushEntry
from entra_deployer.reports.document import (
    Case,
    Cell,
    Document,
    Fault,
    FaultKind,
    Gap,
    Line,
    Table,
    Tone,
    cells,
    issue_faults,
    words,
)
from entra_deployer.reports.documents.examination import finding_items
from entra_deployer.reports.words import counted, minute

_COLUMNS = ("environment", "servers", "rules", "failing", "differ", "last push")


def status_document(status: EnvironmentStatus) -> Document:
    """One environment, the findings that need somebody as the last line."""
    examination = Examination(status.environment, status.findings, status.issues, status.stack)
    return Document(
        name="status",
        title=status.environment,
        stack=status.stack,
        blocks=(Gap(), finding_items(examination), Gap()),
        summary=_summary(status),
        is_good=status.is_well,
        content=_to_json(status),
        issues=status.issues,
        cases=tuple(_case(status)),
    )


def statuses_document(statuses: Sequence[EnvironmentStatus]) -> Document:
    """All environments, a row each; below it what needs somebody."""
    well = sum(status.is_well for status in statuses)
    wrong = tuple(line for status in statuses for line in _wrong(status))
    return Document(
        name="status",
        title="all environments",
        blocks=(
            Gap(),
            Table(tuple(map(_row, statuses)), _COLUMNS, wide=1),
            Gap(),
            *wrong,
            *((Gap(),) if wrong else ()),
        ),
        summary=f"{well} of {counted(len(statuses), 'environment')} well.",
        is_good=well == len(statuses),
        content={"environments": [_to_json(status) for status in statuses]},
        issues=tuple(issue for status in statuses for issue in status.issues),
        cases=tuple(case for status in statuses for case in _case(status)),
    )


def no_status(environment: str, issues: tuple[Issue, ...]) -> Document:
    """What kept the status from being told."""
    faults = issue_faults(issues)
    cases = tuple(Case(environment, "looked at", (fault,)) for fault in faults)
    return Document(
        name="status",
        title=environment,
        summary="Its status cannot be told.",
        is_good=False,
        content={"environment": environment, "findings": []},
        issues=issues,
        cases=cases,
    )


def _summary(status: EnvironmentStatus) -> str:
    errors, warnings = (
        sum(finding.health is health for finding in status.findings) for health in (Health.ERROR, Health.WARNING)
    )
    if errors:
        return f"{counted(errors, 'thing')} to see to."
    return f"Nothing is wrong; {counted(warnings, 'warning')}." if warnings else "All is well."


def _row(status: EnvironmentStatus) -> tuple[Cell, ...]:
    runs = status.runs
    if not status.stack:
        return cells(status.environment, "away", "", "", "", "")
    return cells(
        status.environment,
        status.stack,
        f"{runs.enabled} on of {runs.rules}",
        str(len(runs.failing)),
        str(status.differing),
        minute(status.last_push.at) if status.last_push else "never",
    )


def _wrong(status: EnvironmentStatus) -> tuple[Line, ...]:
    """What is to be seen to in one environment."""
    wrong = [finding for finding in status.findings if finding.health is Health.ERROR]
    return tuple(Line(words((f"{status.environment}: ", Tone.STRONG), finding.message), 2) for finding in wrong)


def _case(status: EnvironmentStatus) -> list[Case]:
    return [
        Case(
            status.environment,
            finding.about,
            (Fault(FaultKind.FAILURE, finding.message, finding.hint),) if finding.health is Health.ERROR else (),
            "" if finding.health is Health.ERROR else finding.message,
        )
        for finding in status.findings
    ]


def _to_json(status: EnvironmentStatus) -> Mapping[str, Json]:
    runs = status.runs
    return {
        "environment": status.environment,
        "stack": status.stack,
        "is_well": status.is_well,
        "rules": {
            "live": runs.rules,
            "enabled": runs.enabled,
            "failing": runs.failing,
            "warned": runs.warned,
            "never_ran": runs.never_ran,
        },
        "drift": {"differing": status.differing, "conflicts": status.conflicts},
        "last_push": _push_to_json(status.last_push),
        "findings": [
            {"about": one.about, "health": one.health.value, "message": one.message, "hint": one.hint or None}
            for one in status.findings
        ],
    }


def _push_to_json(entry: PushEntry | None) -> Json:
    return {"at": entry.at, "by": entry.by, "commit": entry.commit} if entry else None
