"""DEP040: a value that a field of the source never has, or a field that its events never have."""

import re
from collections.abc import Iterator
from difflib import get_close_matches

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.data.integrations import Stream
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import made_columns
from entra_deployer.esql.conditions import Comparison, conjuncts, strip_parentheses, text_comparisons

_ALLOWED = {
    "event.outcome": "failure success unknown",
    "event.kind": "alert asset enrichment event metric state pipeline_error signal",
    "event.category": "api authentication configuration database driver email file host iam intrusion_detection "
    "library malware network package process registry session threat vulnerability web",
    "event.type": "access admin allowed change connection creation deletion denied device end error group indicator "
    "info installation protocol start user",
    "host.os.type": "linux macos unix windows ios android",
}
"""The values that ECS allows."""
_STRICT = ("event.outcome", "event.kind")
"""Of these any other value is told; of the others, which sources fill as they like, another case of letters."""
_EXACT = ("==", "!=", "in", ":")


def _run(subject: Subject) -> Iterator[Finding]:
    return (finding for finding, other_case in value_findings(subject) if not other_case)


def value_findings(subject: Subject) -> Iterator[tuple[Finding, bool]]:
    """What is wrong with the values that a query asks for, and whether it is the case of letters alone."""
    streams = subject.streams
    made: set[str] = set()
    without_user = _variants_asked(subject, streams)
    for command in subject.tree.commands:
        for node in command.walk() if isinstance(command, nodes.Where | nodes.Stats) else ():
            for one in text_comparisons(node):
                column = strip_parentheses(one.value)
                if isinstance(column, nodes.Column) and column.name not in made:
                    yield from _value(one, column.name, streams)
                    for finding in _absent(column, streams, without_user, negated=one.negated):
                        yield finding, False
        made |= set(made_columns(command))
        if isinstance(command, nodes.Stats):
            return


def _value(one: Comparison, name: str, streams: tuple[Stream, ...]) -> Iterator[tuple[Finding, bool]]:
    if one.way not in _EXACT:
        return
    outcome = "always holds" if one.negated else "never holds"
    if name.endswith("country_iso_code") and not re.fullmatch("[A-Z]{2}", one.text):
        hint = f'write "{one.text.upper()}"' if len(one.text) == 2 else "write the two letters of ISO 3166: US, DE"
        yield (
            Finding(f'{name} holds two capital letters, so that "{one.text}" {outcome}', one.literal.span, hint=hint),
            False,
        )
        return
    allowed, strict = _allowed(name, streams)
    if not allowed or one.text in allowed:
        return
    same = [value for value in allowed if value.lower() == one.text.lower()]
    if not same and not strict:
        return
    close = same or get_close_matches(one.text, allowed, n=1, cutoff=0.6)
    hint = f'did you mean "{close[0]}"?' if close else f"its values are {', '.join(allowed[:8])}"
    finding = Finding(f'{name} never is "{one.text}": the condition {outcome}', one.literal.span, hint=hint)
    yield finding, bool(same)


def _allowed(name: str, streams: tuple[Stream, ...]) -> tuple[list[str], bool]:
    """The values of a field, and whether any other one is wrong."""
    listed = [stream.values[name] for stream in streams if name in stream.values]
    if listed and len(listed) == len(streams):
        return [value for values in listed for value in values], True
    constants = {stream.constants.get(name) for stream in streams}
    if streams and None not in constants:
        return sorted(str(value) for value in constants), True
    return _ALLOWED.get(name, "").split(), name in _STRICT


def _variants_asked(subject: Subject, streams: tuple[Stream, ...]) -> str:
    """The category of documents without a user that every event has to be of; "" where there is none."""
    asked: list[str] = []
    for command in subject.tree.commands:
        for part in conjuncts(command.predicate) if isinstance(command, nodes.Where) else ():
            texts = [one for one in text_comparisons(part) if one.way in ("==", "in") and not one.negated]
            names = {one.value.name for one in texts if isinstance(one.value, nodes.Column)}
            for stream in streams:
                field, values = stream.without_user
                if names == {field} and all(one.text in values for one in texts):
                    asked.append(texts[0].text)
    return asked[0] if asked else ""


def _never_has(stream: Stream, name: str) -> bool:
    """Whether no event has a field: what a few documents lack counts only where the pipeline itself was read."""
    return stream.package == "azure" and name in stream.absent


def _absent(
    column: nodes.Column, streams: tuple[Stream, ...], without_user: str, *, negated: bool
) -> Iterator[Finding]:
    if without_user and column.name.startswith("user."):
        message = f"events of {without_user} have no user.*: the condition on {column.name} never holds"
        yield Finding(message, column.span, hint="azure.signinlogs.properties.service_principal_name is there")
    elif streams and all(_never_has(stream, column.name) for stream in streams) and not negated:
        message = f"events of {', '.join(stream.name for stream in streams)} have no {column.name}: it never holds"
        yield Finding(message, column.span, hint="ask for event.action, or for a field of the integration's own")


CHECK = Check(
    code="DEP040",
    title="a value that the source never has",
    level=Level.WARNING,
    explanation=(
        'Values are compared letter by letter: `event.outcome == "failed"` never holds, because ECS knows failure, '
        "success and unknown. The check knows the values that ECS allows, codes of countries, and what Elastic's "
        "integrations set: the categories of Microsoft Entra ID's sign-ins, of which those of service principals and "
        "managed identities have no user.*; that its audit logs have no event.category."
    ),
    good=Example('from logs-azure.signinlogs-*\n| where event.outcome == "failure"'),
    bad=Example('from logs-azure.signinlogs-*\n| where event.outcome == "failed"'),
    run=_run,
)
