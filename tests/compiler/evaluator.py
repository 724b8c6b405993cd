"""A small evaluator of what a query says about time, over made events: enough to hold a rule against its hunt."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from math import trunc

from entra_deployer.core.time import esql_seconds
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses


@dataclass(frozen=True)
class Event:
    """An event: when it happened and when it arrived, in seconds of one clock; who did it."""

    id: int
    at: float
    arrived: float
    who: str
    bad: bool = True

    def row(self):
        return {"id": self.id, "@timestamp": self.at, "event.ingested": self.arrived, "who": self.who, "bad": self.bad}


def run(tree, events, now):
    """The rows that a query gives at a moment: by id where it keeps them, else by who."""
    rows = [event.row() for event in events if event.arrived <= now]
    for command in tree.commands:
        rows = step(command, rows, now)
    return {row.get("id", row.get("who")) for row in rows}


def step(command, rows, now):
    match command:
        case nodes.Where(predicate=predicate):
            return [row for row in rows if value(predicate, row, now) is True]
        case nodes.Eval(assignments=made):
            for item in made:
                rows = [{**row, item.name: value(item.value, row, now)} for row in rows]
            return rows
        case nodes.Stats():
            return group(command, rows, now)
        case nodes.From() | nodes.Sort() | nodes.Keep():
            return rows
    raise NotImplementedError(command)


def group(command, rows, now):
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(value(item.value, row, now) for item in command.groups)].append(row)
    names = [item.name for item in command.groups]
    return [
        {**dict(zip(names, key, strict=True)), **{one.name: aggregate(one, mine, now) for one in command.aggregates}}
        for key, mine in groups.items()
    ]


def aggregate(item, rows, now):
    counted = [row for row in rows if item.where is None or value(item.where, row, now) is True]
    call = strip_parentheses(item.value)
    assert isinstance(call, nodes.Call)
    if call.name == "count":
        return len(counted)
    found = [one for row in counted if (one := value(call.arguments[0], row, now)) is not None]
    totals: dict[str, Callable[[list], object]] = {"min": min, "max": max, "sum": sum}
    return totals[call.name](found) if found else None


def value(node, row, now):  # noqa: PLR0911 - a table
    match strip_parentheses(node):
        case nodes.Column(name=name):
            return row.get(name)
        case nodes.Literal(value=constant):
            return constant
        case nodes.Duration(amount=amount, unit=unit):
            return esql_seconds(amount, unit)
        case nodes.Unary(operator="-", operand=operand):
            return -value(operand, row, now)
        case nodes.Unary(operator="not", operand=operand):
            inner = value(operand, row, now)
            return None if inner is None else not inner
        case nodes.Call(name=name, arguments=arguments):
            return call(name, arguments, row, now)
        case nodes.Binary(operator="and" | "or" as operator, left=left, right=right):
            sides = [value(left, row, now), value(right, row, now)]
            decisive = operator == "or"
            return decisive if decisive in sides else None if None in sides else not decisive
        case nodes.Binary(operator=operator, left=left, right=right):
            return binary(operator, value(left, row, now), value(right, row, now))
    raise NotImplementedError(node)


def call(name, arguments, row, now):
    match name:
        case "now":
            return now
        case "date_diff":
            unit, start, end = (value(item, row, now) for item in arguments)
            return None if start is None or end is None else trunc((end - start) / esql_seconds(1, unit))
        case "date_trunc":
            size, moment = (value(item, row, now) for item in arguments)
            return None if moment is None else moment // size * size
        case "case":
            condition, then, *otherwise = arguments
            if value(condition, row, now) is True:
                return value(then, row, now)
            return value(otherwise[0], row, now) if otherwise else None
    raise NotImplementedError(name)


def binary(operator, left, right):
    if left is None or right is None:
        return None
    return {
        ">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right, "==": left == right,
        "!=": left != right, "+": left + right, "-": left - right,
    }[operator]  # fmt: skip
