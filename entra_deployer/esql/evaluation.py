"""Expressions computed on a made event: values, and conditions with the three truths of ES|QL (None is null).

An expression becomes a program once, for the scope in which it stands, and the program is run on each event.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from entra_deployer.core.time import parse_moment
from entra_deployer.esql import functions
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses
from entra_deployer.esql.constants import CASELESS, TIMESTAMP, literal, seconds
from entra_deployer.esql.functions import FUNCTIONS, Unknown, Value
from entra_deployer.esql.kql import condition_of
from entra_deployer.esql.operations import (
    ARITHMETIC,
    COMPARE,
    OF_TIME,
    compared,
    is_like,
    is_matched,
    is_rlike,
    moment_in,
    of_time,
    within_networks,
)
from entra_deployer.esql.patterns import UnreadablePattern
from entra_deployer.esql.scope import Derived, Goal, Scope, Taken

NOW = datetime(2026, 1, 7, 12, 30, tzinfo=UTC)
"""The moment from which an event's own count, where no other is said."""

UNKNOWN = object()
"""The value of a column that is not computed here."""

_MISSING = object()
"""Stands for what was not computed yet: None is a value."""


class Evaluator:
    """The values of an event, by field (or the key of a Taken); moments count from `now`.

    It keeps what was computed: whatever shares an expression, as the mutants of a query do, finds its value there.
    `warned`: Elasticsearch would warn that something became null since a field has several values.
    """

    __slots__ = ("known", "now", "values", "warned")

    def __init__(self, values: Mapping[str, Value], now: datetime = NOW) -> None:
        self.values = values
        self.now = now
        self.known: dict[object, Value] = {}
        self.warned = False

    def value(self, node: nodes.Expression, scope: Scope) -> Value:
        """The value of an expression. Raises Unknown for what is not computed here."""
        return PROGRAMS.value(node, scope)(self)

    def column(self, name: str, scope: Scope) -> Value:
        """The value of a column. Raises Unknown for one that only Elasticsearch knows."""
        return PROGRAMS.column(name, scope)(self)

    def truth(self, node: nodes.Expression, scope: Scope) -> bool | None:
        """Whether a condition is true; None where it is null. Raises Unknown for what is not computed here."""
        return PROGRAMS.truth(node, scope)(self)

    def warn(self) -> None:
        """A field has several values where a single one is asked for: that gives null."""
        self.warned = True

    def contradicts(self, goal: Goal, *, truth: bool) -> bool:
        """Whether a condition is certainly not as it was to be: true, or false or null."""
        try:
            return bool(self.truth(goal.predicate, goal.scope)) is not truth
        except Unknown:
            return False


type Program = Callable[[Evaluator], Value]
"""Computes an expression on the values of an event. Raises Unknown for what is not computed here."""

type Truth = Callable[[Evaluator], bool | None]
"""Computes a condition; None where it is null."""


