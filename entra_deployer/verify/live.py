"""What the conditions of a rule lose on live data: events for which a condition is null are dropped without a word."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json, as_int
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import COMPARISONS, Condition, conditions
from entra_deployer.esql.rule_query import Unreadable, read_query
from entra_deployer.verify.ranges import time_range
from entra_deployer.verify.run import Bench, RuleUnderTest

LOST = "DEP807"
NOT_COUNTED = "DEP808"


@dataclass(frozen=True)
class NullableCondition:
    """A condition of a WHERE that can be null. `column` is the one that it looks at, if it is one alone.

    `negative` conditions are true for what is not there in common sense, and null in ES|QL.
    """

    text: str
    column: str | None
    negative: bool
    offset: int


@dataclass(frozen=True)
class Count:
    """A WHERE whose conditions can be counted over the events that reach it, by the query `text`."""

    text: str
    conditions: tuple[NullableCondition, ...]


def counts(tree: nodes.Tree) -> Iterator[Count]:
    """One count for each WHERE that looks at events, not at groups of them."""
    for command in tree.commands:
        if isinstance(command, nodes.Stats) and not command.inline:
            return
        if isinstance(command, nodes.Where):
            conditions = tuple(_conditions(command.predicate, tree.text))
            if conditions:
                yield Count(_count_query(tree.text[: command.pipe], conditions), conditions)


def _count_query(front: str, conditions: Sequence[NullableCondition]) -> str:
    parts = ["events = COUNT(*)"]
    for number, condition in enumerate(conditions):
        parts.append(f"null_{number} = SUM(CASE(({condition.text}) IS NULL, 1, 0))")
        if condition.column:
            parts.append(f"several_{number} = SUM(CASE(MV_COUNT({condition.column}) > 1, 1, 0))")
    return f"{front}\n| STATS {', '.join(parts)}"


def _conditions(predicate: nodes.Expression, text: str) -> Iterator[NullableCondition]:
    for one in conditions(predicate):
        match one.node:
            case nodes.Binary(operator=operator) if operator in COMPARISONS:
                yield _condition(one, text)
            case nodes.In() | nodes.Like() | nodes.Call():
                yield _condition(one, text)


def _condition(one: Condition, text: str) -> NullableCondition:
    columns = [part for part in one.node.walk() if isinstance(part, nodes.Column)]
    column = columns[0].span.of(text) if len(columns) == 1 else None
    return NullableCondition(one.node.span.of(text), column, one.excludes, one.node.span.start)


def lost_on_live_data(rule: RuleUnderTest, bench: Bench) -> Iterator[Issue]:
    """What share of the events in a rule's range each of its conditions loses to null. Reads only."""
    if rule.payload is None:
        yield Issue(NOT_COUNTED, Level.ERROR, "the rule is not there: deploy push puts it there", rule.name)
        return
    try:
        query = read_query(str(rule.payload.get("query", "")), bench.version)
        for count in counts(query.tree):
            within = time_range(rule.payload, bench.clock())
            answer = bench.server.query(count.text, filter=within).records()[0]
            yield from _issues(count, answer, rule, query.tree.text)
    except (Unreadable, Refused) as error:
        yield Issue(NOT_COUNTED, Level.WARNING, f"could not be counted: {error}", rule.name)


def _issues(count: Count, answer: Mapping[str, Json], rule: RuleUnderTest, text: str) -> Iterator[Issue]:
    events = as_int(answer["events"])
    for number, condition in enumerate(count.conditions):
        lost = as_int(answer[f"null_{number}"])
        several = as_int(answer.get(f"several_{number}"))
        if not lost:
            continue
        silent = several or condition.negative
        message = f"`{condition.text}` is null for {lost / events:.1%} of {events} events"
        message += f", {several} of which have several values" if several else ", which lack the field"
        hint = "compare each value: MV_EXPAND, MV_CONTAINS or `:`" if several else "COALESCE gives them a value"
        place = rule.origin.place(text, condition.offset) if rule.origin else None
        level = Level.WARNING if silent else Level.NOTE
        yield Issue(LOST, level, message, rule.name, place, hint if silent else None)
