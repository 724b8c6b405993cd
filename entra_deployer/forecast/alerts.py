"""From the rows of consecutive runs to the alerts that Kibana would make of them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from entra_deployer.core.json import Json, as_int, as_mapping, as_texts, canonical
from entra_deployer.core.time import UNITS
from entra_deployer.objects.rule_fields import max_signals
from entra_deployer.verify.judge import record_name

_NAMES = ("user.name", "host.name", "user.id", "host.id", "source.ip", "process.name")
"""What an alert of single events is called by, where nothing else says it: the first that the result has."""
_NAMELESS = "all events together"
"""The one group of a query that groups by nothing."""


@dataclass(frozen=True)
class Scheme:
    """What a rule says of its alerts.

    A run makes `most` of them at most. Rows that agree in `group_by` become one alert for `period`, or within a run
    where that is None; () where nothing is suppressed. With `apart` a row that lacks one of these is an alert of its
    own. `names` are the columns that entities are told apart by, () where the query does not group.
    """

    most: int = 100
    group_by: tuple[str, ...] = ()
    period: timedelta | None = None
    apart: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """One row of a run: the `document` that it is ("" for a group), its suppression `group` ("" for none), its name."""

    document: str
    group: str
    entity: str


@dataclass(frozen=True)
class Run:
    """One run of a rule: when, what it found, how long the server worked (milliseconds) and how much it read."""

    at: datetime
    rows: tuple[Row, ...]
    took: int = 0
    documents: int = 0


@dataclass(frozen=True)
class Alert:
    """An alert that a run would make."""

    at: datetime
    entity: str


@dataclass
class Memory:
    """What Kibana knows of the alerts that there are: the documents of those, and when each group had its last one."""

    documents: set[str] = field(default_factory=set)
    groups: dict[str, datetime] = field(default_factory=dict)


def scheme_of(payload: Mapping[str, Json], names: Sequence[str]) -> Scheme:
    """What the payload of a rule says of its alerts; `names` are its key columns."""
    suppression = as_mapping(payload.get("alert_suppression"))
    duration = as_mapping(suppression.get("duration"))
    period = timedelta(seconds=as_int(duration["value"]) * UNITS[str(duration["unit"])]) if duration else None
    return Scheme(
        most=max_signals(payload),
        group_by=tuple(as_texts(suppression.get("group_by"))),
        period=period,
        apart=suppression.get("missing_fields_strategy") == "doNotSuppress",
        names=tuple(names),
    )


def row_of(record: Mapping[str, Json], scheme: Scheme) -> Row:
    """A row of a result, by what counts of it."""
    key = record.get("_id")
    document = f"{record.get('_index', '')}/{key}" if key and not scheme.names else ""
    values = [record.get(name) for name in scheme.group_by]
    is_grouped = bool(scheme.group_by) and not (scheme.apart and None in values)
    known = [name for name in (*_NAMES, "_id") if record.get(name) is not None]
    names = scheme.names or scheme.group_by or known[:1]
    entity = record_name(record, names) if names else _NAMELESS
    return Row(document, canonical(values) if is_grouped else "", entity)


def alerts_of(runs: Iterable[Run], scheme: Scheme, memory: Memory) -> list[Alert]:
    """The alerts that consecutive runs make, in their order; `memory` is what was there before, and learns of them.

    A document is alerted on once. Of the rows of one group the first makes an alert, unless the group had one that is
    not older than the period.
    """
    made: list[Alert] = []
    for run in runs:
        new: list[Row] = []
        for row in run.rows:
            if (row.document and row.document in memory.documents) or _is_suppressed(row, run.at, scheme, memory):
                continue
            if len(new) == scheme.most:
                break
            new.append(row)
            if row.document:
                memory.documents.add(row.document)
            if row.group:
                memory.groups[row.group] = run.at
        made += (Alert(run.at, row.entity) for row in new)
    return made


def known_after(run: Run) -> Memory:
    """What is known of a rule that has run for long, after this run: all that it found was alerted on by then."""
    documents = {row.document for row in run.rows if row.document}
    return Memory(documents, {row.group: run.at for row in run.rows if row.group})


def _is_suppressed(row: Row, at: datetime, scheme: Scheme, memory: Memory) -> bool:
    last = memory.groups.get(row.group) if row.group else None
    if last is None:
        return False
    return last == at or (scheme.period is not None and last >= at - scheme.period)
