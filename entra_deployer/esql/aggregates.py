"""The aggregates of STATS, computed on the events of a group: each with how often it is there."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime
from operator import itemgetter

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.constants import literal_or_none
from entra_deployer.esql.evaluation import PROGRAMS, UNKNOWN, Evaluator, Program, Programs
from entra_deployer.esql.functions import AGGREGATES, Unknown, Value
from entra_deployer.esql.scope import Scope

type Member = tuple[Evaluator, int]
"""An event of a group, and how many of it there are."""

type Aggregate = Callable[[Sequence[Member], datetime], Value]
"""Computes a column on the events of a group, at a moment: UNKNOWN where it is not computed here."""

type _Count = Callable[[Sequence[Member]], Value]


def aggregate_of(item: nodes.Assignment, scope: Scope) -> Aggregate:
    """The aggregate, or what the query makes of several in one expression; `scope` is what the events are seen from."""
    calls = [node for node in item.value.walk() if isinstance(node, nodes.Call) and node.name in AGGREGATES]
    counts = [(_key(node), _count(node, scope)) for node in calls]
    where = None if item.where is None else PROGRAMS.truth(item.where, scope)
    alone = len(counts) == 1 and strip_parentheses(item.value) is calls[0]
    whole = _OverAggregates(calls).value(item.value, Scope())

    def compute(members: Sequence[Member], now: datetime) -> Value:
        try:
            if where is not None:
                members = [one for one in members if where(one[0])]
            if alone:
                return counts[0][1](members)
            return whole(Evaluator({key: count(members) for key, count in counts}, now))
        except (Unknown, TypeError, ValueError, ZeroDivisionError):
            return UNKNOWN

    return compute


def _key(node: nodes.Expression) -> str:
    """What an aggregate is called among the values; no column has such a name."""
    return f"\0{id(node)}"


class _OverAggregates(Programs):
    """Programs of what is made of the aggregates of a group, which are found by their keys."""

    def __init__(self, calls: Sequence[nodes.Call]) -> None:
        self._keys = {_key(node) for node in calls}

    def value(self, node: nodes.Expression, scope: Scope) -> Program:
        """The program of a value."""
        key = _key(strip_parentheses(node))
        return (lambda event: event.values[key]) if key in self._keys else super().value(node, scope)


def _count(call: nodes.Call, scope: Scope) -> _Count:
    """COUNT(*), or a function of the values that there are, each with how often it is there."""
    argument = call.arguments[0] if call.arguments else None
    if argument is None or isinstance(argument, nodes.Opaque | nodes.Literal):
        return lambda members: sum([weight for _, weight in members])
    program, compute = PROGRAMS.value(argument, scope), _COMPUTED.get(call.name)
    others = [literal_or_none(one) for one in call.arguments[1:]] if call.name in _WITH_ARGUMENTS else []

    def count(members: Sequence[Member]) -> Value:
        if compute is None:
            raise Unknown(call.name.upper())
        values: list[tuple[Value, int]] = []
        for event, weight in members:
            value = program(event)
            if isinstance(value, list):
                values += [(one, weight) for one in value if one is not None]
            elif value is not None:
                values.append((value, weight))
        return compute(values, *others)

    return count


def _distinct(values: Sequence[tuple[Value, int]]) -> Value:
    found = list(dict.fromkeys(value for value, _ in values))
    return found[0] if len(found) == 1 else found or None


def _average(values: Sequence[tuple[Value, int]]) -> Value:
    count = sum(weight for _, weight in values)
    return sum(float(value) * weight for value, weight in values) / count if count else None


def _percentile(values: Sequence[tuple[Value, int]], share: Value = 50) -> Value:
    """Between two neighbours as much nearer to the one as the share is; of few values Elasticsearch's is the same."""
    ordered = sorted((float(value), weight) for value, weight in values)
    count = sum(weight for _, weight in ordered)
    if not count:
        return None
    place = (count - 1) * share / 100
    low, high = _nth(ordered, int(place)), _nth(ordered, min(count - 1, int(place) + 1))
    return low + (high - low) * (place - int(place))


def _nth(ordered: Sequence[tuple[float, int]], place: int) -> float:
    """The value at a place, counted from 0, where each is there as often as its weight says."""
    for value, weight in ordered:
        place -= weight
        if place < 0:
            return value
    return ordered[-1][0]


def _deviation(values: Sequence[tuple[Value, int]]) -> Value:
    mean = _average(values)
    return None if mean is None else math.sqrt(_average([((float(one) - mean) ** 2, weight) for one, weight in values]))


def _top(values: Sequence[tuple[Value, int]], most: Value = None, order: Value = "asc") -> Value:
    """The least or the greatest values, each as often as it is there."""
    ordered = sorted(values, key=itemgetter(0), reverse=str(order).lower() == "desc")
    found = [value for value, weight in ordered for _ in range(min(weight, int(most or 1)))][: int(most or 1)]
    return found[0] if len(found) == 1 else found or None


_WITH_ARGUMENTS = frozenset({"percentile", "top"})

_COMPUTED: dict[str, Callable[..., Value]] = {
    "count": lambda values: sum(weight for _, weight in values),
    "count_distinct": lambda values: len({value for value, _ in values}),
    "sum": lambda values: sum(value * weight for value, weight in values) if values else None,
    "min": lambda values: min((value for value, _ in values), default=None),
    "max": lambda values: max((value for value, _ in values), default=None),
    "avg": _average,
    "median": _percentile,
    "percentile": _percentile,
    "std_dev": _deviation,
    "values": _distinct,
    "top": _top,
}
