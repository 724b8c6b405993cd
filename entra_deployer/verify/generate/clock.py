"""The moment at which a rule runs for its tests, where it asks for the hour or the day of an event.

A test holds ages, which say nothing of the hour: it names the time of the week at which the rule runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from entra_deployer.core.time import time_of_week
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.constants import TIMESTAMP
from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.functions import Unknown
from entra_deployer.esql.scope import Derived, Goal, Scope
from entra_deployer.verify.generate.documents import TimeRange
from entra_deployer.verify.generate.plan import Plan, fields_of_goal
from entra_deployer.verify.generate.solve import CLOCKS

_MONDAY = datetime(2026, 1, 5, 0, 5, tzinfo=UTC)
_STEP = 600
"""Seconds between two moments that are looked at."""
_WEEK = 7 * 86_400 // _STEP
_APART = 3
"""So many steps lie between two moments at which a rule may run."""

_OF_DAYS = frozenset({"day_of_week"})
_OF_HOURS = frozenset({"hour_of_day", "minute_of_day", "minute_of_hour", "second_of_minute"})
_WEEKDAY_LETTERS, _HOUR_LETTERS = frozenset("Ee"), frozenset("Hmskh:.- a")


def run_moment(plan: Plan, looked_at: TimeRange) -> datetime | None:
    """A moment for a run, of a week that stands for any: best one by which each condition on hours can be missed too.

    None where no condition asks for such, where no moment will do, and where the date is asked for as well.
    """
    groups = plan.grouping.conditions if plan.grouping else ()
    asked = [goal for goal in (*plan.goals, *groups) if set(fields_of_goal(goal)) == {TIMESTAMP}]
    parts = [part for goal in (*plan.goals, *groups) for part in _parts(goal.predicate, goal.scope)]
    if not parts or not all(map(_is_of_week, parts)):
        return None
    wanted = [goal for goal in plan.goals if goal in asked]
    return _Week(wanted, [goal for goal in groups if goal in asked], looked_at).best()


def run_at(moment: datetime | None, plan: Plan) -> str:
    """A moment as a test names it: with the day of the week where a condition asks for that; "" for none."""
    if moment is None:
        return ""
    groups = plan.grouping.conditions if plan.grouping else ()
    parts = [part for goal in (*plan.goals, *groups) for part in _parts(goal.predicate, goal.scope)]
    text = time_of_week(moment)
    return text if any(map(_is_of_days, parts)) else text.partition(" ")[2]


def _parts(node: nodes.Node, scope: Scope) -> Iterator[str]:
    """What of its moment is asked of an event, through what EVAL made: parts of DATE_EXTRACT, forms of DATE_FORMAT."""
    for one in node.walk():
        if isinstance(one, nodes.Column) and isinstance(made := scope.get(one.name), Derived):
            yield from _parts(made.value, made.scope)
        elif isinstance(one, nodes.Call) and one.name in CLOCKS and one.arguments:
            text = one.arguments[0]
            yield text.value if isinstance(text, nodes.Literal) and isinstance(text.value, str) else ""


def _is_of_week(part: str) -> bool:
    name = part.lower()
    return name in _OF_DAYS | _OF_HOURS or (bool(part) and set(part) <= _WEEKDAY_LETTERS | _HOUR_LETTERS)


def _is_of_days(part: str) -> bool:
    return part.lower() in _OF_DAYS or bool(part and set(part) & _WEEKDAY_LETTERS and part.lower() not in _OF_HOURS)


@dataclass
class _Week:
    """The moments of a week: which conditions are true of events then. `some` are true of some events only."""

    wanted: Sequence[Goal]
    some: Sequence[Goal]
    looked_at: TimeRange
    _known: dict[int, tuple[bool, ...]] = field(default_factory=dict)

    def best(self) -> datetime | None:
        """The moment that shows most, the first of several; None where no event can be as all have to be."""
        rated = [(self._shown(slot), -slot) for slot in range(0, _WEEK, _APART)]
        shown, slot = max(rated)
        return _MONDAY + timedelta(seconds=-slot * _STEP) if shown > 0 else None

    @cached_property
    def _ages(self) -> list[int]:
        """The ages that events may have, in steps; the usual one first."""
        oldest = self.looked_at.oldest or 86_400.0 * 7
        room = range(int(self.looked_at.newest // _STEP) + 1, min(_WEEK, int(oldest // _STEP)))
        return list(room) or [0]

    def _shown(self, slot: int) -> int:
        """How much events that a run then sees can show: 0 where none is as all have to be."""
        seen = [self._truths((slot - age) % _WEEK) for age in self._ages]
        many = len(self.wanted)
        firing = [one for one in seen if all(one[:many])]
        if not firing:
            return 0
        missed = sum(any(sum(one[:many]) == many - 1 and not one[n] for one in seen) for n in range(many))
        told = sum(len({one[many + n] for one in firing}) for n in range(len(self.some)))
        return 1 + missed + told + all(seen[0][:many])

    def _truths(self, slot: int) -> tuple[bool, ...]:
        if slot not in self._known:
            evaluator = Evaluator({TIMESTAMP: _MONDAY + timedelta(seconds=slot * _STEP)})
            self._known[slot] = tuple(_is_true(evaluator, goal) for goal in (*self.wanted, *self.some))
        return self._known[slot]


def _is_true(evaluator: Evaluator, goal: Goal) -> bool:
    try:
        return evaluator.truth(goal.predicate, goal.scope) is True
    except Unknown:
        return False
