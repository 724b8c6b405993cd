"""DEP021: a column of the result that Kibana drops from the alert, because ECS has another idea of its name."""

from collections.abc import Iterator, Mapping, Set

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import output_columns
from entra_deployer.esql.conditions import strip_parentheses
from entra_deployer.esql.functions import FUNCTIONS, SAME
from entra_deployer.esql.types import family, literal_family


def _run(subject: Subject) -> Iterator[Finding]:
    out = set(output_columns(subject.tree))
    ecs, objects = subject.knowledge.ecs, subject.knowledge.ecs_groups
    made = {item.name: item for command in subject.tree.commands for item in _assignments(command)}
    for name, item in made.items():
        if name in out and item.named and (fault := _fault(name, item.value, ecs, objects)):
            yield Finding(
                f"the alert loses the column {name}: {fault}", item.span, hint=f"call it Esql.{_free(name)}, say"
            )


def _assignments(command: nodes.Command) -> tuple[nodes.Assignment, ...]:
    match command:
        case nodes.Eval(assignments=assignments):
            return assignments
        case nodes.Stats(aggregates=aggregates, groups=groups):
            return (*aggregates, *groups)
    return ()


def _free(name: str) -> str:
    return name.replace(".", "_")


def _fault(name: str, value: nodes.Expression, ecs: Mapping[str, str], objects: Set[str]) -> str:
    above = next((part for part in _parents(name) if part in ecs), "")
    if name.partition(".")[0] in ("kibana", "signal"):
        return "Kibana keeps that name for itself"
    if name in objects:
        return "in ECS that is a group of fields"
    if above:
        return f"in ECS {above} is a field, which has none below it"
    wanted, given = _family_of(name, ecs), _family(value, ecs)
    if wanted in _WORDS and given in _WORDS and _WORDS[wanted] != _WORDS[given]:
        return f"in ECS it holds {_WORDS[wanted]}, here {_WORDS[given]}"
    return ""


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def _family(value: nodes.Expression, ecs: Mapping[str, str]) -> str | None:
    """What kind of value an expression gives; None where that is not plain to see."""
    value = strip_parentheses(value)
    match value:
        case nodes.Column(name=name):
            return _family_of(name, ecs)
        case nodes.Call(name=name, arguments=arguments) if name in FUNCTIONS:
            gives = FUNCTIONS[name].gives
            return _family(arguments[0], ecs) if gives == SAME and arguments else gives or None
        case nodes.Literal(kind=kind):
            return literal_family(kind)
    return None


def _family_of(name: str, ecs: Mapping[str, str]) -> str | None:
    return family(ecs.get(name, ""))


_WORDS: Mapping[str | None, str] = {
    "string": "text",
    "version": "text",
    "number": "a number",
    "ip": "an address",
    "date": "a date",
    "boolean": "true or false",
}
"""What is told apart here, by family."""


CHECK = Check(
    code="DEP021",
    title="a column that the alert loses",
    level=Level.WARNING,
    explanation=(
        "Kibana copies the columns of the result into the alert, whose fields are those of ECS. A column that is "
        "called as a group of fields in ECS (`user`, `source`), as something below a field (`source.ip.count`), "
        "as Kibana's own (`kibana.*`, `signal`), or as a field of another type (`source.port` with text in it), "
        "is removed from the alert without a word. Elastic's convention for a rule's own columns is the prefix "
        "`Esql.`."
    ),
    good=Example("from logs-a-*\n| stats Esql.users = count_distinct(user.name) by source.ip"),
    bad=Example("from logs-a-*\n| stats user = count_distinct(user.name) by source.ip"),
    run=_run,
)
