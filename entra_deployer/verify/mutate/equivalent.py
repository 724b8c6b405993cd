"""What a query can do without: conditions that say nothing, so that a mutant without them finds the same on all events.

Two kinds are proved, each on its own:

- `x IS NOT NULL` beside a condition that is not true where x is null (`x == "a"`, `NOT x LIKE "b*"`, `LENGTH(x) > 3`),
  in the same AND or in another WHERE over the same rows. Nothing else than the two lies between them and the whole that
  an OR or a NOT could turn round: what stands above is AND and OR alone.
- `COUNT(*) >= 1` of a STATS with BY: a group has an event.
"""

from collections.abc import Iterator

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import COMPARISONS, strip_parentheses

_NULL_OF_NULL = {
    *("to_lower", "to_upper", "to_string", "to_integer", "to_long", "to_double", "to_ip", "to_boolean", "to_datetime"),
    *("trim", "ltrim", "rtrim", "length", "substring", "left", "right", "replace", "locate", "abs", "ceil", "floor"),
    *("round", "date_trunc", "mv_count", "mv_first", "mv_last", "mv_min", "mv_max", "mv_dedupe", "mv_concat"),
}
"""Functions that are null where their first argument is."""

_TESTS = {"starts_with", "ends_with", "cidr_match"}
"""Conditions that are null where their first argument is."""


def says_nothing(tree: nodes.Tree, place: int, predicate: nodes.Expression, whole: nodes.Expression) -> bool:
    """Whether the rows are the same with `true` for a condition of the WHERE at a place."""
    beside = _beside(predicate, whole)
    if beside is None:
        return False
    if (column := _present(whole)) is None:
        return always(tree, place, whole)
    others = [*beside, *_around(tree, place, column)]
    return any(_is_never(one, column, truth=True) for one in others)


def always(tree: nodes.Tree, place: int, node: nodes.Expression) -> bool:
    """Whether a condition is true of every group: COUNT(*) is 1 at least."""
    match strip_parentheses(node):
        case nodes.Binary(operator=word, left=left, right=right) if word in (">", ">=", "!="):
            column, number = strip_parentheses(left), strip_parentheses(right)
            if isinstance(column, nodes.Column) and isinstance(number, nodes.Literal) and number.kind == "integer":
                least = int(str(number.value)) + (word != ">=")
                return least <= 1 and _is_count(tree, place, column.name)
    return False


def _is_count(tree: nodes.Tree, place: int, name: str) -> bool:
    """Whether a column is the COUNT(*) of a STATS with BY, up to the command at a place."""
    for command in reversed(tree.commands[:place]):
        match command:
            case nodes.Stats(aggregates=aggregates, groups=groups, inline=False):
                found = [one for one in aggregates if one.name == name and one.where is None]
                return bool(groups) and any(_counts_all(one.value) for one in found)
            case _ if not _keeps(command, name):
                return False
    return False


def _counts_all(node: nodes.Expression) -> bool:
    node = strip_parentheses(node)
    if not isinstance(node, nodes.Call) or node.name != "count":
        return False
    return not node.arguments or isinstance(node.arguments[0], nodes.Opaque | nodes.Literal)


def _beside(node: nodes.Expression, whole: nodes.Expression) -> list[nodes.Expression] | None:
    """What else has to be true where it matters whether `whole` is; None where a NOT stands above it."""
    if node is whole:
        return []
    match node:
        case nodes.Group(inner=inner):
            return _beside(inner, whole)
        case nodes.Binary(operator="and" | "or" as word, left=left, right=right):
            for side, other in ((left, right), (right, left)):
                if (found := _beside(side, whole)) is not None:
                    return [*found, other] if word == "and" else found
    return None


def _around(tree: nodes.Tree, place: int, column: str) -> Iterator[nodes.Expression]:
    """The conditions of other WHEREs over the same rows, with the same column."""
    for others in (tree.commands[place + 1 :], tree.commands[:place][::-1]):
        for command in others:
            if isinstance(command, nodes.Where):
                yield command.predicate
            elif not _keeps(command, column):
                break


def _keeps(command: nodes.Command, column: str) -> bool:
    """Whether a command leaves the rows and the column as they are."""
    match command:
        case nodes.Where() | nodes.Keep() | nodes.Drop() | nodes.Sort():
            return True
        case nodes.Eval(assignments=assignments):
            return all(one.name != column for one in assignments)
        case nodes.Rename(old=old, new=new):
            return all(one.name != column for one in (*old, *new))
        case nodes.Extract(outputs=outputs):
            return column not in outputs
    return False


def _present(node: nodes.Expression) -> str | None:
    """The column that a condition wants present: x IS NOT NULL, or NOT x IS NULL; None for any other condition."""
    node, wanted = strip_parentheses(node), True
    while isinstance(node, nodes.Unary) and node.operator == "not":
        node, wanted = strip_parentheses(node.operand), not wanted
    if isinstance(node, nodes.IsNull) and node.negated is wanted:
        value = strip_parentheses(node.value)
        return value.name if isinstance(value, nodes.Column) else None
    return None


def _is_never(node: nodes.Expression, column: str, *, truth: bool) -> bool:
    """Whether a condition certainly has not this truth where the column is null."""
    match strip_parentheses(node):
        case nodes.Unary(operator="not", operand=operand):
            return _is_never(operand, column, truth=not truth)
        case nodes.Binary(operator="and" | "or" as word, left=left, right=right):
            sides = (_is_never(side, column, truth=truth) for side in (left, right))
            return any(sides) if (word == "and") is truth else all(sides)
        case nodes.IsNull(value=value, negated=negated) if negated is truth:
            return _is_null(value, column)
        case other:
            return _tests_null(other, column)


def _tests_null(node: nodes.Expression, column: str) -> bool:
    """Whether a condition is null where the column is."""
    match node:
        case nodes.Binary(operator=word, left=left, right=right) if word in COMPARISONS:
            return _is_null(left, column) or _is_null(right, column)
        case nodes.In(value=value) | nodes.Like(value=value):
            return _is_null(value, column)
        case nodes.Call(name=name, arguments=(first, *_)) if name in _TESTS:
            return _is_null(first, column)
        case nodes.Column(name=name):
            return name == column
    return False


def _is_null(node: nodes.Expression, column: str) -> bool:
    """Whether a value is null where the column is."""
    match strip_parentheses(node):
        case nodes.Column(name=name):
            return name == column
        case nodes.Cast(value=value):
            return _is_null(value, column)
        case nodes.Binary(operator="+" | "-" | "*" | "/" | "%", left=left, right=right):
            return _is_null(left, column) or _is_null(right, column)
        case nodes.Call(name=name, arguments=(first, *_)) if name in _NULL_OF_NULL:
            return _is_null(first, column)
    return False
