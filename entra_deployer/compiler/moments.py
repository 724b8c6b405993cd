"""What an expression says about time: a moment before now, a time column, or the distance between the two.

Whatever a hunt makes of its times on the way (EVAL, STATS, RENAME) is followed by name, so that a condition counts
wherever it stands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from entra_deployer.core.time import CALENDAR, difference_unit, esql_seconds, esql_unit
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses

TIME_COLUMNS = ("@timestamp", "event.ingested")
PICKER = {"?_tstart": "start", "?_tend": "end"}
"""The parameters by which Discover hands its time picker to a query."""

_EARLIEST, _LATEST = "earliest", "latest"
_AGGREGATES = {"min": _EARLIEST, "max": _LATEST}
_KEEPS_TIME = ("to_datetime", "to_dt", "to_date_nanos", "mv_min", "mv_max", "mv_first", "mv_last", "values")


@dataclass(frozen=True)
class Now:
    """A moment: between `least` and `most` seconds before now (negative: in the future); exact where they are equal.

    `picker` is "start" or "end" where Discover's time picker gives the moment, of which a query does not say how far
    before now it is.
    """

    least: float
    most: float
    exact: bool = True
    picker: str = ""


@dataclass(frozen=True)
class TimeColumn:
    """A time of events: `name` is a field of the source, `aggregate` is "", earliest or latest of a group.

    The value lies up to `slack` seconds before the field's own time (DATE_TRUNC), moved by `shift` seconds into the
    past.
    """

    name: str
    aggregate: str = ""
    slack: float = 0
    shift: float = 0


@dataclass(frozen=True)
class Distance:
    """`DATE_DIFF(unit, start, end)`: whole units of `unit` seconds between two moments, towards zero."""

    start: "Now | TimeColumn"
    end: "Now | TimeColumn"
    unit: float
    exact: bool


type Meaning = Now | TimeColumn | Distance


def meaning(expression: nodes.Expression, known: Mapping[str, Meaning]) -> Meaning | None:
    """What an expression says about time; `known` are the columns made so far. None for anything else."""
    expression = strip_parentheses(expression)
    match expression:
        case nodes.Column(name=name):
            return known.get(name)
        case nodes.Literal(kind="parameter", value=str() as name) if name in PICKER:
            return Now(0, 0, picker=PICKER[name])
        case nodes.Cast(value=value, type="datetime" | "date" | "date_nanos"):
            return meaning(value, known)
        case nodes.Binary(operator="-" | "+" as operator, left=left, right=right):
            return _moved(operator, left, right, known)
        case nodes.Call(name=name, arguments=arguments):
            return _call(name, arguments, known)
    return None


def _call(name: str, arguments: Sequence[nodes.Expression], known: Mapping[str, Meaning]) -> Meaning | None:
    match name, arguments:
        case "now", ():
            return Now(0, 0)
        case "date_diff", (unit, start, end):
            return _distance(strip_parentheses(unit), meaning(start, known), meaning(end, known))
        case ("date_trunc", (size, value)) | ("bucket", (value, size)):
            return _truncated(size, meaning(value, known))
        case (("min" | "max"), (value,)):
            inner = meaning(value, known)
            whole = isinstance(inner, TimeColumn) and inner.aggregate in ("", _AGGREGATES[name])
            return replace(inner, aggregate=_AGGREGATES[name]) if isinstance(inner, TimeColumn) and whole else None
        case _, (value,) if name in _KEEPS_TIME:
            return meaning(value, known)
    return None


def _moved(
    operator: str, left: nodes.Expression, right: nodes.Expression, known: Mapping[str, Meaning]
) -> Meaning | None:
    base, span = meaning(left, known), length(right)
    if operator == "+" and base is None:
        base, span = meaning(right, known), length(left)
    if span is None:
        return None
    seconds, exact = (span[0] if operator == "-" else -span[0]), span[1]
    match base:
        case Now(picker=""):
            return Now(base.least + seconds, base.most + seconds, base.exact and exact)
        case TimeColumn():
            return replace(base, shift=base.shift + seconds)
    return None


def _distance(unit: nodes.Expression, start: Meaning | None, end: Meaning | None) -> Distance | None:
    if not (isinstance(unit, nodes.Literal) and isinstance(unit.value, str)):
        return None
    found = difference_unit(unit.value)
    if found is None or isinstance(start, Distance | None) or isinstance(end, Distance | None):
        return None
    name, seconds = found
    return Distance(start, end, seconds, name not in CALENDAR)


def _truncated(size: nodes.Expression, value: Meaning | None) -> Meaning | None:
    span = length(size)
    seconds = span[0] if span else 0
    match value:
        case Now():
            return Now(value.least, value.most + seconds, exact=False, picker=value.picker)
        case TimeColumn():
            return replace(value, slack=value.slack + seconds)
    return None


def length(expression: nodes.Expression) -> tuple[float, bool] | None:
    """The seconds of a time span and whether they are exact (a month is not); None for anything else."""
    expression = strip_parentheses(expression)
    match expression:
        case nodes.Duration(amount=amount, unit=unit):
            return _seconds(amount, unit)
        case nodes.Unary(operator="-", operand=operand):
            inner = length(operand)
            return None if inner is None else (-inner[0], inner[1])
        case nodes.Cast(value=nodes.Literal(kind="string", value=str() as text), type="time_duration" | "date_period"):
            count, _, word = text.strip().partition(" ")
            return _seconds(int(count), word) if count.isdigit() else None
    return None


def _seconds(amount: int, unit: str) -> tuple[float, bool] | None:
    seconds = esql_seconds(amount, unit)
    return None if seconds is None else (seconds, esql_unit(unit) not in CALENDAR)
