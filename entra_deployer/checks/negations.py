"""DEP015: a negation drops the documents that lack the field."""

import re
from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns, read_fields
from entra_deployer.esql.conditions import conditions, conjuncts, strip_parentheses

_OFTEN_MISSING = re.compile(
    r"(^|\.)(as|geo|code_signature|pe|elf|hash|parent|entity_id|domain|user_agent|x509|registered_domain|answers|question"
    r"|entry_leader|session_leader|threat|vulnerability|url|referrer|full_name|email)(\.|$)"
)
"""Groups of fields that events of one kind have or lack, one by one."""
_ALERTS = (".alerts-", ".internal.alerts-")


def _run(subject: Subject) -> Iterator[Finding]:
    settled = _settled(subject)
    conditional = _without_else(subject)
    for command in subject.tree.commands:
        if isinstance(command, nodes.Stats):
            return
        if isinstance(command, nodes.Where):
            for node, name in _negations(command.predicate):
                if name in conditional and name not in settled:
                    settled.add(name)
                    yield Finding(
                        f"{name} is null where no condition of its CASE holds, and NOT of null is not true",
                        node.span,
                        hint="give the CASE a last value: CASE(..., true, false)",
                    )
                elif name not in settled:
                    settled.add(name)
                    yield Finding(
                        f"a document without {name} is dropped here: the condition is then null, not true",
                        node.span,
                        hint=f"if such documents count, write `({name} IS NULL OR ...)`",
                        level=None if _OFTEN_MISSING.search(name) else Level.NOTE,
                    )
        settled |= set(made_columns(command)) - conditional


def _without_else(subject: Subject) -> set[str]:
    """The columns of true and false that a CASE without a last value makes."""
    return {
        item.name
        for command in subject.tree.commands
        if isinstance(command, nodes.Eval)
        for item in command.assignments
        if isinstance(call := strip_parentheses(item.value), nodes.Call)
        if call.name == "case" and len(call.arguments) % 2 == 0
    }


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
        case nodes.Column():
            yield node


def _settled(subject: Subject) -> set[str]:
    """The columns of which a missing one is no matter.

    The query itself says what it means, or requires the column by another condition; it groups by it; the integration
    always sets it; or it is a field of alerts, which all of them have.
    """
    named = {
        side.name
        for node in subject.tree.walk()
        if isinstance(node, nodes.IsNull) and isinstance(side := strip_parentheses(node.value), nodes.Column)
    }
    keys = {key.name for command in subject.tree.commands if isinstance(command, nodes.Stats) for key in command.groups}
    streams = subject.streams
    always = frozenset.intersection(*(stream.always for stream in streams)) if streams else frozenset[str]()
    found = {"@timestamp", "event.kind", *named, *keys, *always, *_required(subject)}
    if subject.sources and all(source.rpartition(":")[2].startswith(_ALERTS) for source in subject.sources):
        found |= {name for name in read_fields(subject.tree) if name.startswith("kibana.alert.")}
    return found


def _required(subject: Subject) -> set[str]:
    """The columns that another condition of the query requires, in whichever way."""
    found: set[str] = set()
    for command in subject.tree.commands:
        for part in conjuncts(command.predicate) if isinstance(command, nodes.Where) else ():
            found |= _required_by(part)
    return found


def _required_by(part: nodes.Expression) -> set[str]:
    """The columns without which a condition does not hold."""
    part = strip_parentheses(part)
    match part:
        case nodes.Binary(operator="or", left=left, right=right):
            return _required_by(left) & _required_by(right)
        case nodes.Binary(operator="and", left=left, right=right):
            return _required_by(left) | _required_by(right)
        case nodes.Binary(operator="==" | ">" | ">=" | "<" | "<=", left=left, right=right):
            values = [left, right]
        case nodes.In(value=value, negated=False) | nodes.Like(value=value, negated=False) | nodes.Match(value=value):
            values = [value]
        case nodes.Call(arguments=arguments):
            values = list(arguments[:1])
        case _:
            return set()
    return {node.name for value in values for node in value.walk() if isinstance(node, nodes.Column)}


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
