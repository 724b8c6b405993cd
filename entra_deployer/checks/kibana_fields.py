"""DEP050: what `fields:` and overlays say in Kibana's words has to be something that it takes for an ES|QL rule.

Kibana drops what it does not know without a word: the first push then tells a difference that no push can mend.
"""

from collections.abc import Iterator

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.core.json import as_mapping
from entra_deployer.core.text import closest
from entra_deployer.objects.rule_fields import KEPT_ALWAYS, RULE_FIELDS, SERVER_SET
from entra_deployer.objects.rule_payload import MOST_GROUPS

_OURS = frozenset({"rule_id", "type", "language", "query"})
"""What the hunt and the compiler say, and nobody else."""


def _run(subject: Subject) -> Iterator[Finding]:
    said = subject.settings.settings.fields
    for name in sorted(said.keys() & _OURS):
        message = f"fields.{name}: the hunt says it, and nothing else may"
        yield Finding(message, hint="take it out of rule.yaml", setting=("fields", name))
    for name in sorted(subject.payload.keys() - RULE_FIELDS.keys() - KEPT_ALWAYS):
        yield Finding(_unknown(name), hint=_did_you_mean(name), setting=("fields", name))
    for misfit in subject.misfits:
        yield Finding(str(misfit), setting=("fields", *misfit.path))
    suppression = subject.said.alert_suppression
    if suppression and not 1 <= len(suppression.group_by) <= MOST_GROUPS:
        message = f"alert_suppression.group_by: must have 1 to {MOST_GROUPS} entries"
        yield Finding(message, setting=("fields", "alert_suppression", "group_by"))
    for number, action in enumerate(subject.settings.settings.actions):
        frequency = as_mapping(action.get("frequency"))
        if frequency.get("notifyWhen") == "onThrottleInterval" and not frequency.get("throttle"):
            message = f"actions[{number}].frequency: onThrottleInterval needs throttle"
            hint = "say throttle: 1h, for example"
            yield Finding(message, hint=hint, setting=("actions", number, "frequency"))


def _unknown(name: str) -> str:
    if name in SERVER_SET:
        return f"{name}: Kibana sets it by itself"
    return f"{name}: an ES|QL rule has no such field, and Kibana drops it without a word"


def _did_you_mean(name: str) -> str | None:
    close = closest(name, sorted(RULE_FIELDS.keys() - _OURS))
    return f"did you mean {close!r}?" if close else None


CHECK = Check(
    code="DEP050",
    title="a field that Kibana does not take",
    level=Level.ERROR,
    explanation=(
        "`fields:` in rule.yaml and the overlays of an environment are in Kibana's own words. A field that an ES|QL "
        "rule does not have is dropped without a word, and one of the wrong type makes Kibana refuse the rule."
    ),
    good=Example("from logs-a-*\n| keep user.name", rule_yaml="fields: {building_block_type: default}"),
    bad=Example("from logs-a-*\n| keep user.name", rule_yaml="fields: {filters: []}"),
    run=_run,
    silenceable=False,
)
