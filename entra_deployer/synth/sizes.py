"""How large a group must be: numbers of events and of different values that satisfy the conditions on groups."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product

from entra_deployer.syntax import nodes
from entra_deployer.syntax.expressions import bare
from entra_deployer.synth.constants import Unsolved, literal
from entra_deployer.synth.plan import Grouping
from entra_deployer.synth.scope import Derived, Goal, Scope

MOST_EVENTS = 500
"""No group is made larger than this."""

_COMPUTE: dict[str, Callable[[int, int], bool | int]] = {
    "and": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.floordiv,
}


@dataclass(frozen=True)
class Sizes:
    """A group of `events` within `lasts` seconds, with so many different values of each counter by its column.

    `spreads` are the numbers by which the query measures how long it lasts.
    """

    events: int
    different: Mapping[str, int]
    spreads: Mapping[str, int] = field(default_factory=dict)
    lasts: float = 0.0


def find_sizes(goals: Sequence[tuple[Goal, bool]], grouping: Grouping, near: Sizes | None = None) -> Sizes | None:
    """A group for which each condition is true, or false where its flag says so; None where there is none.

    It is the smallest one, or the one that differs least from the group `near`.
    """
    names = sorted(grouping.measures)
    start = [_number(name, near) for name in names]

    def distance(chosen: Sequence[int]) -> int:
        return sum(abs(number - other) for number, other in zip(chosen, start, strict=True))

    numbers = sorted(_candidates(goals))
    choices = [[0, *numbers] if name in grouping.spreads else numbers for name in names]
    for chosen in sorted(product(*choices), key=distance):
        measured = dict(zip(names, chosen, strict=True))
        sizes = _sizes(measured, grouping)
        if sizes and all(_value(goal.predicate, goal.scope, measured) is truth for goal, truth in goals):
            return sizes
    return None


def _number(name: str, near: Sizes | None) -> int:
    if near is None:
        return 0
    return {**near.different, **near.spreads}.get(name, near.events)


def _candidates(goals: Sequence[tuple[Goal, bool]]) -> set[int]:
    """Each number of the conditions with its neighbours."""
    found = {1, 2}
    for goal, _ in goals:
        for node in goal.predicate.walk():
            if isinstance(node, nodes.Literal) and node.kind == "integer" and isinstance(node.value, int):
                found |= {node.value - 1, node.value, node.value + 1}
    return {number for number in found if 1 <= number <= MOST_EVENTS}


def _sizes(measured: Mapping[str, int], grouping: Grouping) -> Sizes | None:
    """The group of these numbers; None where they contradict each other.

    Counts are of the same events; there are no more different values than events, and one event alone does not last.
    """
    spreads = {name: number for name, number in measured.items() if name in grouping.spreads}
    counters = {name: number for name, number in measured.items() if name in grouping.counters}
    different = {name: number for name, number in counters.items() if grouping.counters[name].distinct}
    counts = {number for name, number in counters.items() if not grouping.counters[name].distinct}
    lasts = {float(number * grouping.spreads[name]) for name, number in spreads.items()}
    if len(counts) > 1 or len(lasts) > 1:
        return None
    least = max([*different.values(), 2 if any(lasts) else 1])
    events = counts.pop() if counts else least
    return Sizes(events, different, spreads, lasts.pop() if lasts else 0.0) if events >= least else None


def _value(node: nodes.Expression, scope: Scope, numbers: Mapping[str, int]) -> bool | int:
    """A condition or a number, computed."""
    node = bare(node)
    match node:
        case nodes.Binary(operator=word, left=left, right=right) if word in _COMPUTE:
            return _COMPUTE[word](_value(left, scope, numbers), _value(right, scope, numbers))
        case nodes.Unary(operator="not", operand=operand):
            return not _value(operand, scope, numbers)
        case nodes.In(value=value, items=items, negated=negated):
            return (_value(value, scope, numbers) in [literal(item) for item in items]) is not negated
        case nodes.Column(name=name):
            return _column(name, scope, numbers)
        case _:
            return int(literal(node))


def _column(name: str, scope: Scope, numbers: Mapping[str, int]) -> bool | int:
    made = scope.get(name)
    if name in numbers:
        return numbers[name]
    if isinstance(made, Derived):
        return _value(made.value, made.scope, numbers)
    raise Unsolved(f"a condition on {name}")
