"""DEP013: a field that the source's mapping does not have, or that ES|QL cannot read."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import read_fields
from entra_deployer.esql.tree import Span, Tree

_UNREADABLE = ("flattened", "object", "nested")


def _run(subject: Subject) -> Iterator[Finding]:
    types = subject.field_types()
    if types is None:
        return
    for name in read_fields(subject.tree):
        if message := _fault(name, types):
            yield Finding(message, _place(subject.tree, name), hint=_hint(name, types))


def _fault(name: str, types: Mapping[str, str]) -> str:
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        above = ".".join(parts[:length])
        if types.get(above) in _UNREADABLE:
            return f"{above} is of the type {types[above]}, which ES|QL cannot read"
    if name in types:
        return ""
    return f"{name} is not in the mapping of the source: a rule with an unknown column fails in every run"


def _hint(name: str, types: Mapping[str, str]) -> str | None:
    close = get_close_matches(name, [known for known in types if types[known] not in _UNREADABLE], n=1, cutoff=0.8)
    return f"did you mean {close[0]}?" if close and close[0] != name else None


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
        "fails in every run. The check knows the fields of ECS and of the sign-in logs of Microsoft Entra ID as "
        "Elastic's integration maps them, and speaks only where it knows all sources of the query. A field that "
        "your own pipeline adds is one that it cannot know: silence it with that reason."
    ),
    good=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code == 50126"),
    bad=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.error_code == 50126"),
    run=_run,
)
