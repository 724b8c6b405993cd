"""DEP012: the target's version lacks a function, a command or an operator of the query."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql.features import features


def _run(subject: Subject) -> Iterator[Finding]:
    version = subject.target.version
    for feature in features(subject.tree):
        if feature.available(version) is False:
            yield Finding(
                f"{version.major}.{version.minor} does not have {feature.name}",
                feature.span,
                hint=f"the first to have it: {feature.first()}",
            )


CHECK = Check(
    code="DEP012",
    title="the target's version lacks something that the query uses",
    level=Level.ERROR,
    explanation=(
        "ES|QL grows with every version. Where Elastic's offline parser has the grammar of the target's version "
        "(8.19, 9.3, 9.4, 9.5) it answers; else a table of our own does, of functions, commands and operators "
        "with the first version of the 8 and of the 9 line that has them. What the table does not list is not "
        "known: `deploy check --stack` says `unknown` then, and the last word is Elasticsearch's, which is asked "
        "before every push."
    ),
    good=Example('from logs-a-*\n| where mv_contains(event.type, "start")', version="9.2"),
    bad=Example('from logs-a-*\n| where mv_contains(event.type, "start")', version="8.19"),
    run=_run,
    silenceable=False,
)
