"""DEP031: the compiled query still asks for the wall clock."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes

_COMMENT = re.compile(r'"""(?:.*?)"""|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_NOW = re.compile(r"\bnow\s*\(", re.IGNORECASE)


def _run(subject: Subject) -> Iterator[Finding]:
    left = len(_NOW.findall(_COMMENT.sub("", subject.said.query)))
    calls = [node for node in subject.tree.walk() if isinstance(node, nodes.Call) and node.name == "now"]
    if left and calls:
        yield Finding(
            "now() stays in the rule's query: when Kibana catches up on a gap or previews the past, it is still the "
            "wall clock, not the time that the run is about",
            calls[-1].span,
            hint="where it is the hunt's window, make it a condition of its own in a WHERE before STATS",
        )


CHECK = Check(
    code="DEP031",
    title="now() stays in the query",
    level=Level.NOTE,
    explanation=(
        "The compiler takes the hunt's time window out of the query where that is safe, because a rule gets its "
        "time range from outside. A now() that stays (in an EVAL, in one of several windows) is the time of day "
        "at which the query runs. In normal operation that is the same; for a gap that is made up later, and for "
        "a preview of the past, it is not."
    ),
    good=Example("from logs-a-*\n| where @timestamp > now() - 7 days\n| stats c = count(*) by user.name"),
    bad=Example(
        "from logs-a-*\n| eval recent = @timestamp > now() - 1 day\n| where recent\n| stats c = count(*) by user.name"
    ),
    run=_run,
)
