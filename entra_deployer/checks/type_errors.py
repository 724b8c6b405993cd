"""DEP011: Elastic's type checker refuses the query, given the fields of its sources."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql.parse import UNCHECKED
from entra_deployer.esql.tree import Span


def _run(subject: Subject) -> Iterator[Finding]:
    for problem in subject.problems:
        start = subject.tree.offset(problem.line, problem.column)
        if problem.kind == UNCHECKED:
            hint = "its types were not checked; a push asks Elasticsearch about it"
            yield Finding(problem.message, Span(start, start), hint=hint, level=Level.WARNING)
        else:
            yield Finding(problem.message, Span(start, start), hint="Elasticsearch would refuse the query here")


CHECK = Check(
    code="DEP011",
    title="types or names that Elasticsearch would refuse",
    level=Level.ERROR,
    explanation=(
        "The query parses, but not all of it means something: a function that does not exist or is called with "
        "too few arguments, a number compared with text, a column that an earlier KEEP has dropped. Elastic's "
        "own offline parser finds it: names of functions for every query, types where the fields of the sources "
        "are known."
    ),
    good=Example("from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code == 50126"),
    bad=Example('from logs-azure.signinlogs-*\n| where azure.signinlogs.properties.status.error_code like "501*"'),
    run=_run,
    silenceable=False,
)