class Programs:
    """Makes the programs of expressions, each once: the scope in which an expression stands keeps its program."""

    def kept(self, scope: Scope) -> dict[object, tuple[object, Value]]:
        """What is kept of a scope, each with the node by whose id it is found: so the id stays the node's own."""
        return scope.programs

    def value(self, node: nodes.Expression, scope: Scope) -> Program:
        """The program of a value."""
        kept = self.kept(scope)
        if (found := kept.get(id(node))) is None:
            found = kept[id(node)] = (node, self._known(self._value, node, scope))
        return found[1]

    def truth(self, node: nodes.Expression, scope: Scope) -> Truth:
        """The program of a condition."""
        kept, key = self.kept(scope), ("truth", id(node))
        if (found := kept.get(key)) is None:
            found = kept[key] = (node, self._known(self._truth, node, scope))
        return found[1]

    def column(self, name: str, scope: Scope) -> Program:
        """The program of a column."""
        kept, key = self.kept(scope), ("column", name)
        if (found := kept.get(key)) is None:
            found = kept[key] = (name, self._column(name, scope))
        return found[1]

    def _known(
        self, make: Callable[[nodes.Expression, Scope], Program], node: nodes.Expression, scope: Scope
    ) -> Program:
        """What is made of a node; where its constants are not known, nothing is for any event."""
        try:
            return make(strip_parentheses(node), scope)
        except Unknown as error:
            return unknown(str(error))

    # -- values -----------------------------------------------------------------------------------------------------

    def _column(self, name: str, scope: Scope) -> Program:
        made = scope.get(name)
        if isinstance(made, Derived):
            return self.value(made.value, made.scope)
        if isinstance(made, Taken):
            return _read(made.key)
        if name == TIMESTAMP or name.startswith("_"):
            return _read_if_there(name)
        return _read_caseless(name) if name.endswith(CASELESS) else _read(name)

    def _value(self, node: nodes.Expression, scope: Scope) -> Program:
        match node:
            case nodes.Column(name=name):
                found = self.column(name, scope)
            case nodes.Cast(value=inner, type=kind):
                found = _once(_cast(self.value(inner, scope), kind))
            case nodes.Literal() | nodes.Unary(operator="-", operand=nodes.Literal()):
                found = _always(literal(node))
            case nodes.Duration():
                found = _always(timedelta(seconds=seconds(node)))
            case nodes.Binary(operator=word, left=left, right=right) if word in ARITHMETIC:
                found = _once(_calculation(ARITHMETIC[word], self.value(left, scope), self.value(right, scope)))
            case nodes.Call():
                found = self._call(node, scope)
            case _:
                found = self.truth(node, scope)
        return found

    def _call(self, node: nodes.Call, scope: Scope) -> Program:
        name = node.name
        if name == "now":
            return lambda event: event.now
        if name == "case":
            return _once(self._case(node.arguments, scope))
        arguments = [self.value(one, scope) for one in node.arguments]
        if name == "coalesce":
            found = _once(_first_of(arguments))
        elif name in OF_TIME:
            found = _once(_time_function(name, arguments))
        elif functions.is_known(name):
            found = _once(_function(name, arguments))
        elif name in FUNCTIONS and FUNCTIONS[name].keeps and arguments:
            found = arguments[0]
        else:
            found = self.truth(node, scope)
        return found

    def _case(self, arguments: Sequence[nodes.Expression], scope: Scope) -> Program:
        pairs = [
            (self.truth(condition, scope), self.value(value, scope))
            for condition, value in zip(arguments[0::2], arguments[1::2], strict=False)
        ]
        other = self.value(arguments[-1], scope) if len(arguments) % 2 else _always(None)

        def run(event: Evaluator) -> Value:
            for condition, value in pairs:
                if condition(event):
                    return value(event)
            return other(event)

        return run

    # -- conditions -------------------------------------------------------------------------------------------------

    def _truth(self, node: nodes.Expression, scope: Scope) -> Truth:
        found: Truth
        match node:
            case nodes.Unary(operator="not", operand=operand):
                found = _negation(self.truth(operand, scope))
            case nodes.Binary(operator="and" | "or" as word):
                sides = [self.truth(one, scope) for one in operands(node, word)]
                found = _once(_all_of(sides) if word == "and" else _any_of(sides))
            case nodes.IsNull(value=value, negated=negated):
                found = _nullness(self.value(value, scope), negated=negated)
            case nodes.Literal(kind="boolean", value=bool() as known):
                found = _always(known)
            case nodes.Column(name=name):
                found = _as_truth(self.column(name, scope))
            case _:
                found = _once(self._test(node, scope))
        return found

    def _test(self, node: nodes.Expression, scope: Scope) -> Truth:
        """A comparison, or whatever else asks about a value."""
        found: Truth
        match node:
            case nodes.Binary(operator=word, left=left, right=right) if word in COMPARE:
                found = _comparison(COMPARE[word], self.value(left, scope), self.value(right, scope))
            case nodes.In(value=value, items=items, negated=negated):
                members = _members([self.value(item, scope) for item in items])
                found = _held(self.value(value, scope), members, lambda one, known: one in known, negated=negated)
            case nodes.Like(operator=word, value=value, patterns=patterns, negated=negated):
                matches = is_like if word == "like" else is_rlike
                texts = _always([literal(pattern) for pattern in patterns])
                found = _held(self.value(value, scope), texts, _matches_any(matches), negated=negated)
            case nodes.Match(value=value, query=query) | nodes.Call(name="match", arguments=(value, query, *_)):
                found = _search(self.value(value, scope), literal(query), phrase=False)
            case nodes.Call(name="match_phrase", arguments=(value, query, *_)):
                found = _search(self.value(value, scope), literal(query), phrase=True)
            case nodes.Call(name="cidr_match", arguments=(first, *blocks)):
                networks = _always([str(literal(one)) for one in blocks])
                found = _held(self.value(first, scope), networks, within_networks, negated=False)
            case nodes.Call(name="kql" | "qstr") if (condition := condition_of(node)) is not None:
                found = _is_true(self.truth(condition, scope))
            case nodes.Call(name=name) if functions.is_known(name):
                found = _as_truth(self._call(node, scope))
            case _:
                raise Unknown(node.name.upper() if isinstance(node, nodes.Call) else type(node).__name__)
        return found


PROGRAMS = Programs()
"""Those of what is computed on events."""


# -- the programs -----------------------------------------------------------------------------------------------------


def _once(program: Program) -> Program:
    """The same, run once for an event."""
    key = object()

    def run(event: Evaluator) -> Value:
        found = event.known.get(key, _MISSING)
        if found is _MISSING:
            found = event.known[key] = program(event)
        return found

    return run


def unknown(why: str) -> Program:
    """What is not computed here, and why."""

    def run(_: Evaluator) -> Value:
        raise Unknown(why)

    return run


def _always(value: Value) -> Program:
    return lambda _: value


