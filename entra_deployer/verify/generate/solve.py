"""Solving conditions: what must the fields of an event hold, so that a condition is true, or is not.

A condition is taken apart from the top: each leaf becomes a constraint of one field, each OR is a
choice, and a choice whose constraints no value satisfies is given up for the next.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice

from entra_deployer.esql import functions, kql
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import MIRRORED, OPPOSITES, operands, strip_parentheses
from entra_deployer.esql.constants import CASELESS, TIMESTAMP, age, is_constant, literal, unit_seconds
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value, Version
from entra_deployer.esql.scope import Derived, Goal, Scope, Taken
from entra_deployer.verify.generate.constraints import (
    Assigned,
    Constraint,
    Hour,
    Kind,
    Step,
    TooMany,
    Unsolved,
    constant,
    moment,
)
from entra_deployer.verify.generate.pick import Unpickable, pick
from entra_deployer.verify.generate.plan import fields_of

_KINDS = {
    "==": Kind.EQUAL,
    "!=": Kind.UNEQUAL,
    "<": Kind.LESS,
    "<=": Kind.AT_MOST,
    ">": Kind.MORE,
    ">=": Kind.AT_LEAST,
}
_OPERATORS = {word: (kind, _KINDS[OPPOSITES[word]]) for word, kind in _KINDS.items()}
"""What a comparison demands of its left side when it is to be true, and when it is to be false."""

_MATCHES = (Kind.MATCH, Kind.UNMATCH)
_MIRRORED_KINDS = {kind: _KINDS[MIRRORED[word]] for word, kind in _KINDS.items()}
_LIKES = {"like": (Kind.LIKE, Kind.UNLIKE), "rlike": (Kind.RLIKE, Kind.UNRLIKE)}


_OF_THE_RUN = frozenset({"_index", "_id"})
_NAMED = frozenset({Kind.EQUAL, Kind.LIKE, Kind.RLIKE, Kind.MATCH, Kind.NULL})

CLOCKS = frozenset({"date_extract", "date_format"})
"""The functions that tell the hour, or another part, of a moment."""

_OF_THE_CLOCK = frozenset({"date_extract", "date_format", "date_trunc", "bucket"})

MOST_TRIES = 4_000
"""So often a value is looked for, for one event, before it is given up."""


type Assignments = Iterator[Assigned]


def limited(tries: Iterator[int]) -> Iterator[int]:
    """The tries of one event, out of those of its rule."""
    return islice(tries, MOST_TRIES)


@dataclass(frozen=True)
class Solver:
    """Solves goals. `type_of` tells the Elasticsearch type of a field; free values are made from `mark`.

    `tries` runs out where conditions have too many combinations. `plain`: what is joined may be missed in any way, else
    first by one of its sides alone. `ages` raises Unsolved where no event has the
    age that is asked for; None where the moment of the run, and so that of an event, is not known.
    """

    type_of: Callable[[str], str]
    mark: str
    tries: Iterator[int]
    plain: bool = False
    ages: Callable[[Assigned], object] | None = None

    def solve(self, goals: Sequence[tuple[Goal, bool]], assignment: Assigned) -> Assignments:
        """The assignments in which each goal is true, or false where its flag says so. Raises Unsolved."""
        if not goals:
            yield assignment
            return
        (goal, truth), *rest = goals
        for found in self._solve(goal.predicate, assignment.seen_from(goal.scope), truth=truth):
            yield from self.solve(rest, found)

    def _solve(self, node: nodes.Expression, assignment: Assigned, *, truth: bool) -> Assignments:
        node = strip_parentheses(node)
        match node:
            case nodes.Unary(operator="not", operand=operand):
                yield from self._solve(operand, assignment, truth=not truth)
            case nodes.Binary(operator="and" | "or" as operator):
                yield from self._joined(operator, node, assignment, truth=truth)
            case nodes.Literal(kind="boolean", value=value):
                yield from [assignment] if value is truth else []
            case _:
                yield from self._leaf(node, assignment, truth=truth)

    def _joined(self, operator: str, node: nodes.Binary, assignment: Assigned, *, truth: bool) -> Assignments:
        """All sides alike (AND to be true, OR to be false), or one of them with the others the other way round."""
        sides = list(operands(node, operator))
        if (operator == "and") is truth:
            yield from self._all([(side, truth) for side in sides], assignment)
            return
        for one in sides if not self.plain else ():
            yield from self._all([(one, truth), *((side, not truth) for side in sides if side is not one)], assignment)
        for side in sides:
            yield from self._solve(side, assignment, truth=truth)

    def _all(self, sides: Sequence[tuple[nodes.Expression, bool]], assignment: Assigned) -> Assignments:
        """Each side is true, or false where its flag says so."""
        if not sides:
            yield assignment
            return
        (side, truth), *rest = sides
        for found in self._solve(side, assignment, truth=truth):
            yield from self._all(rest, found)

    # -- leaves -----------------------------------------------------------------------------------------------------

    def _leaf(self, node: nodes.Expression, assignment: Assigned, *, truth: bool) -> Assignments:
        match node:
            case nodes.Binary(operator=operator) if operator in _OPERATORS:
                yield from self._comparison(node, assignment, truth=truth)
            case nodes.In(items=items) if _folded_all(items) != items:
                yield from self._leaf(replace(node, items=_folded_all(items)), assignment, truth=truth)
            case nodes.In(value=value, items=items, negated=negated) if not all(map(is_constant, items)):
                sides = [nodes.Binary(node.span, "==", value, item) for item in items]
                either = reduce(lambda one, other: nodes.Binary(node.span, "or", one, other), sides)
                yield from self._solve(either, assignment, truth=truth is not negated)
            case nodes.In(value=value, items=items, negated=negated):
                kinds = (Kind.EQUAL, Kind.UNEQUAL)
                yield from self._any(value, kinds, items, assignment, truth=truth is not negated)
            case nodes.Like(operator=operator, value=value, patterns=patterns, negated=negated):
                yield from self._any(value, _LIKES[operator], patterns, assignment, truth=truth is not negated)
            case nodes.IsNull(value=value, negated=negated):
                yield from self.require(
                    value, Constraint(Kind.NULL if truth is not negated else Kind.PRESENT), assignment
                )
            case nodes.Match(value=value, query=query):
                yield from self._any(value, _MATCHES, [query], assignment, truth=truth)
            case nodes.Call():
                yield from self._call(node, assignment, truth=truth)
            case nodes.Column():
                yield from self.require(node, Constraint(Kind.EQUAL, truth), assignment)
            case _:
                raise Unsolved(f"an expression that is not known ({type(node).__name__})")

    def _comparison(self, node: nodes.Binary, assignment: Assigned, *, truth: bool) -> Assignments:
        left, right, operator = _folded(node.left), _folded(node.right), node.operator
        if is_constant(left) and not is_constant(right):
            left, right, operator = right, left, MIRRORED[operator]
        kind = _OPERATORS[operator][0 if truth else 1]
        if (bound := _since_now(operator if truth else OPPOSITES[operator], left, right)) is not None:
            yield from self.require(bound[0], bound[1], assignment)
        elif (ago := age(right)) is not None:
            yield from self.require(left, moment(kind, ago), assignment)
        elif is_constant(right):
            yield from self.require(left, constant(kind, literal(right)), assignment)
        else:
            yield from self._of_columns(left, right, kind, assignment)

    def _of_columns(
        self, left: nodes.Expression, right: nodes.Expression, kind: Kind, assignment: Assigned
    ) -> Assignments:
        """Two sides that are no constants: by a value for the right one, else by values for the fields of one side."""
        some, error = False, None
        try:
            for base in self._bases(left, right, kind, assignment):
                for found in self.require(right, Constraint(Kind.EQUAL, base), assignment):
                    for one in self.require(left, Constraint(kind, base), found):
                        some = True
                        yield one
        except TooMany:
            raise
        except Unsolved as raised:
            error = raised
        for fixed, free, wanted in ((right, left, kind), (left, right, _MIRRORED_KINDS[kind])):
            for value, pinned in self._pinned(fixed, assignment):
                with suppress(Unsolved):
                    for one in self.require(free, Constraint(wanted, value), pinned):
                        some = True
                        yield one
        if error is not None and not some:
            raise error

    def _pinned(self, node: nodes.Expression, assignment: Assigned) -> Iterator[tuple[Value, Assigned]]:
        """Values of an expression, each with the assignment in which all its fields hold what makes it."""
        keys = list(dict.fromkeys(fields_of(Derived(node, assignment.scope), taken=True)))
        for mark in (self.mark, f"{self.mark}-2"):
            with suppress(Unknown, Unpickable):
                picked = {
                    key: pick(key, self.type_of(key), assignment.constraints.get(key, ()), f"{mark}{'x' * place}")
                    for place, key in enumerate(keys)
                    if key != TIMESTAMP
                }
                value = Evaluator(picked).value(node, assignment.scope)
                if value is not None and not isinstance(value, list):
                    pinned = assignment
                    for key, one in picked.items():
                        pinned = pinned.also(key, Constraint(Kind.EQUAL if one is not None else Kind.NULL, one))
                    yield value, pinned

    def _bases(
        self, left: nodes.Expression, right: nodes.Expression, kind: Kind, assignment: Assigned
    ) -> Iterator[Value]:
        """Values for the right side of a comparison of two columns: of any kind, then as their conditions ask."""
        yield f"same-{self.mark}" if kind in (Kind.EQUAL, Kind.UNEQUAL) else 10
        for node in map(strip_parentheses, (right, left)):
            made = assignment.scope.get(node.name) if isinstance(node, nodes.Column) else None
            if isinstance(node, nodes.Column) and not isinstance(made, Derived):
                key = made.key if made else node.name
                for mark in (self.mark, f"{self.mark}-2"):
                    with suppress(Unpickable):
                        yield pick(key, self.type_of(key), assignment.constraints.get(key, ()), mark)

    def _any(
        self,
        value: nodes.Expression,
        kinds: tuple[Kind, Kind],
        items: Sequence[nodes.Expression],
        assignment: Assigned,
        *,
        truth: bool,
    ) -> Assignments:
        """Any of several constants is met, or none of them is."""
        values = [literal(item) for item in items]
        if truth:
            for item in values:
                yield from self.require(value, constant(kinds[0], item), assignment)
        else:
            yield from self._require_all(value, [constant(kinds[1], item) for item in values], assignment)

    def _call(self, node: nodes.Call, assignment: Assigned, *, truth: bool) -> Assignments:
        arguments = node.arguments
        match node.name:
            case "starts_with" | "ends_with" | "contains":
                yield from self._affix(node, assignment, truth=truth)
            case "cidr_match":
                networks = tuple(literal(item) for item in arguments[1:])
                yield from self.require(
                    arguments[0], Constraint(Kind.CIDR if truth else Kind.UNCIDR, networks), assignment
                )
            case "match" | "match_phrase":
                yield from self._any(arguments[0], _MATCHES, arguments[1:2], assignment, truth=truth)
            case "mv_contains":
                kind = Kind.EQUAL if truth else Kind.UNEQUAL
                yield from self._any(arguments[0], (kind, kind), arguments[1:2], assignment, truth=True)
            case "kql" | "qstr" if (condition := kql.condition_of(node)) is not None:
                yield from self._solve(condition, assignment, truth=truth)
            case name:
                raise Unsolved(f"the function {name.upper()} as a condition")

    def _affix(self, node: nodes.Call, assignment: Assigned, *, truth: bool) -> Assignments:
        whole, part = node.arguments[:2]
        if is_constant(whole):  # the constant is to begin with the column, not the other way round
            text = literal(whole)
            beginnings = [Constraint(Kind.UNEQUAL, text[:length]) for length in range(len(text) + 1)]
            yield from self._require_all(part, [Constraint(Kind.EQUAL, text)] if truth else beginnings, assignment)
            return
        text = "".join(f"\\{character}" if character in "*?\\" else character for character in literal(part))
        pattern = {"starts_with": f"{text}*", "ends_with": f"*{text}"}.get(node.name, f"*{text}*")
        yield from self.require(whole, Constraint(Kind.LIKE if truth else Kind.UNLIKE, pattern), assignment)

    # -- constraints of expressions -----------------------------------------------------------------------------

    def _require_all(
        self, node: nodes.Expression, constraints: Sequence[Constraint], assignment: Assigned
    ) -> Assignments:
        if not constraints:
            yield assignment
            return
        for found in self.require(node, constraints[0], assignment):
            yield from self._require_all(node, constraints[1:], found)

    def require(self, node: nodes.Expression, constraint: Constraint, assignment: Assigned) -> Assignments:
        """The assignments in which an expression's value satisfies the constraint."""
        node = strip_parentheses(node)
        match node:
            case nodes.Column(name=name):
                yield from self._column(name, constraint, assignment)
            case nodes.Cast(value=value):
                yield from self.require(value, constraint, assignment)
            case nodes.Literal(value=value):
                yield from [assignment] if _fits(constraint, value) else []
            case nodes.Binary(operator="+" | "-" | "*" | "/"):
                yield from self._arithmetic(node, constraint, assignment)
            case nodes.Call() if node.arguments:
                yield from self._function(node, constraint, assignment)
            case _ if constraint.kind in (Kind.EQUAL, Kind.UNEQUAL) and isinstance(constraint.value, bool):
                yield from self._solve(node, assignment, truth=constraint.value is (constraint.kind is Kind.EQUAL))
            case _:
                raise Unsolved(f"an expression that is not known ({type(node).__name__})")

    def _function(self, node: nodes.Call, constraint: Constraint, assignment: Assigned) -> Assignments:
        node = _with_folded(node)
        first = node.arguments[0]
        function = functions.FUNCTIONS.get(node.name, functions.Function(node.name))
        if function.number:
            yield from self.require(first, replace(constraint, number=True), assignment)
        elif function.keeps and not (function.several and _makes_several(first, assignment.scope)):
            yield from self.require(first, constraint, assignment)
        elif node.name == "coalesce":
            yield from self._first_of(node.arguments, constraint, assignment)
        elif node.name == "case":
            yield from self._case(node.arguments, constraint, assignment)
        elif constraint.kind in (Kind.EQUAL, Kind.UNEQUAL) and isinstance(constraint.value, bool):
            yield from self._solve(node, assignment, truth=constraint.value is (constraint.kind is Kind.EQUAL))
        elif node.name == "concat" and (parts := self._parts(node, constraint)):
            yield from self._all_equal(parts, assignment)
        elif functions.is_known(node.name) and all(is_constant(one) for one in node.arguments[1:]):
            step = Step(node.name, tuple(literal(one) for one in node.arguments[1:]))
            yield from self.require(first, constraint.behind(step), assignment)
        elif constraint.kind in (Kind.PRESENT, Kind.WISHED) and functions.is_known(node.name):
            yield from self._require_of_all(node.arguments, constraint, assignment)
        else:
            yield from self._of_clock(node, constraint, assignment)

    def _of_clock(self, node: nodes.Call, constraint: Constraint, assignment: Assigned) -> Assignments:
        """The hour or the day of an event, where the moment of the run is known. Raises Unsolved for all else."""
        if self.ages and node.name in CLOCKS and _is_clock(node, assignment.scope):
            hour = Hour(Derived(node, assignment.scope), constraint)
            yield from self._column(TIMESTAMP, Constraint(Kind.CLOCK, hour), assignment)
        else:
            if node.name in _OF_THE_CLOCK and any(_is_clock(one, assignment.scope) for one in node.arguments):
                raise Unsolved(
                    f"{node.name.upper()} of @timestamp, which no age of an event and no time of the week decides"
                )
            by = "the function" if not functions.is_known(node.name) else "another column as an argument of"
            raise Unsolved(f"{by} {node.name.upper()}")

    def _parts(self, node: nodes.Call, constraint: Constraint) -> list[tuple[nodes.Expression, str]]:
        """What each argument of CONCAT has to be so that all of it is a text that will do; [] where none is known."""
        try:
            whole = pick("", "keyword", (constraint,), self.mark)
        except Unpickable:
            return []
        literals = [str(literal(one)) if is_constant(one) else None for one in node.arguments]
        pattern = "".join("(.+?)" if one is None else re.escape(one) for one in literals)
        found = re.fullmatch(pattern, str(whole), re.DOTALL)
        if found is None:  # a text that begins or ends as it likes
            filler = "".join(f"value-{self.mark}" if one is None else one for one in literals)
            found = re.fullmatch(pattern, filler, re.DOTALL) if _fits(constraint, filler) else None
        columns = [one for one in node.arguments if not is_constant(one)]
        return list(zip(columns, found.groups(), strict=True)) if found else []

    def _all_equal(self, parts: Sequence[tuple[nodes.Expression, str]], assignment: Assigned) -> Assignments:
        if not parts:
            yield assignment
            return
        for found in self.require(parts[0][0], Constraint(Kind.EQUAL, parts[0][1]), assignment):
            yield from self._all_equal(parts[1:], found)

    def _require_of_all(
        self, arguments: Sequence[nodes.Expression], constraint: Constraint, assignment: Assigned
    ) -> Assignments:
        """A value is wanted of each argument that is no constant."""
        columns = [one for one in arguments if not is_constant(one)]
        if not columns:
            yield assignment
            return
        for found in self.require(columns[0], Constraint(constraint.kind), assignment):
            yield from self._require_of_all(columns[1:], constraint, found)

    def _column(self, name: str, constraint: Constraint, assignment: Assigned) -> Assignments:
        made = assignment.scope.get(name)
        if isinstance(made, Derived):
            for found in self._made(made, constraint, assignment.seen_from(made.scope)):
                yield found.seen_from(assignment.scope)
            return
        if made is None and name.startswith("_"):
            if name in _OF_THE_RUN and constraint.kind in _NAMED:
                raise Unsolved(
                    f"a condition on {name}, which a test cannot choose: its events lie in an index of the run"
                )
            yield assignment  # metadata such as _score: Elasticsearch's own affair
            return
        if made is None and name.endswith(CASELESS):
            name, constraint = (
                name.removesuffix(CASELESS),
                constraint.behind(Step("to_lower")),
            )
        key = made.key if isinstance(made, Taken) else name
        found = assignment.also(key, constraint)
        if self.possible(key, found):
            yield found

    def _made(self, made: Derived, constraint: Constraint, assignment: Assigned) -> Assignments:
        """A column that holds a condition is wanted true or false; any other what its expression is wanted."""
        condition = isinstance(
            strip_parentheses(made.value), nodes.Binary | nodes.In | nodes.Like | nodes.IsNull | nodes.Unary
        )
        if condition and constraint.kind in (Kind.EQUAL, Kind.UNEQUAL) and isinstance(constraint.value, bool):
            yield from self._solve(made.value, assignment, truth=constraint.value is (constraint.kind is Kind.EQUAL))
        else:
            yield from self.require(made.value, constraint, assignment)

    def possible(self, key: str, assignment: Assigned) -> bool:
        """Is there a value that satisfies all that is wanted of a field."""
        if next(self.tries, None) is None:
            raise TooMany("too many combinations of conditions")
        if key == TIMESTAMP and self.ages:
            with suppress(Unsolved):
                self.ages(assignment)
                return True
            return False
        if assignment.constraints[key].moves:
            return key == TIMESTAMP  # a test holds the age of an event, and no other moment that moves with the clock
        try:
            pick(key, self.type_of(key), assignment.constraints[key], self.mark)
        except Unpickable:
            return False
        return True

    def _first_of(
        self, arguments: Sequence[nodes.Expression], constraint: Constraint, assignment: Assigned
    ) -> Assignments:
        """COALESCE: one of its arguments satisfies the constraint, and those before it are missing."""
        before = assignment
        for argument in arguments:
            yield from self.require(argument, constraint, before)
            missing = (
                None if is_constant(argument) else next(self.require(argument, Constraint(Kind.NULL), before), None)
            )
            if missing is None:
                return
            before = missing

    def _case(self, arguments: Sequence[nodes.Expression], constraint: Constraint, assignment: Assigned) -> Assignments:
        """CASE: a branch whose value satisfies the constraint, with its condition true and those before it false."""
        before = [assignment]
        for condition, value in zip(arguments[0::2], arguments[1::2], strict=False):
            for one in before:
                for found in self._solve(condition, one, truth=True):
                    yield from self.require(value, constraint, found)
            before = [found for one in before for found in self._solve(condition, one, truth=False)][:3]
        if len(arguments) % 2:
            for one in before:
                yield from self.require(arguments[-1], constraint, one)

    def _arithmetic(self, node: nodes.Binary, constraint: Constraint, assignment: Assigned) -> Assignments:
        """The right side gets a value (a constant its own, anything else 1), and the left one what is then needed."""
        if constraint.kind in (Kind.PRESENT, Kind.WISHED):
            yield from self._require_of_all((node.left, node.right), constraint, assignment)
            return
        if constraint.kind is Kind.NULL:
            yield from self.require(node.left, constraint, assignment)
            return
        if is_constant(node.right):
            amount, assignments = literal(node.right), iter([assignment])
        else:
            amount, assignments = 1, self.require(node.right, Constraint(Kind.EQUAL, 1), assignment)
        if constraint.kind is Kind.NONE_OF:
            needed: object = tuple(_undo(node.operator, constraint, int(value), amount) for value in constraint.value)
        else:
            needed = _undo(node.operator, constraint, int(constraint.value), amount)
        for found in assignments:
            yield from self.require(node.left, replace(constraint, value=needed), found)


