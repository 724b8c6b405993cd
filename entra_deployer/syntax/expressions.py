"""Looking at expressions: without parentheses, and as the conditions that AND joins."""

from collections.abc import Iterator

from entra_deployer.syntax import nodes


def bare(expression: nodes.Expression) -> nodes.Expression:
    """The expression inside all parentheses around it."""
    while isinstance(expression, nodes.Group):
        expression = expression.inner
    return expression


def conjuncts(predicate: nodes.Expression) -> Iterator[nodes.Expression]:
    """The parts of a predicate that AND joins, each without the parentheses around all of it."""
    match predicate:
        case nodes.Group(inner=inner):
            yield from conjuncts(inner)
        case nodes.Binary(operator="and", left=left, right=right):
            yield from conjuncts(left)
            yield from conjuncts(right)
        case _:
            yield predicate
