"""What is wanted of the value of one field: conditions that a value can be tried on."""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property, lru_cache, reduce
from typing import NamedTuple

from entra_deployer.esql import functions
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown, Value
from entra_deployer.esql.operations import is_like, is_matched, is_rlike, within_networks
from entra_deployer.esql.patterns import regex
from entra_deployer.esql.scope import Derived, Scope


class Kind(StrEnum):
    """What is demanded. NULL: no value at all, PRESENT: any; WISHED: any too, though no condition asks for it."""

    NULL = "null"
    PRESENT = "present"
    WISHED = "wished"
    EQUAL = "equal"
    UNEQUAL = "unequal"
    NONE_OF = "none of"
    LESS = "less"
    AT_MOST = "at most"
    MORE = "more"
    AT_LEAST = "at least"
    LIKE = "like"
    UNLIKE = "unlike"
    MATCH = "match"
    UNMATCH = "unmatch"
    RLIKE = "rlike"
    UNRLIKE = "unrlike"
    CIDR = "cidr"
    UNCIDR = "uncidr"
    YOUNGER = "younger"
    OLDER = "older"
    FORM = "form"
    CLOCK = "clock"

    __hash__ = str.__hash__  # an enumeration's own takes a call of Python for each look into a table


class Step(NamedTuple):
    """A function of ES|QL between the field and what is wanted; `arguments` are those behind the field."""

    name: str
    arguments: tuple[Value, ...] = ()


@dataclass(frozen=True, eq=False)
class Hour:
    """What is asked of a function of @timestamp, such as DATE_EXTRACT("hour_of_day", @timestamp) < 6."""

    made: Derived
    asked: "Constraint"

    def holds(self, moment: datetime) -> bool:
        """Whether an event of that moment has it. Raises Unknown for what is not computed here."""
        value = Evaluator({TIMESTAMP: moment}).value(self.made.value, self.made.scope)
        return holds(self.asked, value)


@dataclass(frozen=True, eq=False)
class Constraint:
    """One condition. With `number` a text is meant that is a number, and the number is what is compared.

    `steps` are what the query makes of the field's value before it compares, in their order.

    YOUNGER and OLDER are of moments: `value` seconds before now. MATCH is a full-text search. FORM is of a text that a
    pattern takes. CLOCK is of the event's own moment: `value` is an Hour.
    """

    kind: Kind
    value: Value = None
    number: bool = False
    steps: tuple[Step, ...] = ()

    def __hash__(self) -> int:
        """Of its key."""
        return self.hashed

    def __eq__(self, other: object) -> bool:
        """Of the same key."""
        return isinstance(other, Constraint) and self.key == other.key

    @cached_property
    def key(self) -> tuple[object, ...]:
        """What tells it from any other, also of a list of values: to Python alone True is 1."""
        value = self.value
        several = isinstance(value, list | tuple)
        types = tuple(map(type, value)) if several else type(value)
        parts = tuple(tuple(one) if isinstance(one, list) else one for one in value) if several else value
        return (self.kind.value, types, parts, self.number, self.steps)

    @cached_property
    def hashed(self) -> int:
        """The hash of its key."""
        return hash(self.key)

    def behind(self, step: Step) -> "Constraint":
        """The same of what a step makes of the value."""
        return _behind(self, step)


MOST_KEPT = 10_000
"""So many constraints are kept: a solver makes the same again and again."""


@lru_cache(MOST_KEPT, typed=True)
def constant(kind: Kind, value: Value) -> Constraint:
    """What a comparison with a constant demands."""
    return Constraint(kind, value)


@lru_cache(MOST_KEPT)
def _behind(constraint: Constraint, step: Step) -> Constraint:
    return Constraint(constraint.kind, constraint.value, constraint.number, (step, *constraint.steps))


def wanted_patterns(constraints: Iterable[Constraint]) -> list[str]:
    """The regular expressions, in Python's dialect, that a text is to match; those that are not read are left out."""
    found = []
    for constraint in constraints:
        if constraint.kind is Kind.LIKE:
            found.append(regex.like_to_regex(constraint.value))
        elif constraint.kind is Kind.MATCH:
            found.append(f".* {re.escape(str(constraint.value))} .*")
        elif constraint.kind is Kind.RLIKE:
            with suppress(ValueError):
                found += regex.parts_of_lucene(constraint.value)
    return found


def holds(constraint: Constraint, value: Value) -> bool:
    """Does a value (None for a field that is missing) satisfy the constraint."""
    if constraint.kind is Kind.NULL or value is None:
        return constraint.kind is Kind.NULL and value is None
    made = _made_by(constraint.steps, value)
    return made is not None and _is_met(constraint, made)


