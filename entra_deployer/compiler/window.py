"""The hunt's own time window: found on the syntax tree and, where that is safe, taken out of the query.

A rule gets its time range from outside: Kibana filters the source documents by [from, to] before the query sees them.
A window inside the query can only narrow that range, and it counts from the wall clock: when Kibana catches up on a gap
or previews the past, `now()` in the query looks at the wrong days. So the window belongs into `from`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from entra_deployer.core.time import CALENDAR, esql_seconds, esql_unit, say_duration
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.edits import Edit, delete, find_word
from entra_deployer.esql.expressions import bare, conjuncts
from entra_deployer.esql.tree import Span, Tree

TIMESTAMP = "@timestamp"


@dataclass(frozen=True)
class Bound:
    """One comparison of @timestamp with the wall clock: documents at most (`lower`) or at least `seconds` old.

    `exact` is False where a calendar unit makes the number of seconds vary.
    """

    span: Span
    lower: bool
    seconds: float
    exact: bool = True


@dataclass(frozen=True)
class Window:
    """The time range that the hunt asks for, in seconds before now: from `start` to `end`.

    `start` is None where it asks for none. `edits` take it out of the query; where there are none it stays, and
    `reason` says why. `spans` are where its bounds stand.
    """

    start: int | None
    end: int
    edits: tuple[Edit, ...]
    reason: str
    spans: tuple[Span, ...] = ()


def find_window(tree: Tree) -> Window:
    """The query's window. Any form counts: `now() - 14 day`, either side of the comparison, pairs, DATE_DIFF."""
    bounds = list(_bounds(tree))
    spans = tuple(bound.span for bound in bounds)
    lowers = [bound for bound in bounds if bound.lower]
    uppers = [bound for bound in bounds if not bound.lower]
    if not lowers:
        return Window(None, 0, (), "the query holds no time window of its own", spans)
    widest = ceil(max(bound.seconds for bound in lowers))
    removable = _removable(tree)
    if obstacle := _obstacle(lowers, uppers, removable):
        return Window(widest, 0, (), obstacle, spans)
    edits = [edit for where, gone in removable if (cut := _gone(gone, bounds)) for edit in _cut(tree, where, cut)]
    end = int(max((bound.seconds for bound in uppers), default=0))
    return Window(widest, end, tuple(edits), _say(widest, end), spans)


def _say(start: int, end: int) -> str:
    until = f" until {say_duration(end)} ago" if end else ""
    return (
        f"the window of {say_duration(start)}{until} goes into the rule's time range: Kibana filters by it before the "
        "query runs, also when it catches up on a gap, where now() would look at the wrong days"
    )


def _obstacle(lowers: list[Bound], uppers: list[Bound], removable: list[tuple[nodes.Where, list[Span]]]) -> str:
    """Why the window has to stay; "" where nothing is in the way."""
    free = {span for _, conjuncts in removable for span in conjuncts}
    if len(lowers) > 1 or len(uppers) > 1:
        return "the query holds several windows: they stay, and `from` covers the widest"
    if any(bound.span not in free for bound in lowers + uppers):
        return (
            "the window is no condition of its own in a WHERE before the rows are aggregated or cut: it stays, and "
            "`from` covers it"
        )
    if not all(bound.exact for bound in lowers + uppers):
        return "the window is in calendar units, whose length varies: it stays, and `from` covers the longest"
    return ""


# --- finding ----------------------------------------------------------------------------------------------------

_FLIPPED = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def _bounds(tree: Tree) -> Iterator[Bound]:
    for node in tree.walk():
        if isinstance(node, nodes.Binary) and node.operator in _FLIPPED:
            bound = _compare(node.span, node.operator, node.left, node.right)
            bound = bound or _compare(node.span, _FLIPPED[node.operator], node.right, node.left)
            if bound:
                yield bound


def _compare(span: Span, operator: str, left: nodes.Expression, right: nodes.Expression) -> Bound | None:
    left = bare(left)
    if isinstance(left, nodes.Column) and left.name == TIMESTAMP:
        age = _age(right)
        return Bound(span, operator in (">", ">="), age[0], age[1]) if age else None
    if isinstance(left, nodes.Call) and left.name == "date_diff":
        return _date_diff(span, operator, left, bare(right))
    return None


