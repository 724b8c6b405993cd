"""How far a condition is from being true, or false: what leads a search from one group to the next."""

from collections.abc import Callable, Sequence
from datetime import datetime

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import OPPOSITES, conjuncts, operands, strip_parentheses
from entra_deployer.esql.evaluation import PROGRAMS, Evaluator, Program, Truth
from entra_deployer.esql.scope import Derived, Scope

FAR = 1.0
"""How far a condition is from what is asked of it where no number tells; one that is fulfilled is 0 away."""

type Distance = Callable[[Evaluator], float]
"""From 0 (it is so) up to FAR. Raises Unknown for what is not computed here."""


def of_predicate(predicate: nodes.Expression, scope: Scope, missed: nodes.Span | None) -> Distance:
    """The sum over all conditions of a predicate; the one at `missed` is as it should be where it does not hold."""
    key = ("apart", id(predicate), missed)
    if (found := scope.programs.get(key)) is None:
        found = scope.programs[key] = (predicate, _sum(predicate, scope, missed))
    distance: Distance = found[1]
    return distance


def _sum(predicate: nodes.Expression, scope: Scope, missed: nodes.Span | None) -> Distance:
    parts = [
        (PROGRAMS.truth(part, scope), part.span != missed, _distance(part, scope, wanted=part.span != missed))
        for part in conjuncts(predicate)
    ]

    def run(event: Evaluator) -> float:
        total = 0.0
        for truth, wanted, distance in parts:
            if bool(truth(event)) is not wanted:
                total += distance(event)
        return total

    return run


def _distance(node: nodes.Expression, scope: Scope, *, wanted: bool) -> Distance:
    node = strip_parentheses(node)
    match node:
        case nodes.Unary(operator="not", operand=operand):
            return _distance(operand, scope, wanted=not wanted)
        case nodes.Binary(operator="and" | "or" as word):
            sides = [_distance(side, scope, wanted=wanted) for side in operands(node, word)]
            return _together(sides) if (word == "and") is wanted else _nearest(sides)
        case nodes.Column(name=name) if isinstance(made := scope.get(name), Derived):
            return _distance(made.value, made.scope, wanted=wanted)
        case nodes.Binary(operator=word) if word in OPPOSITES:
            choice = _choice(node.left, scope)
            if choice and isinstance(strip_parentheses(node.right), nodes.Literal):
                return _of_choice(node, choice, scope, wanted=wanted)
            return _of_comparison(node, scope, wanted=wanted)
    return _all_or_nothing(PROGRAMS.truth(node, scope), wanted=wanted)


def _scaled(distance: float) -> float:
    """Into the range from 0 to FAR, in the same order."""
    return distance / (distance + 1.0)


def _together(sides: Sequence[Distance]) -> Distance:
    return lambda event: _scaled(sum([side(event) for side in sides]))


def _nearest(sides: Sequence[Distance]) -> Distance:
    return lambda event: min([side(event) for side in sides])


def _all_or_nothing(truth: Truth, *, wanted: bool) -> Distance:
    return lambda event: 0.0 if truth(event) is wanted else FAR


_MISSING: dict[str, Callable[[float], float]] = {
    "==": abs,
    "!=": lambda apart: 0.0 if apart else 1.0,
    "<": lambda apart: max(0.0, apart + 1),
    "<=": lambda apart: max(0.0, apart),
    ">": lambda apart: max(0.0, 1 - apart),
    ">=": lambda apart: max(0.0, -apart),
}
"""How much a number lacks to stand in a relation to another one, by the difference of the two."""


def _of_comparison(node: nodes.Binary, scope: Scope, *, wanted: bool) -> Distance:
    truth, left, right = PROGRAMS.truth(node, scope), *_sides(node, scope)
    missing = _MISSING[node.operator if wanted else OPPOSITES[node.operator]]

    def run(event: Evaluator) -> float:
        one, other = left(event), right(event)
        if isinstance(one, datetime) and isinstance(other, datetime):
            one, other = one.timestamp(), other.timestamp()
        if truth(event) is wanted:
            return 0.0
        if not (isinstance(one, int | float) and isinstance(other, int | float)):
            return FAR
        return max(_scaled(missing(float(one - other))), 1e-9)

    return run


def _sides(node: nodes.Binary, scope: Scope) -> tuple[Program, Program]:
    return PROGRAMS.value(node.left, scope), PROGRAMS.value(node.right, scope)


def _choice(node: nodes.Expression, scope: Scope) -> tuple[nodes.Call, Scope] | None:
    """The CASE that makes a value, through what EVAL made of it."""
    node = strip_parentheses(node)
    while isinstance(node, nodes.Column) and isinstance(made := scope.get(node.name), Derived):
        node, scope = strip_parentheses(made.value), made.scope
    return (node, scope) if isinstance(node, nodes.Call) and node.name == "case" else None


def _of_choice(node: nodes.Binary, choice: tuple[nodes.Call, Scope], scope: Scope, *, wanted: bool) -> Distance:
    """A comparison of what CASE chooses: the nearest branch whose value would do."""
    call, within = choice
    pairs = list(zip(call.arguments[0::2], call.arguments[1::2], strict=False))
    branches: list[tuple[list[tuple[nodes.Expression, bool]], nodes.Expression]] = []
    for number, (condition, value) in enumerate(pairs):
        branches.append(([(condition, True), *((one, False) for one, _ in pairs[:number])], value))
    if len(call.arguments) % 2:
        branches.append(([(one, False) for one, _ in pairs], call.arguments[-1]))
    ways = [
        (
            PROGRAMS.truth(nodes.Binary(node.span, node.operator, value, node.right), within),
            _together([_distance(one, within, wanted=truth) for one, truth in conditions]),
        )
        for conditions, value in branches
    ]
    truth = PROGRAMS.truth(node, scope)

    def run(event: Evaluator) -> float:
        found = [FAR, *(distance(event) for does, distance in ways if does(event) is wanted)]
        return 0.0 if truth(event) is wanted else min(found)

    return run
