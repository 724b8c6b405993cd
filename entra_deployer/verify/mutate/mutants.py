"""The mutants of a query: each differs from it in one small thing that a test should notice. Pure.

Everything is cut and pasted by position, so a mutant is the query itself but for the mutated place.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from entra_deployer.core.time import esql_seconds
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import COMPARISONS, NEIGHBOURS, Junction, strip_parentheses, walk_conditions
from entra_deployer.esql.edits import Edit, apply_edits, find_word


@dataclass(frozen=True)
class Mutation:
    """One change: what it is in words, and the edit that makes it."""

    what: str
    edit: Edit

    def of(self, text: str) -> str:
        """The mutated query."""
        return apply_edits(text, [self.edit])

    def before(self, text: str) -> str:
        """What stands in the query."""
        return text[self.edit.start : self.edit.end]


def mutations(tree: nodes.Tree) -> Iterator[Mutation]:
    """All mutations of a query, in the order of its text."""
    for command in tree.commands:
        match command:
            case nodes.Where(predicate=predicate):
                yield from _predicate(tree, predicate)
            case nodes.Stats(aggregates=aggregates, groups=groups):
                for aggregate in aggregates:
                    if aggregate.where is not None:
                        yield from _predicate(tree, aggregate.where)
                yield from _groups(tree, command, groups)


_NEUTRAL = {"and": "true", "or": "false", "": "true"}
"""What drops a condition from those that it is joined to."""


def _predicate(tree: nodes.Tree, predicate: nodes.Expression) -> Iterator[Mutation]:
    for item in walk_conditions(predicate):
        if isinstance(item, Junction):
            yield from _junction(tree, item.node)
            continue
        yield Mutation("dropped", _replace(item.whole, _NEUTRAL[item.joined_by]))
        inner = strip_parentheses(item.whole)
        if isinstance(inner, nodes.Unary):
            yield Mutation("negated", _replace(item.whole, inner.operand.span.of(tree.text)))
        else:
            yield Mutation("negated", _replace(item.whole, f"NOT ({item.whole.span.of(tree.text)})"))
        yield from _leaf(tree, item.node)


def _junction(tree: nodes.Tree, node: nodes.Binary) -> Iterator[Mutation]:
    other = "OR" if node.operator == "and" else "AND"
    if place := find_word(tree, node.operator, node.left.span.end, node.right.span.start):
        yield Mutation(f"{other} instead of {node.operator.upper()}", Edit(place.start, place.end, other))


def _leaf(tree: nodes.Tree, node: nodes.Expression) -> Iterator[Mutation]:
    match node:
        case nodes.Binary(operator=operator) if operator in COMPARISONS:
            yield from _comparison(tree, node)
        case nodes.In(items=items):
            yield from _members(tree, items)


def _comparison(tree: nodes.Tree, node: nodes.Binary) -> Iterator[Mutation]:
    clock = any(isinstance(part, nodes.Call) and part.name == "now" for part in node.walk())
    if not clock and (shifted := NEIGHBOURS.get(node.operator)):  # no event is ever of exactly the age of a window
        start = tree.text.index(node.operator, node.left.span.end)
        yield Mutation("shifted", Edit(start, start + len(node.operator), shifted))
    for side in (node.left, node.right):
        literal = strip_parentheses(side)
        if isinstance(literal, nodes.Literal) and literal.kind == "integer" and isinstance(literal.value, int):
            yield Mutation("one less", _replace(literal, str(literal.value - 1)))
            yield Mutation("one more", _replace(literal, str(literal.value + 1)))
    if clock:
        for part in node.walk():
            if isinstance(part, nodes.Duration) and (seconds := esql_seconds(part.amount, part.unit)):
                yield Mutation("window halved", _replace(part, f"{int(seconds // 2)} seconds"))


def _members(tree: nodes.Tree, items: Sequence[nodes.Expression]) -> Iterator[Mutation]:
    for item in items if len(items) > 1 else ():
        rest = ", ".join(other.span.of(tree.text) for other in items if other is not item)
        edit = Edit(items[0].span.start, items[-1].span.end, rest)
        yield Mutation(f"without {item.span.of(tree.text)}", edit)


def _groups(tree: nodes.Tree, stats: nodes.Stats, groups: Sequence[nodes.Assignment]) -> Iterator[Mutation]:
    for group in groups:
        rest = ", ".join(other.span.of(tree.text) for other in groups if other is not group)
        start, end = groups[0].span.start, groups[-1].span.end
        if not rest:
            front = stats.aggregates[-1].span.end if stats.aggregates else stats.span.start
            by = find_word(tree, "by", front, start)
            if by is None or not stats.aggregates:
                continue
            start = by.start
        yield Mutation(f"without the key {group.name}", Edit(start, end, rest))


def _replace(node: nodes.Node, text: str) -> Edit:
    return Edit(node.span.start, node.span.end, text)
