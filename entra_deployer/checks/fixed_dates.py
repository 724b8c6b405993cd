"""DEP030: a fixed date in the query of a rule that runs for ever."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_ORDER = (">", ">=", "<", "<=")


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        match node:
            case nodes.Binary(operator=operator, left=left, right=right) if operator in _ORDER:
                sides = list(left.walk()) + list(right.walk())
                about = any(isinstance(side, nodes.Column) and side.name == "@timestamp" for side in sides)
                fixed = [side for side in sides if isinstance(side, nodes.Literal) and _DATE.fullmatch(str(side.value))]
                if about and fixed:
                    yield Finding(
                        f"the fixed date {fixed[0].value} stays where it is while the rule runs on",
                        node.span,
                        hint="write the window as `@timestamp > now() - 7 days`, or leave it to `lookback`",
                    )


CHECK = Check(
    code="DEP030",
    title="a fixed date",
    level=Level.WARNING,
    explanation=(
        "A hunt may look at certain days; a rule runs on. A lower bound that is fixed does nothing after a "
        "while, an upper bound makes the rule blind from that day on."
    ),
    good=Example("from logs-a-*\n| where @timestamp > now() - 7 days\n| keep user.name"),
    bad=Example('from logs-a-*\n| where @timestamp < "2025-03-01"\n| keep user.name'),
    run=_run,
)