def _makes_several(node: nodes.Expression, scope: Scope) -> bool:
    """Whether an expression makes several values of one, through what EVAL made of it."""
    for one in node.walk():
        if isinstance(one, nodes.Call) and one.name in ("split", "mv_append"):
            return True
        if isinstance(one, nodes.Column) and isinstance(made := scope.get(one.name), Derived):
            return _makes_several(made.value, made.scope)
    return False


_OF_MORE = nodes.Column | nodes.Duration | nodes.Opaque
_KINDS_OF_LITERALS = {str: "string", Version: "string", bool: "boolean", int: "integer", float: "decimal"}


def _folded(node: nodes.Expression) -> nodes.Expression:
    """What is computed of constants alone, as a constant: `10 * 60`, TO_VERSION("1.2"); anything else as it stands."""
    inner = strip_parentheses(node)
    if not isinstance(inner, nodes.Call | nodes.Binary | nodes.Cast):
        return node
    if any(isinstance(one, _OF_MORE) or (isinstance(one, nodes.Call) and one.name == "now") for one in inner.walk()):
        return node
    with suppress(Unknown):
        value = Evaluator({}).value(inner, Scope())
        if kind := _KINDS_OF_LITERALS.get(type(value)):
            return nodes.Literal(node.span, kind, value)
    return node


