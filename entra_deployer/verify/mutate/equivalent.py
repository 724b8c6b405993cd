"""Which changes of a condition are proved to change nothing, whatever the events are: they are no mutants.

A condition and what stands in its place differ on some rows only. It is looked at what is known of these: from the
commands before, from what AND and OR join, and from the commands behind. Where there can be no such row, or where none
of them comes through the later conditions or adds anything to a group that does, the change is vain.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.verify.mutate import possible_values as possible
from entra_deployer.verify.mutate.known_rows import Rows, any_of, assume_of
from entra_deployer.verify.mutate.possible_values import ANYTHING, NULL, Values

_OF_NO_NULL = frozenset(
    {
        *("count", "count_distinct", "sum", "avg", "min", "max", "values", "median", "percentile"),
        *("median_absolute_deviation", "std_dev", "variance", "top", "sample"),
    }
)
"""Aggregates to which an event without a value of their first argument adds nothing."""


@dataclass(frozen=True)
class Proof:
    """What is known of the rows of one query."""

    tree: nodes.Tree

    def is_vain(self, place: int, old: nodes.Expression, new: nodes.Expression) -> bool:
        """Whether the rows are the same with another condition for one of the WHERE at a place."""
        command, before = self.tree.commands[place], self._before[place]
        if not isinstance(command, nodes.Where) or before is None:
            return False
        beside = _beside(command.predicate, old, truth=True)
        if beside is None:
            return False
        context, truth = beside
        cases = [before]
        for node, wanted, has in context:
            cases = list(assume_of(cases, node, truth=wanted, has=has))
        return all(
            self._are_lost(rows, place + 1)
            for one, other in ((old, new), (new, old))
            for rows in assume_of(assume_of(cases, one, truth=truth), other, truth=truth, has=False)
        )

    @cached_property
    def _lost_groups(self) -> dict[tuple[int, tuple[Values, ...]], bool]:
        """Whether groups of certain keys come to nothing, whatever is in them, by the place behind and the keys."""
        return {}

    @cached_property
    def _before(self) -> list[Rows | None]:
        """What is known of the rows that reach each command; None where there are none."""
        found: list[Rows | None] = [Rows()]
        for command in self.tree.commands:
            cases = [] if found[-1] is None else _behind(command, found[-1])
            found.append(any_of(cases) if cases else None)
        return found

    def _are_lost(self, rows: Rows, place: int) -> bool:
        """Whether such rows, before the command at a place, come to nothing in the end."""
        for number, command in enumerate(self.tree.commands[place:], place):
            match command:
                case nodes.Where():
                    cases = _behind(command, rows)
                    if len(cases) != 1:
                        return all(self._are_lost(one, number + 1) for one in cases)
                    rows = cases[0]
                case nodes.Stats(inline=False):
                    return self._are_lost_in_groups(rows, command, number + 1)
                case nodes.Eval() | nodes.Keep() | nodes.Drop() | nodes.Sort() | nodes.Rename() | nodes.Extract():
                    (rows,) = _behind(command, rows)
                case _:  # a LIMIT before the end, and whatever else sees several rows at once
                    return False
        return False

    def _are_lost_in_groups(self, rows: Rows, stats: nodes.Stats, behind: int) -> bool:
        """Whether their groups come to nothing, whatever else is in them, or get nothing from them."""
        keys = {key.name: _of_key(rows, key.value) for key in stats.groups}
        asked = (behind, tuple(keys.values()))
        if asked not in self._lost_groups:
            groups = _grouped(stats, Rows(read=rows.read))
            groups = replace(groups, columns={**groups.columns, **keys})
            self._lost_groups[asked] = self._are_lost(groups, behind)
        if self._lost_groups[asked]:
            return True
        if not all(_adds_nothing(rows, one) for one in stats.aggregates):
            return False
        alone = {one.name: _of_none(one) for one in stats.aggregates}
        return not stats.groups or self._are_lost(Rows({**alone, **keys}, read=rows.read), behind)


def _beside(
    node: nodes.Expression, whole: nodes.Expression, *, truth: bool
) -> tuple[list[tuple[nodes.Expression, bool, bool]], bool] | None:
    """What else holds where it matters whether `whole`, a part of a condition, has a truth, and which truth.

    Each is a condition, a truth and whether it has it. None where `whole` is no such part.
    """
    if node is whole:
        return [], truth
    match node:
        case nodes.Group(inner=inner):
            return _beside(inner, whole, truth=truth)
        case nodes.Unary(operator="not", operand=operand):
            return _beside(operand, whole, truth=not truth)
        case nodes.Binary(operator="and" | "or" as word, left=left, right=right):
            for side, other in ((left, right), (right, left)):
                if found := _beside(side, whole, truth=truth):
                    return [*found[0], (other, truth, (word == "and") is truth)], found[1]
    return None


def _behind(command: nodes.Command, rows: Rows) -> list[Rows]:
    """What is known behind a command of the rows that are there, case by case; [] where there are none."""
    match command:
        case nodes.Where(predicate=predicate):
            return rows.assume(predicate, truth=True)
        case nodes.Eval(assignments=assignments):
            for one in assignments:
                rows = rows.assigned(one.name, rows.value(one.value), one.value)
        case nodes.Keep() | nodes.Drop() | nodes.Sort() | nodes.Limit():
            pass
        case nodes.Rename():
            rows = _renamed(command, rows)
        case nodes.Extract(input=source, outputs=outputs):
            for name in outputs:
                rows = rows.assigned(name, NULL if rows.value(source).only_null else ANYTHING)
        case nodes.MvExpand(column=column):
            rows = rows.assigned(column.name, _of_key(rows, nodes.Column(column.span, column.name)))
        case nodes.Stats(inline=False):
            rows = _grouped(command, rows)
        case _:
            rows = Rows(read=rows.read)
    return [rows]


def _renamed(command: nodes.Rename, rows: Rows) -> Rows:
    values = [(name.name, rows.of(one.name)) for one, name in zip(command.old, command.new, strict=True)]
    for one in command.old:
        rows = rows.assigned(one.name, ANYTHING)
    for name, taken in values:
        rows = rows.assigned(name, taken)
    return rows


def _grouped(stats: nodes.Stats, rows: Rows) -> Rows:
    """What is known of the groups of rows."""
    found = {key.name: _of_key(rows, key.value) for key in stats.groups}
    found |= {one.name: _aggregated(rows, one, some=bool(stats.groups)) for one in stats.aggregates}
    return Rows(found, order=frozenset(_order(rows, stats.aggregates)), read=rows.read)


def _of_key(rows: Rows, node: nodes.Expression) -> Values:
    """The values of a key: each of several makes a group of its own."""
    values = rows.value(node)
    return Values(values.null, many=False) if values.many else values


def _aggregated(rows: Rows, aggregate: nodes.Assignment, *, some: bool) -> Values:
    """The values of an aggregate; `some`: each group has a row."""
    call = strip_parentheses(aggregate.value)
    if not isinstance(call, nodes.Call):
        return ANYTHING
    of = _argument(call)
    values = ANYTHING if of is None else rows.value(of)
    sure = some and aggregate.where is None and (_counts_rows(call) or not values.null)
    match call.name:
        case "count" | "count_distinct":
            return possible.counted(1 if sure else 0)
        case "min" | "max" | "avg" if not values.many:
            whole = values.whole and call.name != "avg"
            return Values(not sure, many=False, low=values.low, high=values.high, whole=whole)
        case "sum" if not values.many and values.low >= 0 and values.constants is None and values.whole:
            fits = values.high <= 1
            low = values.low if sure else 0.0
            most = possible.MOST_EVENTS if fits else float("inf")
            return Values(not (sure and fits), many=False, low=low, high=most, whole=True)
    return ANYTHING


def _order(rows: Rows, aggregates: Sequence[nodes.Assignment]) -> Iterable[tuple[str, str]]:
    """The pairs of aggregates of which the first is never above the second."""
    calls = {one.name: call for one in aggregates if isinstance(call := strip_parentheses(one.value), nodes.Call)}
    whole = {one.name for one in aggregates if one.where is None}
    for small, one in calls.items():
        of = _argument(one)
        for large, other in calls.items():
            if large not in whole or small == large:
                continue
            if one.name in ("count", "count_distinct") and other.name == "count" and _counts_rows(other):
                if of is None or not rows.value(of).many:
                    yield small, large
            elif (one.name, other.name) == ("min", "max") and small in whole and _are_alike(rows, one, other):
                yield small, large


def _are_alike(rows: Rows, one: nodes.Call, other: nodes.Call) -> bool:
    """Whether two aggregates are of the same."""
    return [rows.read.number(of) for of in one.arguments] == [rows.read.number(of) for of in other.arguments]


def _argument(call: nodes.Call) -> nodes.Expression | None:
    """What an aggregate is of; None where it counts rows."""
    return None if _counts_rows(call) else next(iter(call.arguments), None)


def _counts_rows(call: nodes.Call) -> bool:
    one = next(iter(call.arguments), None)
    return call.name == "count" and (one is None or isinstance(one, nodes.Opaque | nodes.Literal))


def _adds_nothing(rows: Rows, aggregate: nodes.Assignment) -> bool:
    """Whether rows change nothing of an aggregate of groups that have others."""
    call = strip_parentheses(aggregate.value)
    if not isinstance(call, nodes.Call) or call.name not in _OF_NO_NULL:
        return False
    if aggregate.where is not None and not rows.assume(aggregate.where, truth=True):
        return True
    of = _argument(call)
    return of is not None and rows.value(of).only_null


def _of_none(aggregate: nodes.Assignment) -> Values:
    """An aggregate of no value."""
    call = strip_parentheses(aggregate.value)
    is_count = isinstance(call, nodes.Call) and call.name in ("count", "count_distinct")
    return possible.number(0, whole=True) if is_count else NULL
