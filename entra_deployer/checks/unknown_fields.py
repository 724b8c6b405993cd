"""DEP013: a field that the source's mapping does not have, or that ES|QL cannot read."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher, get_close_matches

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import read_fields
from entra_deployer.esql.tree import Span, Tree

_UNREADABLE = ("flattened", "object", "nested")


def _run(subject: Subject) -> Iterator[Finding]:
    types = subject.field_types
    if types is None:
        return
    for name in read_fields(subject.tree):
        yield from _finding(subject, name, types)


def _finding(subject: Subject, name: str, types: Mapping[str, str]) -> Iterator[Finding]:
    place = _place(subject.tree, name)
    if above := _unreadable(name, types):
        yield Finding(f"{above} is of the type {types[above]}, which ES|QL cannot read", place, hint=_hint(name, types))
        return
    streams = subject.streams
    if name in types or any(stream.is_open(name) or name in stream.fields for stream in streams):
        return
    hint = _hint(name, types)
    if subject.knowledge.is_closed(subject.sources):
        message = f"{name} is not in the mapping of the source: a rule with an unknown column fails in every run"
        yield Finding(message, place, hint=hint)
    elif hint:
        message = (
            f"{name} is not among the fields of the integration: where no event has it the rule fails in every run"
        )
        yield Finding(message, place, hint=hint)


def _unreadable(name: str, types: Mapping[str, str]) -> str:
    """The field, or one above it, that ES|QL cannot read; "" for none."""
    if name in types and types[name] not in _UNREADABLE:
        return ""
    parts = name.split(".")
    above = [".".join(parts[:length]) for length in range(len(parts), 0, -1)]
    return next((one for one in above if types.get(one) in _UNREADABLE and (one == name or types[one] != "object")), "")


def _hint(name: str, types: Mapping[str, str]) -> str | None:
    """A field with nearly that name, below the same group or with the same last part."""
    known = [one for one in types if types[one] not in _UNREADABLE]
    close = get_close_matches(name, known, n=1, cutoff=0.85)
    return f"did you mean {close[0]}?" if close and close[0] != name and _is_slip(name, close[0]) else None


def _is_slip(name: str, known: str) -> bool:
    """Whether one name is the other with a slip: not where a whole part is another word."""
    parts, others = name.split("."), known.split(".")
    if len(parts) != len(others):
        return True
    return all(
        one == other or SequenceMatcher(None, one, other).ratio() > 0.75
        for one, other in zip(parts, others, strict=True)
    )


def _place(tree: Tree, name: str) -> Span | None:
    for node in tree.walk():
        if isinstance(node, nodes.Column | nodes.Name) and node.name == name:
            return node.span
    return None


CHECK = Check(
    code="DEP013",
    title="a field that the source does not have",
    level=Level.WARNING,
    explanation=(
        "Elasticsearch refuses a query with a column that none of its indices maps, and a rule with such a query "
        "fails in every run. The check knows the fields of ECS and of Elastic's most used integrations, and speaks "
        "only where it knows all sources of the query. Most data streams map a new field when it comes, so that one "
        "which is not listed may well be there: it is told where a known one has nearly its name, or where the data "
        "stream is closed (Elastic Defend). ES|QL cannot read what is inside a `flattened` field."
    ),
    good=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code == 50126"),
    bad=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.error_code == 50126"),
    run=_run,
)