def _date_diff(span: Span, operator: str, call: nodes.Call, right: nodes.Expression) -> Bound | None:
    """`DATE_DIFF("day", @timestamp, now()) <= 14`: full units only, so that `<=` reaches to the end of the unit."""
    if len(call.arguments) != 3 or not (isinstance(right, nodes.Literal) and isinstance(right.value, int)):
        return None
    unit, first, second = (bare(argument) for argument in call.arguments)
    is_age = isinstance(first, nodes.Column) and first.name == TIMESTAMP and _age(second) == (0, True)
    if not (is_age and isinstance(unit, nodes.Literal) and isinstance(unit.value, str)):
        return None
    count = right.value + (operator in ("<=", ">"))
    seconds = esql_seconds(count, unit.value)
    if seconds is None:
        return None
    return Bound(span, operator in ("<", "<="), seconds, esql_unit(unit.value) not in CALENDAR)


def _age(expression: nodes.Expression) -> tuple[float, bool] | None:
    """How many seconds before now an expression lies, and whether exactly; None where it is not about now."""
    expression = bare(expression)
    match expression:
        case nodes.Call(name="now", arguments=()):
            return 0, True
        case nodes.Binary(operator="-" | "+" as operator, left=left, right=right):
            base, span = _age(left), _length(right)
            if operator == "+" and base is None:
                base, span = _age(right), _length(left)
            if base is None or span is None:
                return None
            sign = 1 if operator == "-" else -1
            return base[0] + sign * span[0], base[1] and span[1]
    return None


def _length(expression: nodes.Expression) -> tuple[float, bool] | None:
    expression = bare(expression)
    match expression:
        case nodes.Duration(amount=amount, unit=unit):
            seconds = esql_seconds(amount, unit)
            return None if seconds is None else (seconds, esql_unit(unit) not in CALENDAR)
        case nodes.Unary(operator="-", operand=operand):
            inner = _length(operand)
            return None if inner is None else (-inner[0], inner[1])
        case nodes.Cast(value=nodes.Literal(kind="string", value=str() as text), type="time_duration" | "date_period"):
            count, _, word = text.strip().partition(" ")
            seconds = esql_seconds(int(count), word) if count.isdigit() else None
            return None if seconds is None else (seconds, esql_unit(word) not in CALENDAR)
    return None


# --- taking out -------------------------------------------------------------------------------------------------


def _removable(tree: Tree) -> list[tuple[nodes.Where, list[Span]]]:
    """The conditions that filter source documents by themselves.

    They are those of each WHERE before anything that counts, cuts or joins rows, or that makes another @timestamp.
    """
    found: list[tuple[nodes.Where, list[Span]]] = []
    for command in tree.commands:
        if isinstance(command, nodes.Where):
            found.append((command, [part.span for part in conjuncts(command.predicate)]))
        elif _ends_documents(command):
            break
    return found


def _ends_documents(command: nodes.Command) -> bool:
    """Whether rows after the command are no longer the source's documents with their own @timestamp."""
    match command:
        case nodes.From(subqueries=subqueries):
            return subqueries
        case nodes.Stats() | nodes.Limit() | nodes.Other():
            return True
        case nodes.Rename(old=old):
            return TIMESTAMP in {name.name for name in old} | set(made_columns(command))
        case _:
            return TIMESTAMP in made_columns(command)


def _gone(candidates: list[Span], bounds: list[Bound]) -> list[Span]:
    wanted = {bound.span for bound in bounds}
    return [span for span in candidates if span in wanted]


def _cut(tree: Tree, where: nodes.Where, gone: list[Span]) -> tuple[Edit, ...]:
    """Take conditions out of a WHERE, or the whole command where nothing else stands in it."""
    pieces = _pieces(tree, where.predicate, gone)
    if pieces is None:
        word = Span(where.span.start, where.span.start + len("where"))
        pipe = Span(where.pipe, where.pipe + 1)
        return delete(tree, [pipe, word, where.predicate.span])
    return tuple(edit for piece in pieces for edit in delete(tree, piece))


def _pieces(tree: Tree, node: nodes.Expression, gone: list[Span]) -> list[list[Span]] | None:
    """What to take out of `node` so that it lacks the conditions in `gone`; None for all of it."""
    while isinstance(node, nodes.Group):
        node = node.inner
    if not (isinstance(node, nodes.Binary) and node.operator == "and"):
        return None if node.span in gone else []
    left, right = _pieces(tree, node.left, gone), _pieces(tree, node.right, gone)
    if left is not None and right is not None:
        return left + right
    word = find_word(tree, "and", node.left.span.end, node.right.span.start)
    joint = [word] if word else []
    if right is not None:
        return [[node.left.span, *joint, Span(node.right.span.start, node.right.span.start)], *right]
    if left is not None:
        return [*left, [Span(node.left.span.end, node.left.span.end), *joint, node.right.span]]
    return None
