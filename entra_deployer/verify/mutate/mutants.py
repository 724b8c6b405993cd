"""The mutants of a query: each differs from it in one small thing that a test should notice. Pure.

Everything is cut and pasted by position, so a mutant is the query itself but for the mutated place; the tree of a
mutant shares with the query's own all that is the same.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from entra_deployer.core.time import esql_seconds
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import (
    COMPARISONS,
    NEIGHBOURS,
    Junction,
    conditions,
    strip_parentheses,
    walk_conditions,
)
from entra_deployer.esql.edits import Edit, apply_edits, find_word
from entra_deployer.verify.mutate.equivalent import Proof


@dataclass(frozen=True)
class Mutation:
    """One change: what it is in words, and the edit that makes it.

    `place` is the position among the query's commands of the one that it changes, `node` the condition, constant or
    key that it is about, and `command` what the mutated text has there. `lost` is the member that a list lacks.
    """

    what: str
    edit: Edit
    place: int
    node: nodes.Node
    command: nodes.Command
    lost: nodes.Expression | None = None

    def of(self, text: str) -> str:
        """The mutated query."""
        return apply_edits(text, [self.edit])

    def before(self, text: str) -> str:
        """What stands in the query."""
        return text[self.edit.start : self.edit.end]


@dataclass(frozen=True)
class _Change:
    """A mutation of one command before it is known which one."""

    what: str
    edit: Edit
    old: nodes.Node
    new: nodes.Node
    lost: nodes.Expression | None = None


def mutations(tree: nodes.Tree) -> Iterator[Mutation]:
    """All mutations of a query, in the order of its text, but for those that are proved to change nothing."""
    return (one for one, is_vain in all_mutations(tree) if not is_vain)


def all_mutations(tree: nodes.Tree) -> Iterator[tuple[Mutation, bool]]:
    """All mutations of a query, each with whether it is proved to change nothing."""
    proof = Proof(tree)
    for place, command in enumerate(tree.commands):
        for one in _of_command(tree, command):
            vain = isinstance(command, nodes.Where) and _is_vain(proof, place, command.predicate, one)
            changed = substitute(command, one.old, one.new)
            yield Mutation(one.what, one.edit, place, one.old, changed, one.lost), vain


def _is_vain(proof: Proof, place: int, predicate: nodes.Expression, change: _Change) -> bool:
    """Whether the mutant is proved to find the same, whatever the events are."""
    old, new = change.old, change.new
    if isinstance(old, nodes.Literal):  # of a condition, which is what has a truth
        whole = next((one.node for one in conditions(predicate) if _within(old, one.node)), None)
        if whole is None:
            return False
        old, new = whole, substitute(whole, old, new)
    return isinstance(old, nodes.Expression) and isinstance(new, nodes.Expression) and proof.is_vain(place, old, new)


def _of_command(tree: nodes.Tree, command: nodes.Command) -> Iterator[_Change]:
    match command:
        case nodes.Where(predicate=predicate):
            yield from _predicate(tree, predicate)
        case nodes.Stats(aggregates=aggregates, groups=groups):
            for aggregate in aggregates:
                if aggregate.where is not None:
                    yield from _predicate(tree, aggregate.where)
            yield from _groups(tree, command, groups)


def substitute[N: nodes.Node](root: N, old: nodes.Node, new: nodes.Node) -> N:
    """The tree with one node in the place of another, which is told by being the very same object."""
    if root is old:
        return new  # type: ignore[return-value]
    for item in fields(root):
        value = getattr(root, item.name)
        if isinstance(value, nodes.Node) and _within(old, value):
            return _with(root, item.name, substitute(value, old, new))
        if isinstance(value, tuple):
            for position, part in enumerate(value):
                if isinstance(part, nodes.Node) and _within(old, part):
                    parts = (*value[:position], substitute(part, old, new), *value[position + 1 :])
                    return _with(root, item.name, parts)
    return root


def _with[N: nodes.Node](node: N, name: str, value: nodes.Node | tuple[nodes.Node, ...]) -> N:
    changes: dict[str, Any] = {name: value}
    return replace(node, **changes)


def _within(node: nodes.Node, other: nodes.Node) -> bool:
    return other.span.start <= node.span.start and node.span.end <= other.span.end


_NEUTRAL = {"and": "true", "or": "false", "": "true"}
"""What drops a condition from those that it is joined to."""


def _predicate(tree: nodes.Tree, predicate: nodes.Expression) -> Iterator[_Change]:
    for item in walk_conditions(predicate):
        if isinstance(item, Junction):
            yield from _junction(tree, predicate, item.node)
            continue
        whole, word = item.whole, _NEUTRAL[item.joined_by]
        yield _replace("dropped", whole, word, nodes.Literal(whole.span, "boolean", word == "true"))
        inner = strip_parentheses(whole)
        if isinstance(inner, nodes.Unary):
            yield _replace("negated", whole, inner.operand.span.of(tree.text), inner.operand)
        else:
            text = f"NOT ({whole.span.of(tree.text)})"
            yield _replace("negated", whole, text, nodes.Unary(whole.span, "not", whole))
        yield from _leaf(tree, item.node)


def _junction(tree: nodes.Tree, predicate: nodes.Expression, node: nodes.Binary) -> Iterator[_Change]:
    other = "OR" if node.operator == "and" else "AND"
    if place := find_word(tree, node.operator, node.left.span.end, node.right.span.start):
        chain = _chain(predicate, node)
        edit = Edit(place.start, place.end, other)
        yield _Change(f"{other} instead of {node.operator.upper()}", edit, chain, _rejoined(chain, node, other.lower()))


def _chain(root: nodes.Expression, junction: nodes.Binary) -> nodes.Binary:
    """The topmost AND or OR that no brackets part from the junction."""
    node: nodes.Node = root
    top: nodes.Binary | None = None
    while node is not junction:
        top = top or node if isinstance(node, nodes.Binary) and _is_junction(node) else None
        node = next(child for child in node.children() if _within(junction, child))
    return top or junction


def _is_junction(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Binary) and node.operator in ("and", "or")


def _rejoined(chain: nodes.Binary, junction: nodes.Binary, word: str) -> nodes.Expression:
    """A chain with another word in the place of one of its own: AND binds before OR, as the parser reads it."""
    groups: list[list[nodes.Expression]] = [[]]
    for side, operator in _laid_out(chain, junction, word):
        groups[-1].append(side)
        if operator == "or":
            groups.append([])
    return _joined("or", [_joined("and", group) for group in groups])


def _laid_out(node: nodes.Expression, junction: nodes.Binary, word: str) -> Iterator[tuple[nodes.Expression, str]]:
    """The sides of a chain in the order of the text, each with the word behind it, "" behind the last."""
    if not isinstance(node, nodes.Binary) or not _is_junction(node):
        yield node, ""
        return
    left = list(_laid_out(node.left, junction, word))
    yield from left[:-1]
    yield left[-1][0], word if node is junction else node.operator
    yield from _laid_out(node.right, junction, word)


def _joined(operator: str, sides: Sequence[nodes.Expression]) -> nodes.Expression:
    found = sides[0]
    for side in sides[1:]:
        found = nodes.Binary(nodes.Span(found.span.start, side.span.end), operator, found, side)
    return found


def _leaf(tree: nodes.Tree, node: nodes.Expression) -> Iterator[_Change]:
    match node:
        case nodes.Binary(operator=operator) if operator in COMPARISONS:
            yield from _comparison(tree, node)
        case nodes.In(items=items):
            yield from _members(tree, node, items)


def _comparison(tree: nodes.Tree, node: nodes.Binary) -> Iterator[_Change]:
    clock = any(isinstance(part, nodes.Call) and part.name == "now" for part in node.walk())
    if not clock and (shifted := NEIGHBOURS.get(node.operator)):  # no event is ever of exactly the age of a window
        start = tree.text.index(node.operator, node.left.span.end)
        yield _Change(
            "shifted", Edit(start, start + len(node.operator), shifted), node, replace(node, operator=shifted)
        )
    for side in (node.left, node.right):
        literal = strip_parentheses(side)
        if isinstance(literal, nodes.Literal) and literal.kind == "integer" and isinstance(literal.value, int):
            for what, value in (("one less", literal.value - 1), ("one more", literal.value + 1)):
                yield _replace(what, literal, str(value), replace(literal, value=value))
    if clock:
        for part in node.walk():
            if isinstance(part, nodes.Duration) and (seconds := esql_seconds(part.amount, part.unit)):
                half = int(seconds // 2)
                yield _replace("window halved", part, f"{half} seconds", replace(part, amount=half, unit="seconds"))


def _members(tree: nodes.Tree, node: nodes.In, items: Sequence[nodes.Expression]) -> Iterator[_Change]:
    for item in items if len(items) > 1 else ():
        others = tuple(other for other in items if other is not item)
        rest = ", ".join(other.span.of(tree.text) for other in others)
        edit = Edit(items[0].span.start, items[-1].span.end, rest)
        yield _Change(f"without {item.span.of(tree.text)}", edit, node, replace(node, items=others), item)


def _groups(tree: nodes.Tree, stats: nodes.Stats, groups: Sequence[nodes.Assignment]) -> Iterator[_Change]:
    for group in groups:
        others = tuple(other for other in groups if other is not group)
        rest = ", ".join(other.span.of(tree.text) for other in others)
        start, end = groups[0].span.start, groups[-1].span.end
        if not rest:
            front = stats.aggregates[-1].span.end if stats.aggregates else stats.span.start
            by = find_word(tree, "by", front, start)
            if by is None or not stats.aggregates:
                continue
            start = by.start
        yield _Change(f"without the key {group.name}", Edit(start, end, rest), stats, replace(stats, groups=others))


def _replace(what: str, node: nodes.Node, text: str, new: nodes.Node) -> _Change:
    return _Change(what, Edit(node.span.start, node.span.end, text), node, new)
