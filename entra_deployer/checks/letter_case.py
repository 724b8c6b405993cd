"""DEP035: what TO_LOWER gives is compared with a constant in upper case, or the other way round."""

import re
from collections.abc import Iterator, Mapping

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.checks.unknown_values import value_findings
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import Comparison, strip_parentheses, text_comparisons
from entra_deployer.esql.functions import FUNCTIONS

_WORDS = {"to_lower": ("TO_LOWER", "upper", str.lower), "to_upper": ("TO_UPPER", "lower", str.upper)}
_NO_LETTERS = re.compile(r"\\.|\[[^]]*\]", re.DOTALL)


def _run(subject: Subject) -> Iterator[Finding]:
    yield from (finding for finding, other_case in value_findings(subject) if other_case)
    made: dict[str, str] = {}
    for command in subject.tree.commands:
        for part in command.assignments if isinstance(command, nodes.Eval) else (command,):
            yield from _faults(part, made)
            if isinstance(part, nodes.Assignment):
                made[part.name] = _function(part.value, made)
        if not isinstance(command, nodes.Eval):
            made.update(dict.fromkeys(made_columns(command), ""))


def _faults(part: nodes.Node, made: Mapping[str, str]) -> Iterator[Finding]:
    for node in part.walk():
        for one in text_comparisons(node):
            function = _function(one.value, made)
            if function and _is_other(one, function):
                name, other, fold = _WORDS[function]
                yield Finding(
                    f'"{one.text}" has letters in {other} case, and what {name} gives has none: the two never match',
                    one.literal.span,
                    hint=None if one.way == "rlike" else f'write "{fold(one.text)}"',
                )


def _function(value: nodes.Expression, made: Mapping[str, str]) -> str:
    """The function that decided on the case of a value; "" where none did."""
    match strip_parentheses(value):
        case nodes.Call(name="to_lower" | "to_upper" as name):
            return name
        case nodes.Call(name=name, arguments=(inner, *_)) if name in FUNCTIONS and FUNCTIONS[name].keeps_case:
            return _function(inner, made)
        case nodes.Column(name=name):
            return made.get(name, "")
    return ""


def _is_other(one: Comparison, function: str) -> bool:
    text = _NO_LETTERS.sub("", one.text) if one.way == "rlike" else one.text
    return _WORDS[function][2](text) != text


CHECK = Check(
    code="DEP035",
    title="a constant in the case that a value never has",
    level=Level.WARNING,
    explanation=(
        "TO_LOWER(x) has no upper-case letters, so that it never equals a constant that has some, nor begins with it "
        "or matches it as a pattern; with TO_UPPER it is the other way round. Nor does a field whose values ECS or the "
        "integration lists: event.outcome is failure, never Failure. A positive condition of this kind never "
        "holds, a negated one always does."
    ),
    good=Example('from logs-a-*\n| where to_lower(user.name) == "admin"'),
    bad=Example('from logs-a-*\n| where to_lower(user.name) == "Admin"'),
    run=_run,
)
