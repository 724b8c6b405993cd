"""Solving conditions: what must the fields of an event hold, so that a condition is true, or is not.

A condition is taken apart from the top: each leaf becomes a want of one field, each OR is a choice, and a choice whose
wants no value satisfies is given up for the next.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare, joined
from entra_deployer.verify.generate import functions
from entra_deployer.verify.generate.assignment import World
from entra_deployer.verify.generate.constants import CASELESS, TooMany, Unsolved, age, is_constant, literal, moment
from entra_deployer.verify.generate.constraints import Kind, Step, Want
from entra_deployer.verify.generate.pick import Unpickable, pick
from entra_deployer.verify.generate.scope import Derived, Goal, Taken

_OPERATORS = {
    "==": (Kind.EQUAL, Kind.UNEQUAL),
    "!=": (Kind.UNEQUAL, Kind.EQUAL),
    "<": (Kind.LESS, Kind.AT_LEAST),
    "<=": (Kind.AT_MOST, Kind.MORE),
    ">": (Kind.MORE, Kind.AT_MOST),
    ">=": (Kind.AT_LEAST, Kind.LESS),
}
"""What a comparison wants of its left side when it is to be true, and when it is to be false."""

_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}
_LIKES = {"like": (Kind.LIKE, Kind.UNLIKE), "rlike": (Kind.RLIKE, Kind.UNRLIKE)}


MOST_TRIES = 4_000
"""So often a value is looked for, for one event, before it is given up."""


type Worlds = Iterator[World]


def limited(tries: Iterator[int]) -> Iterator[int]:
    """The tries of one event, out of those of its rule."""
    return islice(tries, MOST_TRIES)


@dataclass(frozen=True)
class Solver:
    """Solves goals. `type_of` tells the Elasticsearch type of a field; free values are made from `mark`.

    `tries` runs out where conditions have too many combinations.
    """

    type_of: Callable[[str], str]
    mark: str
    tries: Iterator[int]

    def solve(self, goals: Sequence[tuple[Goal, bool]], world: World) -> Worlds:
        """The worlds in which each goal is true, or false where its flag says so. Raises Unsolved."""
        if not goals:
            yield world
            return
        (goal, truth), *rest = goals
        for found in self._solve(goal.predicate, replace(world, scope=goal.scope), truth=truth):
            yield from self.solve(rest, found)

    def _solve(self, node: nodes.Expression, world: World, *, truth: bool) -> Worlds:
        node = bare(node)
        match node:
            case nodes.Unary(operator="not", operand=operand):
                yield from self._solve(operand, world, truth=not truth)
            case nodes.Binary(operator="and" | "or" as operator):
                yield from self._joined(operator, node, world, truth=truth)
            case nodes.Literal(kind="boolean", value=value):
                yield from [world] if value is truth else []
            case _:
                yield from self._leaf(node, world, truth=truth)

    def _joined(self, operator: str, node: nodes.Binary, world: World, *, truth: bool) -> Worlds:
        """All sides alike (AND to be true, OR to be false), or one of them with the others the other way round."""
        sides = list(joined(node, operator))
        if (operator == "and") is truth:
            yield from self._all([(side, truth) for side in sides], world)
            return
        for one in sides:
            yield from self._all([(one, truth), *((side, not truth) for side in sides if side is not one)], world)
        for side in sides:
            yield from self._solve(side, world, truth=truth)

    def _all(self, sides: Sequence[tuple[nodes.Expression, bool]], world: World) -> Worlds:
        """Each side is true, or false where its flag says so."""
        if not sides:
            yield world
            return
        (side, truth), *rest = sides
        for found in self._solve(side, world, truth=truth):
            yield from self._all(rest, found)

    # -- leaves -----------------------------------------------------------------------------------------------------

    def _leaf(self, node: nodes.Expression, world: World, *, truth: bool) -> Worlds:
        match node:
            case nodes.Binary(operator=operator) if operator in _OPERATORS:
                yield from self._comparison(node, world, truth=truth)
            case nodes.In(value=value, items=items, negated=negated):
                kinds = (Kind.EQUAL, Kind.UNEQUAL)
                yield from self._any(value, kinds, items, world, truth=truth is not negated)
            case nodes.Like(operator=operator, value=value, patterns=patterns, negated=negated):
                yield from self._any(value, _LIKES[operator], patterns, world, truth=truth is not negated)
            case nodes.IsNull(value=value, negated=negated):
                yield from self.want(value, Want(Kind.NULL if truth is not negated else Kind.PRESENT), world)
            case nodes.Match(value=value, query=query):
                yield from self._any(value, (Kind.EQUAL, Kind.UNEQUAL), [query], world, truth=truth)
            case nodes.Call():
                yield from self._call(node, world, truth=truth)
            case nodes.Column():
                yield from self.want(node, Want(Kind.EQUAL, truth), world)
            case _:
                raise Unsolved(f"an expression that is not known ({type(node).__name__})")

    def _comparison(self, node: nodes.Binary, world: World, *, truth: bool) -> Worlds:
        left, right, operator = node.left, node.right, node.operator
        if is_constant(left) and not is_constant(right):
            left, right, operator = right, left, _MIRRORED[operator]
        kind = _OPERATORS[operator][0 if truth else 1]
        if (ago := age(right)) is not None:
            yield from self.want(left, moment(kind, ago), world)
        elif is_constant(right):
            yield from self.want(left, Want(kind, literal(right)), world)
        else:
            base = f"same-{self.mark}" if kind in (Kind.EQUAL, Kind.UNEQUAL) else 10
            for found in self.want(right, Want(Kind.EQUAL, base), world):
                yield from self.want(left, Want(kind, base), found)

    def _any(
        self,
        value: nodes.Expression,
        kinds: tuple[Kind, Kind],
        items: Sequence[nodes.Expression],
        world: World,
        *,
        truth: bool,
    ) -> Worlds:
        """Any of several constants is met, or none of them is."""
        values = [literal(item) for item in items]
        if truth:
            for item in values:
                yield from self.want(value, Want(kinds[0], item), world)
        else:
            yield from self._wants(value, [Want(kinds[1], item) for item in values], world)

    def _call(self, node: nodes.Call, world: World, *, truth: bool) -> Worlds:
        arguments = node.arguments
        match node.name:
            case "starts_with" | "ends_with":
                yield from self._affix(node, world, truth=truth)
            case "cidr_match":
                networks = tuple(literal(item) for item in arguments[1:])
                yield from self.want(arguments[0], Want(Kind.CIDR if truth else Kind.UNCIDR, networks), world)
            case "match" | "match_phrase":
                yield from self._any(arguments[0], (Kind.EQUAL, Kind.UNEQUAL), arguments[1:2], world, truth=truth)
            case name:
                raise Unsolved(f"the function {name.upper()} as a condition")

    def _affix(self, node: nodes.Call, world: World, *, truth: bool) -> Worlds:
        whole, part = node.arguments[:2]
        if is_constant(whole):  # the constant is to begin with the column, not the other way round
            text = literal(whole)
            beginnings = [Want(Kind.UNEQUAL, text[:length]) for length in range(len(text) + 1)]
            yield from self._wants(part, [Want(Kind.EQUAL, text)] if truth else beginnings, world)
            return
        text = "".join(f"\\{character}" if character in "*?\\" else character for character in literal(part))
        pattern = f"{text}*" if node.name == "starts_with" else f"*{text}"
        yield from self.want(whole, Want(Kind.LIKE if truth else Kind.UNLIKE, pattern), world)

    # -- wants of expressions ---------------------------------------------------------------------------------------

    def _wants(self, node: nodes.Expression, wants: Sequence[Want], world: World) -> Worlds:
        if not wants:
            yield world
            return
        for found in self.want(node, wants[0], world):
            yield from self._wants(node, wants[1:], found)

    def want(self, node: nodes.Expression, want: Want, world: World) -> Worlds:
        """The worlds in which an expression's value satisfies the want."""
        node = bare(node)
        match node:
            case nodes.Column(name=name):
                yield from self._column(name, want, world)
            case nodes.Cast(value=value):
                yield from self.want(value, want, world)
            case nodes.Literal(value=value):
                yield from [world] if _fits(want, value) else []
            case nodes.Binary(operator="+" | "-" | "*" | "/"):
                yield from self._arithmetic(node, want, world)
            case nodes.Call() if node.arguments:
                yield from self._function(node, want, world)
            case _:
                raise Unsolved(f"an expression that is not known ({type(node).__name__})")

    def _function(self, node: nodes.Call, want: Want, world: World) -> Worlds:
        first = node.arguments[0]
        if node.name in functions.NUMBER_CASTS:
            yield from self.want(first, replace(want, number=True), world)
        elif node.name in functions.KEEPING:
            yield from self.want(first, want, world)
        elif node.name == "coalesce":
            yield from self._first_of(node.arguments, want, world)
        elif node.name == "case":
            yield from self._case(node.arguments, want, world)
        elif want.kind is Kind.EQUAL and isinstance(want.value, bool):
            yield from self._solve(node, world, truth=want.value)
        elif functions.is_known(node.name) and all(is_constant(one) for one in node.arguments[1:]):
            step = Step(node.name, tuple(literal(one) for one in node.arguments[1:]))
            yield from self.want(first, replace(want, steps=(step, *want.steps)), world)
        elif want.kind in (Kind.PRESENT, Kind.WISHED) and functions.is_known(node.name):
            yield from self._wants_of_all(node.arguments, want, world)
        else:
            by = "the function" if not functions.is_known(node.name) else "another column as an argument of"
            raise Unsolved(f"{by} {node.name.upper()}")

    def _wants_of_all(self, arguments: Sequence[nodes.Expression], want: Want, world: World) -> Worlds:
        """A value is wanted of each argument that is no constant."""
        columns = [one for one in arguments if not is_constant(one)]
        if not columns:
            yield world
            return
        for found in self.want(columns[0], Want(want.kind), world):
            yield from self._wants_of_all(columns[1:], want, found)

    def _column(self, name: str, want: Want, world: World) -> Worlds:
        made = world.scope.get(name)
        if isinstance(made, Derived):
            for found in self._made(made, want, replace(world, scope=made.scope)):
                yield replace(found, scope=world.scope)
            return
        if made is None and name.startswith("_"):
            yield world  # metadata such as _score: Elasticsearch's own affair
            return
        if made is None and name.endswith(CASELESS):
            name, want = name.removesuffix(CASELESS), replace(want, steps=(Step("to_lower"), *want.steps))
        key = made.key if isinstance(made, Taken) else name
        found = world.also(key, want)
        if self.possible(key, found):
            yield found

    def _made(self, made: Derived, want: Want, world: World) -> Worlds:
        """A column that holds a condition is wanted true or false; any other what its expression is wanted."""
        condition = isinstance(bare(made.value), nodes.Binary | nodes.In | nodes.Like | nodes.IsNull | nodes.Unary)
        if condition and want.kind in (Kind.EQUAL, Kind.UNEQUAL) and isinstance(want.value, bool):
            yield from self._solve(made.value, world, truth=want.value is (want.kind is Kind.EQUAL))
        else:
            yield from self.want(made.value, want, world)

    def possible(self, key: str, world: World) -> bool:
        """Is there a value that satisfies all that is wanted of a field."""
        if next(self.tries, None) is None:
            raise TooMany("too many combinations of conditions")
        if any(want.kind in (Kind.YOUNGER, Kind.OLDER) for want in world.wants[key]):
            return True
        try:
            pick(key, self.type_of(key), world.wants[key], self.mark)
        except Unpickable:
            return False
        return True

    def _first_of(self, arguments: Sequence[nodes.Expression], want: Want, world: World) -> Worlds:
        """COALESCE: one of its arguments satisfies the want, and those before it are missing."""
        before = world
        for argument in arguments:
            yield from self.want(argument, want, before)
            missing = None if is_constant(argument) else next(self.want(argument, Want(Kind.NULL), before), None)
            if missing is None:
                return
            before = missing

    def _case(self, arguments: Sequence[nodes.Expression], want: Want, world: World) -> Worlds:
        """CASE: a branch whose value satisfies the want, with its condition true and those before it false."""
        before = [world]
        for condition, value in zip(arguments[0::2], arguments[1::2], strict=False):
            for one in before:
                for found in self._solve(condition, one, truth=True):
                    yield from self.want(value, want, found)
            before = [found for one in before for found in self._solve(condition, one, truth=False)][:3]
        if len(arguments) % 2:
            for one in before:
                yield from self.want(arguments[-1], want, one)

    def _arithmetic(self, node: nodes.Binary, want: Want, world: World) -> Worlds:
        """The right side gets a value (a constant its own, anything else 1), and the left one what is then needed."""
        if want.kind in (Kind.PRESENT, Kind.WISHED):
            yield from self._wants_of_all((node.left, node.right), want, world)
            return
        if want.kind is Kind.NULL:
            yield from self.want(node.left, want, world)
            return
        if is_constant(node.right):
            amount, worlds = literal(node.right), iter([world])
        else:
            amount, worlds = 1, self.want(node.right, Want(Kind.EQUAL, 1), world)
        if want.kind is Kind.NONE_OF:
            needed: object = tuple(_undo(node.operator, want, int(value), amount) for value in want.value)
        else:
            needed = _undo(node.operator, want, int(want.value), amount)
        for found in worlds:
            yield from self.want(node.left, replace(want, value=needed), found)


def _undo(operator: str, want: Want, value: int, amount: int) -> int:
    """The number on the left that gives `value`; whole numbers divide as Elasticsearch's do, downwards."""
    match operator:
        case "+":
            return value - amount
        case "-":
            return value + amount
        case "*":
            return value // amount
        case _:
            return value * amount + (amount - 1 if want.kind in (Kind.MORE, Kind.AT_MOST) else 0)


def _fits(want: Want, value: object) -> bool:
    """Does a constant satisfy the want."""
    try:
        pick("", "keyword", (want, Want(Kind.EQUAL, value)), "x")
    except Unpickable:
        return False
    return True
