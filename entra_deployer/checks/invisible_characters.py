"""DEP044: a character in a constant that nobody sees."""

import unicodedata
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes

_SPACES = ("\u00a0", "\u2007", "\u202f", "\u3000")


def _run(subject: Subject) -> Iterator[Finding]:
    for node in subject.tree.walk():
        if isinstance(node, nodes.Literal) and node.kind == "string":
            found = [sign for sign in str(node.value) if unicodedata.category(sign) == "Cf" or sign in _SPACES]
            if found:
                name = unicodedata.name(found[0], "a control character").lower()
                yield Finding(
                    f"the constant holds a character that nobody sees ({name}, U+{ord(found[0]):04X})",
                    node.span,
                    hint="type the constant anew: it was likely copied from a page or a chat",
                )


CHECK = Check(
    code="DEP044",
    title="an invisible character in a constant",
    level=Level.WARNING,
    explanation=(
        "A text that was copied from a web page or a chat may hold characters without a form: a space of zero width, a "
        "space that does not break. The constant looks right and equals nothing."
    ),
    good=Example('from logs-a-*\n| where event.outcome == "failure"'),
    bad=Example('from logs-a-*\n| where event.outcome == "failure\u200b"'),
    run=_run,
)
