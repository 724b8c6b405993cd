"""Differences in words, the same in every format."""

from collections import Counter
from collections.abc import Iterator

from entra_deployer.plan.difference import Difference, DriftKind, DriftReport, FieldDrift
from entra_deployer.plan.plan import FieldDiff
from entra_deployer.reports.diff import diff_lines
from entra_deployer.reports.words import counted, kind_name


def thing(difference: Difference) -> str:
    """What it is about: rule "Its name", with the space where that is not the default one."""
    where = f" [{difference.space}]" if difference.space != "default" else ""
    return f"{kind_name(difference.object_kind)} {difference.name}{where}"


def who_and_when(difference: Difference) -> str:
    """Who edited it in Kibana and when, as far as known: "by alice, 2026-02-01 10:00"."""
    parts = [f"by {difference.by}" if difference.by else "", minute(difference.at)]
    return ", ".join(part for part in parts if part)


def minute(at: str) -> str:
    """A time of a server's, to the minute, in UTC."""
    return at[:16].replace("T", " ")


def told(difference: Difference) -> str:
    """All that there is to say of it, in lines."""
    whom = who_and_when(difference)
    head = f"{thing(difference)} ({whom})" if whom else thing(difference)
    return "\n".join(line for line in (head, difference.message, *field_lines(difference)) if line)


def field_lines(difference: Difference) -> Iterator[str]:
    """The fields, each from what was to what is: in Kibana, in the repository, or in both."""
    for drift in difference.fields:
        for diff in _pairs(difference.kind, drift):
            yield from diff_lines(diff)


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


def origin(report: DriftReport) -> str:
    """What it was compared with: the hunts read and the last push."""
    read = f"{counted(report.hunts, 'hunt')} read"
    if report.last_push is None and report.three_way:
        return read
    if report.last_push is None:
        return f"{read}; no push is written down: two sides are compared, not three"
    push = report.last_push
    commit = f", commit {push.commit[:12].rstrip('+')}{'+' if push.commit.endswith('+') else ''}" if push.commit else ""
    return f"{read}; last push {minute(push.at)} by {push.by}{commit}"


def drift_summary(report: DriftReport) -> str:
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
