"""DEP041: what the rule reads: no index, every index, or the alerts that it writes itself."""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.conditions import conjuncts

_ALERTS = (".alerts-security.", ".internal.alerts-security.", ".siem-signals")
_RULE_FIELDS = ("kibana.alert.rule.", "signal.rule.")


def _run(subject: Subject) -> Iterator[Finding]:
    first = next((one for one in subject.tree.commands if not _is_setting(one)), subject.tree.commands[0])
    if isinstance(first, nodes.Other):
        word = first.word.upper()
        message = f"{word} reads no index: a rule with it finds the same in every run, whatever happens"
        yield Finding(message, first.span, hint="begin with FROM", level=Level.ERROR)
    for command in subject.tree.commands:
        for source in command.sources if isinstance(command, nodes.From) else ():
            yield from _source(subject, source)


def _is_setting(command: nodes.Command) -> bool:
    return isinstance(command, nodes.Other) and command.word == "set"


def _source(subject: Subject, source: nodes.Name) -> Iterator[Finding]:
    name = source.name.rpartition(":")[2]
    if name in ("*", "*,*", "_all"):
        message = "FROM * reads every index, whatever it is about: slow, and the types of a field may differ"
        yield Finding(message, source.span, hint="name the data streams: logs-*, or logs-endpoint.events.process-*")
    if name.startswith(_ALERTS) and not _knows_its_rules(subject.tree):
        message = "the rule reads alerts, its own among them: each may lead to the next"
        hint = f'leave its own out: WHERE kibana.alert.rule.name != "{subject.payload["name"]}"'
        yield Finding(message, source.span, hint=hint)


def _knows_its_rules(tree: nodes.Tree) -> bool:
    """Whether the query says of which rules the alerts may be."""
    for command in tree.commands:
        for part in conjuncts(command.predicate) if isinstance(command, nodes.Where) else ():
            names = [node.name for node in part.walk() if isinstance(node, nodes.Column)]
            if any(name.startswith(_RULE_FIELDS) for name in names):
                return True
    return False


CHECK = Check(
    code="DEP041",
    title="a rule that reads nothing, everything or its own alerts",
    level=Level.WARNING,
    explanation=(
        "ROW and SHOW read no index: a rule with them alerts in every run on no event at all. `FROM *` reads every "
        "index of the cluster, also such as have fields of the same names with other types, and every run costs "
        "accordingly. A rule over `.alerts-security.*` reads the alerts that it writes itself, unless a condition on "
        "kibana.alert.rule.* leaves them out."
    ),
    good=Example('from logs-a-*\n| where event.code == "1"'),
    bad=Example('from *\n| where event.code == "1"'),
    run=_run,
)
