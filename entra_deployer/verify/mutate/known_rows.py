"""What is known of the rows that reach a command of a query: never more than is so of all of them."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from math import ceil, floor, isinf

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import ARITHMETIC, COMPARISONS, MIRRORED, OPPOSITES, strip_parentheses
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.scope import Scope
from entra_deployer.verify.mutate import possible_values as possible
from entra_deployer.verify.mutate.possible_values import ANYTHING, NULL, Values

MOST_CASES = 4
"""So many cases of what OR joins are looked at one by one; of more it is known what is so of all of them."""

MOST_PARTS = 24
"""Through so many expressions it is followed what is not null."""

MOST_CONSTANTS = 16
"""So many constants of a column are tried on a condition."""

_FEW = 1_000
"""Up to such a number COUNT_DISTINCT is exact."""

NULL_OF_NULL = frozenset(
    {
        *("to_lower", "to_upper", "to_string", "to_integer", "to_long", "to_double", "to_ip", "to_boolean"),
        *("to_datetime", "to_int", "to_str", "trim", "ltrim", "rtrim", "length", "substring", "left", "right"),
        *("replace", "locate", "abs", "ceil", "floor", "round", "date_trunc", "mv_count", "mv_first", "mv_last"),
        *("mv_min", "mv_max", "mv_dedupe", "mv_concat", "mv_sort", "split", "from_base64", "to_base64", "reverse"),
    }
)
"""Functions that are null where their first argument is, and have no value that is null besides."""

_TESTS = frozenset({"starts_with", "ends_with", "cidr_match"})
"""Conditions that are null where their first argument is, or has several values."""

_TO_NUMBER = frozenset({"to_double", "to_long", "to_integer", "to_int"})

_OF_SEVERAL_FORMS = re.compile(r"true$|false$|\d+-\d|[\da-fA-F]*[.:]")
"""Texts that may be equal to others: of truths, moments, addresses and versions."""

type Key = tuple[object, ...]


@dataclass(frozen=True)
class Read:
    """What was found out of nodes, once for a query: a number for all that say the same, the columns that they name."""

    numbers: dict[Key, int] = field(default_factory=dict)
    known: dict[int, tuple[nodes.Node, int, frozenset[str]]] = field(default_factory=dict)

    def number(self, node: nodes.Node) -> int:
        """The number of what a node says, wherever it stands: of the same number is what means the same."""
        return self._of(node)[1]

    def names(self, node: nodes.Node) -> frozenset[str]:
        """The columns that it names."""
        return self._of(node)[2]

    def _of(self, node: nodes.Node) -> tuple[nodes.Node, int, frozenset[str]]:
        found = self.known.get(id(node))
        if found is None:
            children = list(node.children())
            names = frozenset[str]().union(*(self.names(one) for one in children))
            if isinstance(node, nodes.Column):
                names |= {node.name}
            number = self.number(node.inner) if isinstance(node, nodes.Group) else self._numbered(node, children)
            found = self.known[id(node)] = (node, number, names)
        return found

    def _numbered(self, node: nodes.Node, children: Sequence[nodes.Node]) -> int:
        plain = (getattr(node, item.name) for item in fields(node) if item.name not in ("span", "pipe"))
        own = tuple((type(one).__name__, one) for one in plain if isinstance(one, str | int | float | None))
        key = (type(node).__name__, own, tuple(self.number(one) for one in children))
        return self.numbers.setdefault(key, len(self.numbers))


@dataclass(frozen=True)
class Rows:
    """The values of columns (any where none are told), the expressions that they were made of, and what else holds.

    `held` are the conditions that are true of every row, by their numbers; `order` pairs of columns of which the first
    is never above the second.
    """

    columns: Mapping[str, Values] = field(default_factory=dict)
    made: Mapping[str, nodes.Expression] = field(default_factory=dict)
    held: frozenset[int] = frozenset()
    order: frozenset[tuple[str, str]] = frozenset()
    read: Read = field(default_factory=Read, compare=False)
    _known: dict[str, Values] = field(init=False, default_factory=dict, compare=False)

    # -- values -----------------------------------------------------------------------------------------------------

    def of(self, name: str) -> Values:
        """The values of a column."""
        if name not in self._known:
            self._known[name] = self._of(name)
        return self._known[name]

    def _of(self, name: str) -> Values:
        found = self.columns.get(name, ANYTHING)
        if (origin := self.made.get(name)) is not None:  # more may be known by now of what it was made of
            found = found.meeting(self.value(origin))
        for small, large in self.order:
            if name == small and (most := self.columns.get(large, ANYTHING).high) <= _FEW:
                found = replace(found, high=min(found.high, most))
            elif name == large:
                found = replace(found, low=max(found.low, self.columns.get(small, ANYTHING).low))
        return found

    def value(self, node: nodes.Expression) -> Values:  # noqa: PLR0911 - a row for each kind of expression
        """The values of an expression."""
        node = strip_parentheses(node)
        match node:
            case nodes.Column(name=name):
                return self.of(name)
            case nodes.Literal():
                return _constant(node)
            case nodes.Binary(operator="-", left=left, right=right) if self._is_ordered(right, left):
                return Values(many=False, low=0.0)
            case nodes.Binary(operator=word, left=left, right=right) if word in ARITHMETIC:
                return possible.computed(word, self.value(left), self.value(right))
            case nodes.Call(name="case", arguments=arguments):
                return possible.either(rows.value(value) for rows, value in self._branches(arguments))
            case nodes.Call(name="coalesce", arguments=arguments):
                return self._first_of(arguments)
            case nodes.Call(name="date_diff", arguments=(_, small, large)) if self._is_ordered(small, large):
                return Values(many=False, low=0.0, whole=True)
            case nodes.Call(name=name, arguments=(first, *_)) if name in NULL_OF_NULL:
                return _called(name, self.value(first))
            case nodes.Cast(value=value) if self.value(value).only_null:
                return NULL
        return ANYTHING

    def _first_of(self, arguments: Sequence[nodes.Expression]) -> Values:
        some = [self.value(one) for one in arguments]
        sure = next((number for number, one in enumerate(some) if not one.null), None)
        found = possible.either(one.without_null() for one in some[: None if sure is None else sure + 1])
        return found if sure is not None else found.or_null()

    def _is_ordered(self, small: nodes.Expression, large: nodes.Expression) -> bool:
        return (column_of(small), column_of(large)) in self.order

    def _branches(self, arguments: Sequence[nodes.Expression]) -> Iterator[tuple["Rows", nodes.Expression]]:
        """The values of a CASE, each with what is known of the rows that get it."""
        rest = self
        for condition, value in zip(arguments[0::2], arguments[1::2], strict=False):
            if found := rest.assume(condition, truth=True):
                yield any_of(found), value
            if not (others := rest.assume(condition, truth=True, has=False)):
                return
            rest = any_of(others)
        yield rest, arguments[-1] if len(arguments) % 2 else nodes.Literal(nodes.Span(0, 0), "null")

    # -- conditions -------------------------------------------------------------------------------------------------

    def assume(self, node: nodes.Expression, *, truth: bool, has: bool = True) -> list["Rows"]:
        """What is known where a condition has a truth, or has it not (it is the other, or null): case by case.

        [] where that cannot be.
        """
        if not truth:
            return self._assumed(node, truth=truth, has=has)
        number = self.read.number(node)
        if not has:
            return [] if number in self.held else self._assumed(node, truth=truth, has=has)
        if number in self.held:
            return [self]
        return [replace(one, held=one.held | {number}) for one in self._assumed(node, truth=truth, has=has)]

    def _assumed(self, node: nodes.Expression, *, truth: bool, has: bool) -> list["Rows"]:
        match strip_parentheses(node):
            case nodes.Unary(operator="not", operand=operand):
                return self.assume(operand, truth=not truth, has=has)
            case nodes.Binary(operator="and" | "or" as word, left=left, right=right):
                found = self.assume(left, truth=truth, has=has)
                if ((word == "and") is truth) is has:
                    found = list(assume_of(found, right, truth=truth, has=has))
                else:
                    found += self.assume(right, truth=truth, has=has)
                return found if len(found) <= MOST_CASES else [any_of(found)]
            case nodes.Literal(kind="boolean", value=value):
                return [self] if (value is truth) is has else []
            case nodes.IsNull(value=value, negated=negated):
                return self._is_null(strip_parentheses(value), null=(truth is not negated) is has)
            case leaf:
                return self._leaf(leaf, truth=truth, has=has)

    def _is_null(self, node: nodes.Expression, *, null: bool) -> list["Rows"]:
        values = self.value(node)
        if not (values.null if null else values.many or values.single):
            return []
        if not null:
            return list(self._there([node]))
        return [self._with(node.name, NULL)] if isinstance(node, nodes.Column) else [self]

    def _leaf(self, node: nodes.Expression, *, truth: bool, has: bool) -> list["Rows"]:
        """Of a condition that is null where what it tests is null, or several values."""
        if not any((one is truth) is has for one in self._truths(node)):
            return []
        found = [self]
        match node:
            case nodes.Binary(operator=word, left=left, right=right) if word in OPPOSITES:
                asked = word if truth else OPPOSITES[word]
                found = self._compared(left, asked, right, has=has)
                found = [more for one in found for more in one._compared(right, MIRRORED[asked], left, has=has)]
            case nodes.Column():
                found = self._compared(node, "==", nodes.Literal(node.span, "boolean", truth), has=has)
            case nodes.In(value=value, items=items, negated=negated):
                found = self._in(strip_parentheses(value), items, among=(truth is not negated) is has, has=has)
            case nodes.Like(value=value) | nodes.Call(name="starts_with" | "ends_with", arguments=(value, *_)) if has:
                column = strip_parentheses(value)
                if isinstance(column, nodes.Column):
                    found = [self._with(column.name, replace(self.of(column.name), null=False, many=False))]
        return [more for one in found for more in one._there(_strict_parts(node))] if has else found

    def _in(self, node: nodes.Expression, items: Sequence[nodes.Expression], *, among: bool, has: bool) -> list["Rows"]:
        """What is known where a column is one of some constants, or none of them."""
        some = [self.value(item) for item in items]
        constants = frozenset(one for item in some for one in item.constants or ())
        if not isinstance(node, nodes.Column) or len(constants) < len(some):
            return [self]
        values = self.of(node.name)
        if has:
            values = replace(values, null=False, many=False)
        if among:
            values = replace(values, constants=constants if values.constants is None else values.constants & constants)
        elif values.constants is not None:
            values = replace(values, constants=values.constants - constants)
        return [] if values.impossible else [self._with(node.name, values)]

    def _compared(self, left: nodes.Expression, operator: str, right: nodes.Expression, *, has: bool) -> list["Rows"]:
        """What is known of the left side, a column, where it compares so with one constant, or does not."""
        left, other = strip_parentheses(left), self.value(right)
        if not isinstance(left, nodes.Column) or not other.certain:
            return [self]
        values = self.of(left.name)
        new = values.compared(operator, other) if has else values.not_compared(operator, other)
        if new.impossible:
            return []
        found, origin = self._with(left.name, new), strip_parentheses(self.made.get(left.name, left))
        if not (has and isinstance(origin, nodes.Call) and origin.name == "case"):
            return [found]
        branches = self._branches(origin.arguments)
        cases = [rows for rows, value in branches if True in possible.truths(operator, rows.value(value), other)]
        return [one._with(left.name, new) for one in cases] if len(cases) <= MOST_CASES else [found]

    def _truths(self, node: nodes.Expression) -> set[bool | None]:
        match node:
            case nodes.Binary(operator=word, left=left, right=right) if word in OPPOSITES:
                return possible.truths(word, self.value(left), self.value(right))
            case nodes.In(value=value) | nodes.Like(value=value):
                return self._tested(node, value)
            case nodes.Call(name=name, arguments=(value, *_)) if name in _TESTS:
                return self._tested(node, value)
            case nodes.Column(name=name):
                return possible.truths("==", self.of(name), possible.constant(value=True))
        if any(self.value(one).only_null for one in _strict_parts(node)):
            return {None}
        return {True, False, None}

    def _tested(self, node: nodes.Expression, value: nodes.Expression) -> set[bool | None]:
        """The truths of a test of one value, tried on its constants where these are known."""
        values, column = self.value(value), strip_parentheses(value)
        found: set[bool | None] = {None} if values.null or values.many else set()
        if not values.single:
            return found
        if isinstance(column, nodes.Column) and values.constants and len(values.constants) <= MOST_CONSTANTS:
            with suppress(Unknown, ValueError, TypeError, AttributeError):
                return found | {Evaluator({column.name: one}).truth(node, Scope()) for one in values.constants}
        return {True, False, None}

    def _there(self, parts: Iterable[nodes.Expression]) -> Iterator["Rows"]:
        """What is known where expressions are not null: nothing of which that would make null is null, or zero."""
        rows, waiting = self, list(parts)
        for _ in range(MOST_PARTS):
            if not waiting:
                break
            node = strip_parentheses(waiting.pop())
            if isinstance(node, nodes.Column):
                values = rows.of(node.name).without_null()
                if values.impossible:
                    return
                rows = rows._with(node.name, values)
                waiting += [rows.made[node.name]] if node.name in rows.made else []
            if isinstance(node, nodes.Binary) and node.operator == "/":
                found = rows._compared(node.right, "!=", nodes.Literal(node.span, "integer", 0), has=True)
                if not found:
                    return
                rows = found[0]
            waiting += _strict_parts(node)
        yield rows

    # -- columns ----------------------------------------------------------------------------------------------------

    def _with(self, name: str, values: Values) -> "Rows":
        """More is known of a column."""
        return replace(self, columns={**self.columns, name: values})

    def assigned(self, name: str, values: Values, of: nodes.Expression | None = None) -> "Rows":
        """A column has new values; what was made of its old ones is known no more."""
        names = self.read.names
        made = {other: node for other, node in self.made.items() if other != name and name not in names(node)}
        if of is not None and name not in names(of):
            made[name] = of
        about = {number for _, number, others in self.read.known.values() if name in others}
        return Rows(
            {**self.columns, name: values},
            made,
            self.held - about,
            frozenset(pair for pair in self.order if name not in pair),
            self.read,
        )


def assume_of(some: Iterable[Rows], node: nodes.Expression, *, truth: bool, has: bool = True) -> Iterator[Rows]:
    """What is known in any of several cases where a condition has a truth, or has it not."""
    for rows in some:
        yield from rows.assume(node, truth=truth, has=has)


def any_of(some: Sequence[Rows]) -> Rows:
    """What is known of the rows of any of several cases."""
    first, *rest = some
    if not rest:
        return first
    columns: dict[str, Values] = {}
    for name, values in first.columns.items():
        others = [one.columns.get(name, ANYTHING) for one in rest]
        columns[name] = values if all(one is values for one in others) else possible.either((values, *others))
    return Rows(
        columns,
        {name: node for name, node in first.made.items() if all(one.made.get(name) is node for one in rest)},
        first.held.intersection(*(one.held for one in rest)),
        first.order.intersection(*(one.order for one in rest)),
        first.read,
    )


def column_of(node: nodes.Expression) -> str:
    """The column whose number or moment an expression is; "" for any other."""
    match strip_parentheses(node):
        case nodes.Column(name=name):
            return name
        case nodes.Call(name="to_double" | "to_long", arguments=(first,)):
            return column_of(first)
    return ""


def _called(name: str, first: Values) -> Values:
    """The values of a function that is null where its first argument is."""
    if first.only_null:
        return NULL
    if name in _TO_NUMBER and first.constants is None:  # a number that does not fit makes null
        whole = name != "to_double"
        low, high = (_down(first.low), _up(first.high)) if whole else (first.low, first.high)
        return Values(many=first.many, low=low, high=high, whole=whole)
    if name == "length" and not first.many:
        return Values(first.null, many=False, low=0.0, whole=True)
    return ANYTHING


def _down(number: float) -> float:
    return number if isinf(number) else floor(number)


def _up(number: float) -> float:
    return number if isinf(number) else ceil(number)


def _constant(node: nodes.Literal) -> Values:
    match node:
        case nodes.Literal(kind="integer" | "decimal" as kind, value=int() | float() as value):
            return possible.number(value, whole=kind == "integer")
        case nodes.Literal(kind="string" | "boolean", value=str() | bool() as value):
            return ANYTHING if isinstance(value, str) and _OF_SEVERAL_FORMS.match(value) else possible.constant(value)
        case nodes.Literal(kind="null"):
            return NULL
    return ANYTHING


def _strict_parts(node: nodes.Expression) -> list[nodes.Expression]:
    """The parts of an expression of which each makes it null where it is null itself."""
    match node:
        case nodes.Binary(operator=word, left=left, right=right) if word in ARITHMETIC or word in COMPARISONS:
            return [left, right]
        case nodes.In(value=value) | nodes.Like(value=value) | nodes.Cast(value=value):
            return [value]
        case nodes.Call(name=name, arguments=(first, *_)) if name in NULL_OF_NULL or name in _TESTS:
            return [first]
    return []