def _read(name: str) -> Program:
    def run(event: Evaluator) -> Value:
        found = event.values.get(name)
        if found is UNKNOWN:
            raise Unknown(name)
        return found

    return run


def _read_if_there(name: str) -> Program:
    read = _read(name)

    def run(event: Evaluator) -> Value:
        if name not in event.values:
            raise Unknown(name)
        return read(event)

    return run


def _read_caseless(name: str) -> Program:
    """A field that Elasticsearch makes of the one that it is named after, where the event has no other value for it."""
    own, cased = _read(name), _read(name.removesuffix(CASELESS))
    return lambda event: own(event) if name in event.values else functions.compute("to_lower", cased(event))


def _cast(inner: Program, kind: str) -> Program:
    name, is_moment = f"to_{kind}", kind in ("datetime", "date")

    def run(event: Evaluator) -> Value:
        value = inner(event)
        if is_moment and isinstance(value, str):
            return moment_in(value)
        return functions.compute(name, value) if functions.is_known(name) else value

    return run


def _calculation(compute: Callable[[Value, Value], Value], left: Program, right: Program) -> Program:
    def run(event: Evaluator) -> Value:
        one, other = left(event), right(event)
        if isinstance(one, list) or isinstance(other, list):
            event.warn()
            return None
        if one is None or other is None:
            return None
        try:
            return compute(one, other)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise Unknown("a calculation") from error

    return run


def _first_of(arguments: Sequence[Program]) -> Program:
    """COALESCE."""

    def run(event: Evaluator) -> Value:
        for one in arguments:
            if (value := one(event)) is not None:
                return value
        return None

    return run


def _time_function(name: str, arguments: Sequence[Program]) -> Program:
    def run(event: Evaluator) -> Value:
        values = [one(event) for one in arguments]
        known = [parse_moment(one) or one if isinstance(one, str) else one for one in values]
        return None if None in known else of_time(name, known)

    return run


def _function(name: str, arguments: Sequence[Program]) -> Program:
    single = not FUNCTIONS[name].several

    def run(event: Evaluator) -> Value:
        values = [one(event) for one in arguments]
        if single and any(isinstance(value, list) for value in values):
            event.warn()
        return functions.compute(name, *values)

    return run


def _as_truth(program: Program) -> Truth:
    def run(event: Evaluator) -> bool | None:
        value = program(event)
        if value is None or isinstance(value, bool):
            return value
        raise Unknown("a condition")

    return run


def _is_true(truth: Truth) -> Truth:
    return lambda event: bool(truth(event))


def _negation(truth: Truth) -> Truth:
    def run(event: Evaluator) -> bool | None:
        found = truth(event)
        return None if found is None else not found

    return run


def _all_of(sides: Sequence[Truth]) -> Truth:
    """AND. All sides are computed: Elasticsearch warns of each."""

    def run(event: Evaluator) -> bool | None:
        found: bool | None = True
        for side in sides:
            truth = side(event)
            if truth is False or (truth is None and found):
                found = truth
        return found

    return run


def _any_of(sides: Sequence[Truth]) -> Truth:
    """OR."""

    def run(event: Evaluator) -> bool | None:
        found: bool | None = False
        for side in sides:
            truth = side(event)
            if truth or (truth is None and found is False):
                found = truth
        return found

    return run


def _nullness(value: Program, *, negated: bool) -> Truth:
    return lambda event: (value(event) is None) is not negated


def _comparison(compare: Callable[[Value, Value], bool], left: Program, right: Program) -> Truth:
    def run(event: Evaluator) -> bool | None:
        one, other = left(event), right(event)
        if isinstance(one, list) or isinstance(other, list):
            event.warn()
            return None
        if one is None or other is None:
            return None
        return compared(compare, one, other)

    return run


def _members(items: Sequence[Program]) -> Program:
    return lambda event: [item(event) for item in items]


def _matches_any(matches: Callable[[Value, str], bool]) -> Callable[[Value, Sequence[str]], bool]:
    return lambda value, patterns: any(matches(value, one) for one in patterns)


def _held(value: Program, known: Program, holds: Callable[[Value, Sequence[Value]], bool], *, negated: bool) -> Truth:
    """Whether a value stands in a relation to any of what is known, or with `negated` to none."""

    def run(event: Evaluator) -> bool | None:
        others, own = known(event), value(event)
        if isinstance(own, list):
            event.warn()
            return None
        if own is None:
            return None
        try:
            return holds(own, others) is not negated
        except (TypeError, ValueError, UnreadablePattern) as error:
            raise Unknown("a comparison") from error

    return run


def _search(value: Program, asked: Value, *, phrase: bool) -> Truth:
    def run(event: Evaluator) -> bool | None:
        held = value(event)
        if held is None:
            return None
        return any(is_matched(one, asked, phrase=phrase) for one in (held if isinstance(held, list) else [held]))

    return run
