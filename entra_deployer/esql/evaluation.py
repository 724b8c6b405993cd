"""Expressions computed on a made event: values, and conditions with the three truths of ES|QL (None is null)."""

import ipaddress
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from entra_deployer.core.time import difference_unit, parse_moment
from entra_deployer.esql import functions
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.constants import CASELESS, TIMESTAMP, literal, seconds
from entra_deployer.esql.functions import FUNCTIONS, Text, Unknown, Value
from entra_deployer.esql.kql import condition_of
from entra_deployer.esql.patterns import UnreadablePattern, regex
from entra_deployer.esql.scope import Derived, Goal, Scope, Taken

_COMPARE: dict[str, Callable[[Value, Value], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=~": lambda left, right: left.lower() == right.lower(),
}


def _divided(left: Value, right: Value) -> Value:
    """Whole numbers give a whole one, cut off; nothing can be divided by zero, and that gives null."""
    if right == 0:
        return None
    return left / right if isinstance(left, float) or isinstance(right, float) else int(left / right)


def _rest(left: Value, right: Value) -> Value:
    """With the sign of the left side, as Java has it."""
    return None if right == 0 else left - right * int(left / right)


_ARITHMETIC: dict[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
    "%": _rest,
}


def within_networks(address: str, networks: Sequence[str]) -> bool:
    """Does one of the blocks of addresses hold it. ValueError for what is none."""
    found = ipaddress.ip_address(address)
    return any(found in ipaddress.ip_network(network, strict=False) for network in networks)


def is_like(text: Value, pattern: str) -> bool:
    """LIKE."""
    return regex.matches(regex.like_to_regex(pattern), str(text))


def is_rlike(text: Value, pattern: str) -> bool:
    """RLIKE. Raises UnreadablePattern for a pattern that is not read here."""
    return regex.matches(regex.from_lucene(pattern), str(text))


_WORD = re.compile(r"\w+")
_JOINS = frozenset(".:',;·\N{RIGHT SINGLE QUOTATION MARK}")
"""Signs between letters or digits at some of which Elasticsearch does not part two words."""


def is_matched(held: Value, asked: Value, *, phrase: bool = False) -> bool:
    """Full-text search: a text holds one of the words that are asked for, or the `phrase`; anything else is equal.

    Raises Unknown where it depends on how Elasticsearch takes a text apart.
    """
    if not isinstance(held, Text):
        return held == asked or (not isinstance(held, str) and str(held).lower() == str(asked).lower())
    words = [(one[0].lower(), _stands_alone(held, one)) for one in _WORD.finditer(held)]
    wanted = [one.lower() for one in _WORD.findall(str(asked))]
    if phrase:
        places = [n for n in range(len(words)) if [word for word, _ in words[n : n + len(wanted)]] == wanted]
        found = [all(alone for _, alone in words[n : n + len(wanted)]) for n in places]
    else:
        found = [alone for word, alone in words if word in wanted]
    if found and not any(found):
        raise Unknown("where the words of a text end")
    return any(found)


def _stands_alone(text: str, word: re.Match[str]) -> bool:
    """Whether a word ends on both sides, by any rule."""
    return not _JOINS & {text[max(0, word.start() - 1) : word.start()], text[word.end() : word.end() + 1]}


@dataclass(frozen=True)
class Evaluator:
    """Computes on the values of an event, by field (or the key of a Taken); moments count from `now`."""

    values: Mapping[str, Value]
    now: datetime = datetime(2026, 1, 7, 12, 30, tzinfo=UTC)

    def value(self, node: nodes.Expression, scope: Scope) -> Value:
        """The value of an expression. Raises Unknown for what is not computed here."""
        node = strip_parentheses(node)
        found: Value
        match node:
            case nodes.Column(name=name):
                found = self.column(name, scope)
            case nodes.Cast(value=inner, type=kind):
                found = self._cast(self.value(inner, scope), kind)
            case nodes.Literal() | nodes.Unary(operator="-", operand=nodes.Literal()):
                found = literal(node)
            case nodes.Duration():
                found = timedelta(seconds=seconds(node))
            case nodes.Binary(operator=word, left=left, right=right) if word in _ARITHMETIC:
                found = self._binary(_ARITHMETIC[word], self.value(left, scope), self.value(right, scope))
            case nodes.Call():
                found = self._call(node, scope)
            case _:
                found = self.truth(node, scope)
        return found

    def column(self, name: str, scope: Scope) -> Value:
        """The value of a column. Raises Unknown for one that only Elasticsearch knows."""
        made = scope.get(name)
        if isinstance(made, Derived):
            return self.value(made.value, made.scope)
        if isinstance(made, Taken):
            return self.values.get(made.key)
        if name not in self.values and (name == TIMESTAMP or name.startswith("_")):
            raise Unknown(name)
        if name.endswith(CASELESS) and name not in self.values:
            return functions.compute("to_lower", self.values.get(name.removesuffix(CASELESS)))
        return self.values.get(name)

    def _cast(self, value: Value, kind: str) -> Value:
        name = f"to_{kind}"
        if kind in ("datetime", "date") and isinstance(value, str):
            return _moment(value)
        return functions.compute(name, value) if functions.is_known(name) else value

    def _call(self, node: nodes.Call, scope: Scope) -> Value:
        name, arguments = node.name, node.arguments
        values = (self.value(one, scope) for one in arguments)
        found: Value
        if name == "now":
            found = self.now
        elif name == "coalesce":
            found = next((value for value in values if value is not None), None)
        elif name == "case":
            found = self._case(arguments, scope)
        elif name in _OF_TIME:
            known = [parse_moment(one) or one if isinstance(one, str) else one for one in values]
            found = None if None in known else _of_time(name, known)
        elif functions.is_known(name):
            known = list(values)
            if not FUNCTIONS[name].several:
                self._several(*known)
            found = functions.compute(name, *known)
        elif name in FUNCTIONS and FUNCTIONS[name].keeps:
            found = next(values)
        else:
            found = self.truth(node, scope)
        return found

    def _case(self, arguments: Sequence[nodes.Expression], scope: Scope) -> Value:
        for condition, value in zip(arguments[0::2], arguments[1::2], strict=False):
            if self.truth(condition, scope):
                return self.value(value, scope)
        return self.value(arguments[-1], scope) if len(arguments) % 2 else None

    def truth(self, node: nodes.Expression, scope: Scope) -> bool | None:
        """Whether a condition is true; None where it is null. Raises Unknown for what is not computed here."""
        node = strip_parentheses(node)
        match node:
            case nodes.Unary(operator="not", operand=operand):
                found = _negated(self.truth(operand, scope))
            case nodes.Binary(operator="and", left=left, right=right):
                found = _all(self.truth(left, scope), self.truth(right, scope))
            case nodes.Binary(operator="or", left=left, right=right):
                found = _negated(_all(_negated(self.truth(left, scope)), _negated(self.truth(right, scope))))
            case nodes.IsNull(value=value, negated=negated):
                found = (self.value(value, scope) is None) is not negated
            case nodes.Literal(kind="boolean", value=bool() as value):
                found = value
            case nodes.Column(name=name):
                found = _as_truth(self.column(name, scope))
            case _:
                found = self._test(node, scope)
        return found

    def _test(self, node: nodes.Expression, scope: Scope) -> bool | None:
        """A comparison, or whatever else asks about a value."""
        match node:
            case nodes.Binary(operator=word, left=left, right=right) if word in _COMPARE:
                sides = self.value(left, scope), self.value(right, scope)
                found = None if self._several(*sides) else _as_truth(_compared(word, *sides))
            case nodes.In(value=value, items=items, negated=negated):
                known = [self.value(item, scope) for item in items]
                found = self._held(value, scope, known, operator.eq, negated=negated)
            case nodes.Like(operator=word, value=value, patterns=patterns, negated=negated):
                known = [literal(pattern) for pattern in patterns]
                found = self._held(value, scope, known, is_like if word == "like" else is_rlike, negated=negated)
            case nodes.Match(value=value, query=query) | nodes.Call(name="match", arguments=(value, query, *_)):
                found = self._matched(value, query, scope, phrase=False)
            case nodes.Call(name="match_phrase", arguments=(value, query, *_)):
                found = self._matched(value, query, scope, phrase=True)
            case nodes.Call(name="cidr_match", arguments=(first, *blocks)):
                networks = [[str(literal(one)) for one in blocks]]
                found = self._held(first, scope, networks, within_networks, negated=False)
            case nodes.Call(name="kql" | "qstr") if (condition := condition_of(node)) is not None:
                found = bool(self.truth(condition, scope))
            case nodes.Call(name=name) if functions.is_known(name):
                found = _as_truth(self._call(node, scope))
            case _:
                raise Unknown(node.name.upper() if isinstance(node, nodes.Call) else type(node).__name__)
        return found

    def _matched(self, value: nodes.Expression, query: nodes.Expression, scope: Scope, *, phrase: bool) -> bool | None:
        asked, held = literal(query), self.value(value, scope)
        values = held if isinstance(held, list) else [held]
        return None if held is None else any(is_matched(one, asked, phrase=phrase) for one in values)

    def _held(
        self,
        node: nodes.Expression,
        scope: Scope,
        known: Sequence[Value],
        holds: Callable[[Value, Value], bool],
        *,
        negated: bool,
    ) -> bool | None:
        """Does the value stand in the relation to any of what is known, or with `negated` to none."""
        value = self.value(node, scope)
        if value is None or self._several(value):
            return None
        try:
            return any(holds(value, one) for one in known) is not negated
        except (TypeError, ValueError, UnreadablePattern) as error:
            raise Unknown("a comparison") from error

    def _binary(self, compute: Callable[[Value, Value], Value], left: Value, right: Value) -> Value:
        if self._several(left, right) or left is None or right is None:
            return None
        try:
            return compute(left, right)
        except (AttributeError, TypeError, ValueError, OverflowError) as error:
            raise Unknown("a calculation") from error

    def _several(self, *values: Value) -> bool:
        """Whether one of them is a list, where a single value is asked for: the result is null."""
        found = any(isinstance(one, list) for one in values)
        if found:
            self.warn()
        return found

    def warn(self) -> None:
        """Elasticsearch warns that a value became null since a field has several."""

    def contradicts(self, goal: Goal, *, truth: bool) -> bool:
        """Whether a condition is certainly not as it was to be: true, or false or null."""
        try:
            return bool(self.truth(goal.predicate, goal.scope)) is not truth
        except Unknown:
            return False


def _compared(word: str, left: Value, right: Value) -> Value:
    if left is None or right is None:
        return None
    if isinstance(left, datetime) and isinstance(right, str):
        right = _moment(right)
    if isinstance(right, datetime) and isinstance(left, str):
        left = _moment(left)
    try:
        return _COMPARE[word](left, right)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unknown("a comparison") from error


# -- moments ------------------------------------------------------------------------------------------------------

_OF_TIME = {"date_trunc", "date_extract", "date_diff", "to_datetime", "bucket"}
_PARTS: dict[str, Callable[[datetime], int]] = {
    "hour_of_day": lambda moment: moment.hour,
    "day_of_week": lambda moment: moment.isoweekday(),
    "minute_of_hour": lambda moment: moment.minute,
    "second_of_minute": lambda moment: moment.second,
    "day_of_month": lambda moment: moment.day,
    "month_of_year": lambda moment: moment.month,
    "year": lambda moment: moment.year,
    "minute_of_day": lambda moment: moment.hour * 60 + moment.minute,
}
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _of_time(name: str, arguments: Sequence[Value]) -> Value:
    """A function of moments. Raises Unknown for what is not computed here."""
    match name, arguments:
        case "to_datetime", [str() as text]:
            return _moment(text)
        case "to_datetime", [datetime() as moment]:
            return moment
        case "date_trunc", [timedelta() as span, datetime() as moment]:
            return truncated(moment, span)
        case "bucket", [datetime() as moment, timedelta() as span]:
            return truncated(moment, span)
        case "date_extract", [str() as part, datetime() as moment] if part.lower() in _PARTS:
            return _PARTS[part.lower()](moment)
        case "date_diff", [str() as unit, datetime() as first, datetime() as last] if found := difference_unit(unit):
            return int((last - first).total_seconds() / found[1])
    raise Unknown(name.upper())


def truncated(moment: datetime, span: timedelta) -> datetime:
    """The beginning of the span of time in which a moment lies; weeks begin on Monday."""
    start = _MONDAY if span.days and span.days % 7 == 0 else _EPOCH
    return moment - (moment - start) % span


def _moment(text: str) -> datetime:
    if found := parse_moment(text):
        return found
    raise Unknown(f"the time {text!r}")


def _as_truth(value: Value) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Unknown("a condition")


def _negated(truth: bool | None) -> bool | None:  # noqa: FBT001 - one of ES|QL's truths, not a switch
    return None if truth is None else not truth


def _all(*truths: bool | None) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True
