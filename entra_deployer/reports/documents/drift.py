"""Drift: the differences by their kind, each with its fields."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby

from entra_deployer.core.errors import Location
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.objects.state import FieldDiff
from entra_deployer.plan.difference import Difference, DriftKind, DriftReport, FieldDrift
from entra_deployer.plan.journal import PushEntry
from entra_deployer.reports.document import (
    Case,
    Diff,
    Document,
    Fault,
    FaultKind,
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
from entra_deployer.reports.words import (
    counted,
    diff_lines,
    in_space,
    kind_name,
    minute,
    query_edits,
    short_commit,
    who_and_when,
)

_TONES = {DriftKind.CONFLICT: Tone.VERY_BAD, DriftKind.DELETED_IN_KIBANA: Tone.BAD, DriftKind.NOT_PUSHED: Tone.NEWS}
_COLUMNS = ("", "what", "by whom")
_INDENT = 2
_DEEP = 6


def drift_document(report: DriftReport) -> Document:
    """The whole report, the counts as its last line."""
    sections = groupby(report.differences, key=lambda difference: difference.kind)
    told = query_edits(diff for difference in report.differences for diff in _diffs(difference))
    return Document(
        name="drift",
        title=report.environment,
        stack=report.stack,
        about=_origin(report),
        blocks=(
            *(block for kind, some in sections for block in (Gap(), _section(kind, tuple(some), told))),
            *((Gap(), Issues(report.issues)) if report.issues else ()),
            Gap(),
        ),
        summary=_summary(report),
        is_good=not (report.failed or report.drifted),
        content={
            "environment": report.environment,
            "drifted": report.drifted,
            "three_way": report.three_way,
            "compared": report.compared,
            "last_push": _push_to_json(report.last_push),
            "differences": [_to_json(difference) for difference in report.differences],
        },
        issues=report.issues,
        findings=tuple(map(_finding, report.differences)),
        titles={_code(kind): kind.words for kind in DriftKind},
        cases=(
            Case(report.environment, "compared", issue_faults(report.issues), _summary(report)),
            *map(_case, report.differences),
        ),
    )


def _section(kind: DriftKind, differences: tuple[Difference, ...], told: frozenset[str]) -> Section:
    items = tuple(_item(difference, told) for difference in differences)
    return Section(items, _COLUMNS, words((kind.words, _TONES.get(kind, Tone.DOUBT))))


def _item(difference: Difference, told: frozenset[str]) -> Item:
    whom, name = who_and_when(difference.by, difference.at), _thing(difference)
    kind = difference.kind.words if difference.counts else f"{difference.kind.words} (does not count)"
    tone = Tone.PLAIN if difference.counts else Tone.DIM
    lines = tuple(_field_lines(difference, told))
    return Item(
        name=f"{name}: {difference.kind.words}",
        line=Line(words((name, tone), (f"  {whom}" if whom else "", Tone.DIM)), _INDENT),
        cells=cells(kind, f"{name}: {difference.message}" if difference.message else name, whom),
        notes=(Line(words((difference.message, Tone.DIM)), _DEEP),) if difference.message else (),
        body=(Diff(lines, indent=_DEEP),) if lines else (),
    )


def _thing(difference: Difference) -> str:
    """What it is about: rule and its name, with the space where that is not the default one."""
    return f"{kind_name(difference.object_kind)} {difference.name}{in_space(difference.space)}"


def _diffs(difference: Difference) -> Iterator[FieldDiff]:
    """The fields, each from what was to what is: in Kibana, in the repository, or in both."""
    for drift in difference.fields:
        yield from _pairs(difference.kind, drift)


def _field_lines(difference: Difference, told: frozenset[str] = frozenset()) -> Iterator[str]:
    for diff in _diffs(difference):
        yield from diff_lines(diff, told)


def _pairs(kind: DriftKind, drift: FieldDrift) -> Iterator[FieldDiff]:
    match kind:
        case DriftKind.CONFLICT:
            yield FieldDiff(f"{drift.path} in Kibana", drift.base, drift.live)
            yield FieldDiff(f"{drift.path} in the repository", drift.base, drift.desired)
        case DriftKind.NOT_PUSHED:
            yield FieldDiff(drift.path, drift.live, drift.desired)
        case DriftKind.DIFFERENT:
            yield FieldDiff(f"{drift.path} (Kibana -> repository)", drift.live, drift.desired)
        case _:
            yield FieldDiff(drift.path, drift.base, drift.live)


def _origin(report: DriftReport) -> str:
    """What it was compared with: the hunts read and the last push."""
    read = f"{counted(report.hunts, 'hunt')} read"
    push = report.last_push
    if push is None:
        return read if report.three_way else f"{read}; no push is written down: two sides are compared, not three"
    commit = f", commit {short_commit(push.commit)}" if push.commit else ""
    return f"{read}; last push {minute(push.at)} by {push.by}{commit}"


def _summary(report: DriftReport) -> str:
    """The last line."""
    counts = Counter(difference.kind for difference in report.differences if difference.counts)
    told = sum(not difference.counts for difference in report.differences)
    also = f" ({told} more told, which {'does' if told == 1 else 'do'} not count)" if told else ""
    if report.failed:
        return f"It cannot be told whether there is drift: see the errors{also}."
    if not counts:
        return f"No drift: {counted(report.compared, 'object')} compared{also}."
    listed = ", ".join(f"{counts[kind]} {kind.words}" for kind in DriftKind if counts[kind])
    return f"Drift: {listed}{also}; {counted(report.compared, 'object')} compared."


def _code(kind: DriftKind) -> str:
    return f"drift/{kind.value}"


def _finding(difference: Difference) -> Issue:
    """The difference for a code host, at the hunt's file."""
    whom = who_and_when(difference.by, difference.at)
    head = f"{_thing(difference)} ({whom})" if whom else _thing(difference)
    text = "\n".join(line for line in (head, difference.message, *_field_lines(difference)) if line)
    place = Location(difference.source) if difference.source else None
    level = Level.ERROR if difference.counts else Level.NOTE
    return Issue(_code(difference.kind), level, text, difference.name, place)


def _case(difference: Difference) -> Case:
    """Failed where it counts."""
    body = (who_and_when(difference.by, difference.at), difference.message, *_field_lines(difference))
    text = "\n".join(line for line in body if line)
    name = f"{_thing(difference)}: {difference.kind.words}"
    if difference.counts:
        return Case(difference.key, name, (Fault(FaultKind.FAILURE, difference.kind.words, text),))
    return Case(difference.key, name, output=text)


def _push_to_json(entry: PushEntry | None) -> Json:
    return {"at": entry.at, "by": entry.by, "commit": entry.commit} if entry else None


def _to_json(difference: Difference) -> Json:
    return {
        "kind": difference.kind.value,
        "counts": difference.counts,
        "object": str(difference.object_kind),
        "space": difference.space,
        "key": difference.key,
        "name": difference.name,
        "source": difference.source or None,
        "by": difference.by or None,
        "at": difference.at or None,
        "message": difference.message or None,
        "fields": [
            {"path": drift.path, "base": drift.base, "desired": drift.desired, "live": drift.live}
            for drift in difference.fields
        ],
    }
