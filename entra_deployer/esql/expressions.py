"""Looking at expressions: without parentheses, and as the conditions that AND or OR joins."""

from collections.abc import Iterator

from entra_deployer.esql import tree as nodes


def bare(expression: nodes.Expression) -> nodes.Expression:
    """The expression inside all parentheses around it."""
    while isinstance(expression, nodes.Group):
        expression = expression.inner
    return expression


def conjuncts(predicate: nodes.Expression) -> Iterator[nodes.Expression]:
    """The parts of a predicate that AND joins, each without the parentheses around all of it."""
    return joined(predicate, "and")


def joined(predicate: nodes.Expression, operator: str) -> Iterator[nodes.Expression]:
    """The parts of a predicate that `and`, or `or`, joins, each without the parentheses around all of it."""
    match predicate:
        case nodes.Group(inner=inner):
            yield from joined(inner, operator)
        case nodes.Binary(operator=found, left=left, right=right) if found == operator:
            yield from joined(left, operator)
            yield from joined(right, operator)
        case _:
            yield predicate
