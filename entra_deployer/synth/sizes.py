"""How large a group must be: numbers of events and of different values that satisfy the conditions on groups."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from entra_deployer.syntax import nodes
from entra_deployer.syntax.expressions import bare
from entra_deployer.synth.constants import Unsolved, literal
from entra_deployer.synth.plan import Counter
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
    """A group of `events`, with so many different values of each counter by its column."""

    events: int
    different: Mapping[str, int]


def find_sizes(
    goals: Sequence[tuple[Goal, bool]], counters: Mapping[str, Counter], near: Sizes | None = None
) -> Sizes | None:
    """A group for which each condition is true, or false where its flag says so; None where there is none.

    It is the smallest one, or the one that differs least from the group `near`.
    """
    names = list(counters)
    from_where = [near.different.get(name, near.events) if near else 0 for name in names]

    def distance(chosen: Sequence[int]) -> int:
        return sum(abs(number - start) for number, start in zip(chosen, from_where, strict=True))

    for chosen in sorted(product(sorted(_candidates(goals)), repeat=len(names)), key=distance):
        numbers = dict(zip(names, chosen, strict=True))
        sizes = _sizes(numbers, counters)
        if sizes and all(_value(goal.predicate, goal.scope, numbers) is truth for goal, truth in goals):
            return sizes
    return None


def _candidates(goals: Sequence[tuple[Goal, bool]]) -> set[int]:
    """Each number of the conditions with its neighbours."""
    found = {1, 2}
    for goal, _ in goals:
        for node in goal.predicate.walk():
            if isinstance(node, nodes.Literal) and node.kind == "integer" and isinstance(node.value, int):
                found |= {node.value - 1, node.value, node.value + 1}
    return {number for number in found if 1 <= number <= MOST_EVENTS}


def _sizes(numbers: Mapping[str, int], counters: Mapping[str, Counter]) -> Sizes | None:
    """The group of these numbers; None where they contradict: counts that differ, more different values than events."""
    different = {name: number for name, number in numbers.items() if counters[name].distinct}
    counts = {number for name, number in numbers.items() if not counters[name].distinct}
    if len(counts) > 1:
        return None
    events = counts.pop() if counts else max(different.values(), default=1)
    return Sizes(events, different) if all(number <= events for number in different.values()) else None


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
