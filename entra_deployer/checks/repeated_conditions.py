"""DEP034: the same condition twice under one AND or OR."""

from collections.abc import Iterable, Iterator
from dataclasses import fields

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import operands, strip_parentheses

_SHOWN = 60


def _run(subject: Subject) -> Iterator[Finding]:
    text = subject.tree.text
    for command in subject.tree.commands:
        for operator, parts in _chains(command):
            seen: set[object] = set()
            for part in parts:
                meaning = _meaning(part, text)
                if meaning in seen:
                    yield Finding(
                        f"the same condition stands twice under one {operator.upper()}: {_shown(part, text)}",
                        part.span,
                        hint="was another column or another value meant? Else take one out",
                    )
                seen.add(meaning)


def _chains(node: nodes.Node) -> Iterator[tuple[str, list[nodes.Expression]]]:
    """All that one AND, or one OR, joins, parentheses or not, with the word."""
    below: Iterable[nodes.Node] = node.children()
    if isinstance(node, nodes.Binary) and node.operator in ("and", "or"):
        below = parts = list(operands(node, node.operator))
        yield node.operator, parts
    for part in below:
        yield from _chains(part)


def _meaning(value: object, text: str) -> object:
    """What a part of the tree says, whatever its place and parentheses; hashable."""
    match value:
        case nodes.Group(inner=inner):
            return _meaning(inner, text)
        case nodes.Opaque(span=span) | nodes.Literal(kind="list" | "parameter", span=span):
            return " ".join(span.of(text).split())  # the tree does not know it whole
        case nodes.Node():
            kept = [getattr(value, item.name) for item in fields(value) if item.name != "span"]
            return (type(value), *(_meaning(one, text) for one in kept))
        case tuple():
            return tuple(_meaning(one, text) for one in value)
    return value


def _shown(part: nodes.Expression, query: str) -> str:
    text = " ".join(strip_parentheses(part).span.of(query).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


CHECK = Check(
    code="DEP034",
    title="the same condition twice",
    level=Level.WARNING,
    explanation=(
        "A condition that stands twice under one AND, or twice under one OR, changes nothing. It is the mark of a line "
        "that was copied and not changed: `logons >= 1 and logons >= 1`, where the second was to ask for another "
        "column. Conditions are compared by what they say, not by how they are written."
    ),
    good=Example("from logs-a-*\n| stats c = count(*), d = max(event.duration) by user.name\n| where c > 1 and d > 1"),
    bad=Example("from logs-a-*\n| stats c = count(*), d = max(event.duration) by user.name\n| where c > 1 and (c>1)"),
    run=_run,
)
