"""Expressions computed on a made event: values, and conditions with the three truths of ES|QL (None is null)."""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.core.json import Untyped as Json
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.expressions import bare
from entra_deployer.verify.generate import functions
from entra_deployer.verify.generate.constants import CASELESS, TIMESTAMP, Unsolved, literal
from entra_deployer.verify.generate.constraints import Kind, Want, holds
from entra_deployer.verify.generate.functions import Unknown
from entra_deployer.verify.generate.scope import Derived, Goal, Scope, Taken

_COMPARE: dict[str, Callable[[Json, Json], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TESTS: dict[str, Callable[[Json, Json], bool]] = {
    "starts_with": lambda text, part: text.startswith(part),
    "ends_with": lambda text, part: text.endswith(part),
    "contains": lambda text, part: part in text,
}


def _divided(left: Json, right: Json) -> Json:
    """Whole numbers give a whole one, cut off; nothing can be divided by zero, and that gives null."""
    if right == 0:
        return None
    return left / right if isinstance(left, float) or isinstance(right, float) else int(left / right)


_ARITHMETIC: dict[str, Callable[[Json, Json], Json]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divided,
}


@dataclass(frozen=True)
class Evaluator:
    """Computes on the values of an event, by field (or the key of a Taken)."""

    values: Mapping[str, Json]

    def value(self, node: nodes.Expression, scope: Scope) -> Json:
        """The value of an expression. Raises Unknown for what is not computed here."""
        node = bare(node)
        found: Json
        match node:
            case nodes.Column(name=name):
                found = self.column(name, scope)
            case nodes.Cast(value=inner):
                found = self.value(inner, scope)
            case nodes.Literal() | nodes.Unary(operator="-"):
                found = _constant(node)
            case nodes.Binary(operator=word, left=left, right=right) if word in _ARITHMETIC:
                found = _binary(_ARITHMETIC[word], self.value(left, scope), self.value(right, scope))
            case nodes.Call():
                found = self._call(node, scope)
            case _:
                found = self.truth(node, scope)
        return found

    def column(self, name: str, scope: Scope) -> Json:
        """The value of a column. Raises Unknown for one that only Elasticsearch knows."""
        made = scope.get(name)
        if isinstance(made, Derived):
            return self.value(made.value, made.scope)
        if isinstance(made, Taken):
            return self.values.get(made.key)
        if name == TIMESTAMP or name.startswith("_"):
            raise Unknown(name)
        if name.endswith(CASELESS):
            return functions.compute("to_lower", self.values.get(name.removesuffix(CASELESS)))
        return self.values.get(name)

    def _call(self, node: nodes.Call, scope: Scope) -> Json:
        name, arguments = node.name, node.arguments
        if name == "coalesce":
            values = (self.value(one, scope) for one in arguments)
            return next((value for value in values if value is not None), None)
        if name == "case":
            return self._case(arguments, scope)
        if name in functions.KEEPING:
            return self.value(arguments[0], scope)
        if functions.is_known(name):
            return functions.compute(name, *(self.value(one, scope) for one in arguments))
        return self.truth(node, scope)

    def _case(self, arguments: Sequence[nodes.Expression], scope: Scope) -> Json:
        for condition, value in zip(arguments[0::2], arguments[1::2], strict=False):
            if self.truth(condition, scope):
                return self.value(value, scope)
        return self.value(arguments[-1], scope) if len(arguments) % 2 else None

    def truth(self, node: nodes.Expression, scope: Scope) -> bool | None:
        """Whether a condition is true; None where it is null. Raises Unknown for what is not computed here."""
        node = bare(node)
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
                found = _as_truth(_binary(_COMPARE[word], self.value(left, scope), self.value(right, scope)))
            case nodes.In(value=value, items=items, negated=negated):
                wants = [Want(Kind.EQUAL, _constant(item)) for item in items]
                found = self._held(value, scope, wants, negated=negated)
            case nodes.Like(operator=word, value=value, patterns=patterns, negated=negated):
                kind = Kind.LIKE if word == "like" else Kind.RLIKE
                wants = [Want(kind, _constant(pattern)) for pattern in patterns]
                found = self._held(value, scope, wants, negated=negated)
            case nodes.Call(name="cidr_match", arguments=(first, *networks)):
                wants = [Want(Kind.CIDR, tuple(_constant(one) for one in networks))]
                found = self._held(first, scope, wants, negated=False)
            case nodes.Call(name=name, arguments=(text, part)) if name in _TESTS:
                found = _as_truth(_binary(_TESTS[name], self.value(text, scope), self.value(part, scope)))
            case _:
                raise Unknown(type(node).__name__)
        return found

    def _held(self, node: nodes.Expression, scope: Scope, wants: Sequence[Want], *, negated: bool) -> bool | None:
        """Does the value satisfy any of the wants, or with `negated` none."""
        value = self.value(node, scope)
        if value is None:
            return None
        try:
            return any(holds(want, value) for want in wants) is not negated
        except (TypeError, ValueError) as error:
            raise Unknown("a comparison") from error

    def belies(self, goal: Goal, *, truth: bool) -> bool:
        """Whether a condition is certainly not as it was to be: true, or false or null."""
        try:
            return bool(self.truth(goal.predicate, goal.scope)) is not truth
        except Unknown:
            return False


def _constant(node: nodes.Expression) -> Json:
    try:
        return literal(node)
    except Unsolved as error:
        raise Unknown(str(error)) from error


def _binary(compute: Callable[[Json, Json], Json], left: Json, right: Json) -> Json:
    if left is None or right is None:
        return None
    try:
        return compute(left, right)
    except (AttributeError, TypeError, ValueError) as error:
        raise Unknown("a comparison") from error


def _as_truth(value: Json) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise Unknown("a condition")


def _negated(truth: bool | None) -> bool | None:  # noqa: FBT001 - one of ES|QL's truths, not a switch
    return None if truth is None else not truth


def _all(*truths: bool | None) -> bool | None:
    if False in truths:
        return False
    return None if None in truths else True
