"""DEP029: STARTS_WITH and ENDS_WITH with the text and the affix swapped."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes

_FUNCTIONS = ("starts_with", "ends_with")


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        match node:
            case nodes.Call(name=name, arguments=(nodes.Literal() as text, nodes.Column() as column)):
                if name in _FUNCTIONS:
                    yield Finding(
                        f"{name.upper()} asks whether its first argument begins or ends with the second: here, whether "
                        f"the constant {text.value!r} does with {column.name}",
                        node.span,
                        hint="swap the two",
                    )


CHECK = Check(
    code="DEP029",
    title="swapped arguments of STARTS_WITH or ENDS_WITH",
    level=Level.WARNING,
    explanation=(
        "STARTS_WITH(str, prefix) and ENDS_WITH(str, suffix) take the field first and what it may begin with second."
    ),
    good=Example('from logs-a-*\n| where starts_with(event.action, "Update")'),
    bad=Example('from logs-a-*\n| where starts_with("Update", event.action)'),
    run=_run,
)
