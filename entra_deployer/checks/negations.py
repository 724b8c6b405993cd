"""DEP015: a negation drops the documents that lack the field."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.expressions import bare, conjuncts


def _run(subject: Subject) -> Iterator[Finding]:
    settled = _settled(subject)
    for command in subject.tree.commands:
        if isinstance(command, nodes.Stats):
            return
        if isinstance(command, nodes.Where):
            for node, name in _negations(command.predicate, negated=False):
                if name not in settled:
                    settled.add(name)
                    yield Finding(
                        f"a document without {name} is dropped here: the condition is then null, not true",
                        node.span,
                        hint=f"if such documents count, write `({name} IS NULL OR ...)`",
                    )
        settled |= set(made_columns(command))


def _negations(node: nodes.Expression, *, negated: bool) -> Iterator[tuple[nodes.Expression, str]]:
    """The comparisons that hold for what something is not, with the column that they are about."""
    node = bare(node)
    match node:
        case nodes.Unary(operator="not", operand=operand):
            yield from _negations(operand, negated=not negated)
        case nodes.Binary(operator="and" | "or", left=left, right=right):
            yield from _negations(left, negated=negated)
            yield from _negations(right, negated=negated)
        case nodes.Binary(operator="!=" | "==" as operator, left=left, right=right):
            if (operator == "!=") != negated:
                yield from _about(node, left, right)
        case nodes.In(value=value, negated=inner) | nodes.Like(value=value, negated=inner):
            if inner != negated:
                yield from _about(node, value)
        case nodes.Call(arguments=arguments) if negated and arguments:
            yield from _about(node, arguments[0])


def _about(node: nodes.Expression, *sides: nodes.Expression) -> Iterator[tuple[nodes.Expression, str]]:
    columns = [side.name for side in map(bare, sides) if isinstance(side, nodes.Column)]
    if len(columns) == 1:
        yield node, columns[0]


def _settled(subject: Subject) -> set[str]:
    """The columns of which the query itself says what a missing one means, or that it requires by another condition."""
    named = {
        side.name
        for node in subject.tree.walk()
        if isinstance(node, nodes.IsNull) and isinstance(side := bare(node.value), nodes.Column)
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
