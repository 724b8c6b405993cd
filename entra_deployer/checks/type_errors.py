"""DEP011: Elasticsearch would refuse the query: columns out of scope, types that do not fit, unreadable constants."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.parse import UNCHECKED
from entra_deployer.esql.semantics import find_faults
from entra_deployer.esql.tree import Span, Tree


def _run(subject: Subject) -> Iterator[Finding]:
    found = find_faults(subject.tree, subject.field_types)
    for fault in found:
        yield Finding(fault.message, fault.span, hint=fault.hint or "Elasticsearch would refuse the query here")
    for problem in subject.problems if not found and not _is_misread(subject.tree) else ():
        if problem.kind == UNCHECKED:
            continue  # that checker cannot read the query; this one did
        start = subject.tree.offset(problem.line, problem.column)
        hint = "Elastic's offline checker says so; the target's own Elasticsearch is asked before a push"
        yield Finding(problem.message, Span(start, start), hint=hint, level=Level.WARNING)


def _is_misread(tree: Tree) -> bool:
    """Whether Elastic's checker is known to take the query wrong: it has GROK's numbers for text."""
    return any(isinstance(command, nodes.Extract) and command.word == "grok" for command in tree.commands)


CHECK = Check(
    code="DEP011",
    title="types or names that Elasticsearch would refuse",
    level=Level.ERROR,
    explanation=(
        "The query parses, but Elasticsearch would refuse it: a function that does not exist or is called with "
        "too few arguments, a number compared with text, a column that an earlier KEEP or STATS has left behind, an "
        "aggregate outside STATS, a unit of time, a pattern or a block of addresses that is none, KQL in a string that "
        "does not parse. Types are checked where the fields of the sources are known. What Elastic's own offline "
        "checker alone refuses is a warning: the target's Elasticsearch is asked before every push."
    ),
    good=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code == 50126"),
    bad=Example('from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code like "501*"'),
    run=_run,
    silenceable=False,
)