def by_steps(constraints: Iterable[Constraint]) -> dict[tuple[Step, ...], list[Constraint]]:
    """Constraints by what the query makes of the value before."""
    found: dict[tuple[Step, ...], list[Constraint]] = {}
    for constraint in constraints:
        found.setdefault(constraint.steps, []).append(constraint)
    return found


def all_hold(wanted: Mapping[tuple[Step, ...], Sequence[Constraint]], value: Value) -> bool:
    """Does a value that is there satisfy all constraints, of which none is NULL: each step is taken once."""
    for steps, constraints in wanted.items():
        made = _made_by(steps, value)
        if made is None or not all(_is_met(one, made) for one in constraints):
            return False
    return True


def _made_by(steps: Sequence[Step], value: Value) -> Value:
    for step in steps:
        value = functions.compute(step.name, value, *step.arguments)
    return value


def _is_met(constraint: Constraint, value: Value) -> bool:
    if constraint.number and constraint.kind is not Kind.FORM:
        return re.fullmatch(r"-?\d+", str(value)) is not None and _TESTS[constraint.kind](int(value), constraint.value)
    return _TESTS[constraint.kind](value, constraint.value)


_TESTS: dict[Kind, Callable[[Value, Value], bool]] = {
    Kind.PRESENT: lambda _value, _wanted: True,
    Kind.WISHED: lambda _value, _wanted: True,
    Kind.EQUAL: operator.eq,
    Kind.UNEQUAL: operator.ne,
    Kind.NONE_OF: lambda value, wanted: value not in wanted,
    Kind.LESS: operator.lt,
    Kind.AT_MOST: operator.le,
    Kind.MORE: operator.gt,
    Kind.AT_LEAST: operator.ge,
    Kind.YOUNGER: operator.lt,
    Kind.OLDER: operator.gt,
    Kind.LIKE: is_like,
    Kind.UNLIKE: lambda value, wanted: not is_like(value, wanted),
    Kind.MATCH: is_matched,
    Kind.UNMATCH: lambda value, wanted: not is_matched(value, wanted),
    Kind.RLIKE: is_rlike,
    Kind.UNRLIKE: lambda value, wanted: not is_rlike(value, wanted),
    Kind.CIDR: within_networks,
    Kind.UNCIDR: lambda value, wanted: not within_networks(value, wanted),
    Kind.FORM: lambda value, wanted: regex.matches(wanted.expression, str(value)),
}


class Constraints(tuple[Constraint, ...]):
    """All that is wanted of one field."""

    @cached_property
    def keys(self) -> tuple[tuple[object, ...], ...]:
        """What tells each from any other."""
        return tuple([constraint.key for constraint in self])

    @cached_property
    def moves(self) -> bool:
        """Whether a moment is wanted that moves with the clock."""
        return any(constraint.kind in (Kind.YOUNGER, Kind.OLDER) for constraint in self)

    @cached_property
    def hashed(self) -> int:
        """The hash of all keys, which grows with each constraint."""
        return reduce(lambda one, constraint: hash((one, constraint.hashed)), self, 0)

    def and_then(self, constraint: Constraint) -> "Constraints":
        """These and one more."""
        found = Constraints((*self, constraint))
        found.keys = (*self.keys, constraint.key)
        found.hashed = hash((self.hashed, constraint.hashed))
        found.moves = self.moves or constraint.kind in (Kind.YOUNGER, Kind.OLDER)
        return found


NONE = Constraints()
"""Nothing is wanted."""


class Assigned(NamedTuple):
    """What is wanted of each field of one event, by the field's name (or the key of a Taken), seen from a scope."""

    constraints: Mapping[str, Constraints]
    scope: Scope

    def also(self, name: str, constraint: Constraint) -> "Assigned":
        """An assignment that demands more of a field."""
        had = self.constraints.get(name, NONE)
        if constraint.key in had.keys:
            return self
        return Assigned({**self.constraints, name: had.and_then(constraint)}, self.scope)

    def seen_from(self, scope: Scope) -> "Assigned":
        """The same, seen from another scope."""
        return self if scope is self.scope else Assigned(self.constraints, scope)


def moment(kind: Kind, seconds_ago: float) -> Constraint:
    """A comparison with a moment as one of ages: later is younger."""
    return Constraint(Kind.YOUNGER if kind in (Kind.MORE, Kind.AT_LEAST) else Kind.OLDER, seconds_ago)


class Unsolved(Unknown):
    """A part of a query that is not known how to satisfy; its text says which, `at` is its place in the query."""

    def __init__(self, why: str, at: int | None = None) -> None:
        super().__init__(why)
        self.at = at


class TooMany(Unsolved):
    """There are too many combinations to look at all of them."""


def reason_of(error: Exception) -> str:
    """What stands in the way: the simulation only names what it does not know."""
    named = isinstance(error, Unknown) and not isinstance(error, Unsolved)
    return f"{error} cannot be computed" if named else str(error)
