"""DEP015: a negation drops the documents that lack the field."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import conditions, conjuncts, strip_parentheses


def _run(subject: Subject) -> Iterator[Finding]:
    settled = _settled(subject)
    for command in subject.tree.commands:
        if isinstance(command, nodes.Stats):
            return
        if isinstance(command, nodes.Where):
            for node, name in _negations(command.predicate):
                if name not in settled:
                    settled.add(name)
                    yield Finding(
                        f"a document without {name} is dropped here: the condition is then null, not true",
                        node.span,
                        hint=f"if such documents count, write `({name} IS NULL OR ...)`",
                    )
        settled |= set(made_columns(command))


def _negations(predicate: nodes.Expression) -> Iterator[tuple[nodes.Expression, str]]:
    """The comparisons that hold for what something is not, with the column that they are about."""
    for condition in conditions(predicate):
        if condition.excludes:
            columns = [side.name for side in _sides(condition.node) if isinstance(side, nodes.Column)]
            if len(columns) == 1:
                yield condition.node, columns[0]


def _sides(node: nodes.Expression) -> Iterator[nodes.Expression]:
    """What a comparison compares, of a function its first argument."""
    match node:
        case nodes.Binary(operator="!=" | "==", left=left, right=right):
            yield from map(strip_parentheses, (left, right))
        case nodes.In(value=value) | nodes.Like(value=value) | nodes.Call(arguments=(value, *_)):
            yield strip_parentheses(value)


def _settled(subject: Subject) -> set[str]:
    """The columns of which the query itself says what a missing one means, or that it requires by another condition."""
    named = {
        side.name
        for node in subject.tree.walk()
        if isinstance(node, nodes.IsNull) and isinstance(side := strip_parentheses(node.value), nodes.Column)
    }
    return named | _required(subject)


def _required(subject: Subject) -> set[str]:
    found: set[str] = set()
    for command in subject.tree.commands:
        for part in conjuncts(command.predicate) if isinstance(command, nodes.Where) else ():
            match part:
                case nodes.Binary(operator="==", left=value) | nodes.In(value=value, negated=False):
                    found |= {value.name} if isinstance(value, nodes.Column) else set()
                case nodes.Like(value=value, negated=False):
                    found |= {value.name} if isinstance(value, nodes.Column) else set()
    return found


CHECK = Check(
    code="DEP015",
    title="a negation drops the documents that lack the field",
    level=Level.WARNING,
    explanation=(
        'In ES|QL a comparison with a missing value is null, and WHERE keeps what is true. So `x != "a"` and '
        '`NOT x LIKE "a*"` keep only documents that have the field `x`. A detection that excludes what is known '
        "to be good then excludes all events in which the field is missing, without a word: an event whose "
        "address has no autonomous system, say.\n\n"
        'If such events count, write `(x IS NULL OR x != "a")`. If they do not, say so: `x IS NOT NULL AND x != '
        '"a"`, or silence the check in rule.yaml with the reason.'
    ),
    good=Example('from logs-a-*\n| where source.domain is null or source.domain != "corp.example"'),
    bad=Example('from logs-a-*\n| where source.domain != "corp.example"'),
    run=_run,
)
