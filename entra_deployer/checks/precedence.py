"""DEP043: AND and OR side by side without brackets."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import strip_parentheses


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        if not (isinstance(node, nodes.Binary) and node.operator == "or"):
            continue
        for side in (node.left, node.right):
            if isinstance(side, nodes.Binary) and side.operator == "and":
                excludes = any(_is_negation(part) for part in (side.left, side.right))
                yield Finding(
                    "AND binds closer than OR, so that this condition belongs to one side of the OR alone",
                    side.span,
                    hint="put brackets around what belongs together",
                    level=None if excludes else Level.NOTE,
                )


def _is_negation(node: nodes.Expression) -> bool:
    match strip_parentheses(node):
        case nodes.Unary(operator="not") | nodes.Binary(operator="!="):
            return True
        case nodes.In(negated=True) | nodes.Like(negated=True):
            return True
    return False


CHECK = Check(
    code="DEP043",
    title="AND and OR without brackets",
    level=Level.WARNING,
    explanation=(
        "`a OR b AND c` means `a OR (b AND c)`. Where c leaves something out (`!=`, NOT), the usual slip is that it "
        "was meant for both sides, and what was to be left out alerts by way of a; elsewhere it is a note. Brackets "
        "say which is meant."
    ),
    good=Example('from logs-a-*\n| where (event.code == "1" or event.code == "2") and user.name != "svc"'),
    bad=Example('from logs-a-*\n| where event.code == "1" or event.code == "2" and user.name != "svc"'),
    run=_run,
)
