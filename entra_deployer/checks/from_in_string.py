"""DEP022: on 8.12 the word "from" in a string makes the rule read from another index."""

from collections.abc import Iterator

from entra_deployer import facts
from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql.features import from_in_strings


def _run(subject: Subject) -> Iterator[Finding]:
    if not facts.FROM_ON_TREE.holds(subject.target.version):
        for span in from_in_strings(subject.tree):
            yield Finding(
                "8.12 takes the word after the last `from` for the index, in a string too: the rule would see no event",
                span,
                hint="write the text so that no white space follows `from` (with CONCAT, or `?` in a LIKE)",
            )


CHECK = Check(
    code="DEP022",
    title='the word "from" in a string (8.12)',
    level=Level.ERROR,
    explanation=(
        "Kibana 8.12 finds a rule's index by searching the text of the query for `from <word>` and takes the "
        "last one, in comments and strings too. The compiler rewrites comments; what a string says is the "
        "detection itself, and yours to change."
    ),
    good=Example('from logs-a-*\n| where message like "*from?outside*"', version="8.12"),
    bad=Example('from logs-a-*\n| where message like "*from outside*"', version="8.12"),
    run=_run,
)
