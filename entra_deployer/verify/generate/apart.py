"""Two conditions that differ in one place: what is to hold so that only one of them is true."""

from collections.abc import Sequence
from functools import reduce

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses


def apart(holds: nodes.Expression, fails: nodes.Expression) -> list[tuple[nodes.Expression, bool]]:
    """What is to be true and what false so that of two conditions, which differ in one place, only the first holds.

    What both share is arranged so that the difference shows: the other sides of an AND hold, those of an OR do not.
    """
    holds, fails = strip_parentheses(holds), strip_parentheses(fails)
    match holds, fails:
        case nodes.Unary(operator="not", operand=one), nodes.Unary(operator="not", operand=other):
            return apart(other, one)
        case nodes.In(), nodes.In() if len(holds.items) != len(fails.items) and holds.negated is fails.negated:
            return [(_only_in_one(holds, fails), True)]
        case (nodes.Binary(operator="and" | "or" as word), nodes.Binary(operator=operator)) if word == operator:
            sides, others = list(operands(holds, word)), list(operands(fails, word))
            unlike = [n for n, (one, other) in enumerate(zip(sides, others, strict=False)) if one is not other]
            if len(sides) == len(others) and len(unlike) == 1:
                (place,) = unlike
                rest = [(one, word == "and") for n, one in enumerate(sides) if n != place]
                return [*apart(sides[place], others[place]), *rest]
    return [(holds, True), (fails, False)]


def _only_in_one(holds: nodes.In, fails: nodes.In) -> nodes.Expression:
    """Which value is in the list that lacks a member as the first asks: that member, or none at all."""
    longer, shorter = (fails, holds) if holds.negated else (holds, fails)
    lost = [one for one in longer.items if one not in shorter.items]
    if not lost:
        return nodes.Literal(holds.span, "boolean", value=False)
    return nodes.Binary(holds.span, "==", holds.value, lost[0])


def joined(parts: Sequence[tuple[nodes.Expression, bool]], span: nodes.Span) -> nodes.Expression:
    """One condition for all that is to be true and false."""
    sides = [node if truth else nodes.Unary(span, "not", node) for node, truth in parts]
    return reduce(lambda one, other: nodes.Binary(span, "and", one, other), sides)