def _folded_all(items: Sequence[nodes.Expression]) -> tuple[nodes.Expression, ...]:
    return tuple(map(_folded, items))


def _with_folded(node: nodes.Call) -> nodes.Call:
    """The call, with its arguments folded where any can be."""
    folded = _folded_all(node.arguments)
    if all(one is other for one, other in zip(folded, node.arguments, strict=True)):
        return node
    return replace(node, arguments=folded)


def _is_clock(node: nodes.Expression, scope: Scope) -> bool:
    """Whether it is the moment of an event or of the run, through what EVAL made of it."""
    fields = fields_of(Derived(node, scope))
    return TIMESTAMP in fields or any(isinstance(one, nodes.Call) and one.name == "now" for one in node.walk())


def _since_now(
    operator: str, left: nodes.Expression, right: nodes.Expression
) -> tuple[nodes.Expression, Constraint] | None:
    """What DATE_DIFF("minute", x, NOW()) <= 10 asks of x: full units count, so that `<=` reaches to the end of one."""
    match strip_parentheses(left), strip_parentheses(right):
        case (
            nodes.Call(name="date_diff", arguments=(unit, moment_of, until)),
            nodes.Literal(kind="integer", value=int() as count),
        ) if age(until) == 0.0 and operator in ("<", "<=", ">", ">="):
            length = unit_seconds(str(literal(unit)).lower())
            kind = Kind.YOUNGER if operator in ("<", "<=") else Kind.OLDER
            return moment_of, Constraint(kind, length * (count + (operator in ("<=", ">"))))
    return None


def _undo(operator: str, constraint: Constraint, value: int, amount: int) -> int:
    """The number on the left that gives `value`; whole numbers divide as Elasticsearch's do, downwards."""
    match operator:
        case "+":
            return value - amount
        case "-":
            return value + amount
        case "*":
            return value // amount
        case _:
            return value * amount + (amount - 1 if constraint.kind in (Kind.MORE, Kind.AT_MOST) else 0)


def _fits(constraint: Constraint, value: object) -> bool:
    """Does a constant satisfy the constraint."""
    try:
        pick("", "keyword", (constraint, Constraint(Kind.EQUAL, value)), "x")
    except Unpickable:
        return False
    return True
