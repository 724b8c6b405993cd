"""DEP050: what `fields:` and overlays say in Kibana's words has to be something that it takes for an ES|QL rule.

Kibana drops what it does not know without a word: the first push then tells a difference that no push can mend.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

import msgspec

from entra_deployer.checks.check import Check, Example, Finding, Subject
from entra_deployer.core.issue import Level
from entra_deployer.core.json import DoesNotFit, Json, decode, say_path
from entra_deployer.core.text import closest
from entra_deployer.objects.rule_fields import KEPT_ALWAYS, RULE_FIELDS, SERVER_SET

_OURS = frozenset({"rule_id", "type", "language", "query"})
"""What the hunt and the compiler say, and nobody else."""

type _Text = Annotated[str, msgspec.Meta(min_length=1)]
type _Texts = Annotated[list[str], msgspec.Meta(min_length=1)]
type _Objects = list[dict[str, Json]]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class _Duration(_Part, frozen=True):
    value: Annotated[int, msgspec.Meta(ge=1)]
    unit: Literal["s", "m", "h"]


class _Suppression(_Part, frozen=True):
    group_by: Annotated[list[str], msgspec.Meta(min_length=1, max_length=3)]
    duration: _Duration | None = None
    missing_fields_strategy: Literal["doNotSuppress", "suppress"] = "suppress"


class _Investigation(_Part, frozen=True):
    field_names: _Texts


class _Integration(_Part, frozen=True):
    package: _Text
    version: _Text
    integration: str = ""


class _Required(_Part, frozen=True):
    name: _Text
    type: _Text


class _Rule(msgspec.Struct, frozen=True):
    """The fields of an ES|QL rule with their types and bounds, as Kibana's rule schemas of 8.12 to 9.x have them."""

    name: _Text = "x"
    description: _Text = "x"
    severity: Literal["low", "medium", "high", "critical"] = "low"
    risk_score: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0
    enabled: bool = False
    tags: list[str] = []
    interval: Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d*[smhd]$")] = "5m"
    from_: str = msgspec.field(name="from", default="now-6m")
    to: str = "now"
    max_signals: Annotated[int, msgspec.Meta(ge=1)] = 100
    alert_suppression: _Suppression | None = None
    author: list[str] = []
    license: str = ""
    references: list[str] = []
    false_positives: list[str] = []
    note: str = ""
    setup: str = ""
    threat: _Objects = []
    related_integrations: list[_Integration] = []
    required_fields: list[_Required] = []
    investigation_fields: _Investigation | None = None
    risk_score_mapping: _Objects = []
    severity_mapping: _Objects = []
    rule_name_override: _Text | None = None
    timestamp_override: _Text | None = None
    timestamp_override_fallback_disabled: bool = False
    timeline_id: _Text | None = None
    timeline_title: _Text | None = None
    building_block_type: _Text | None = None
    output_index: str = ""
    namespace: _Text | None = None
    actions: _Objects = []
    exceptions_list: _Objects = []
    response_actions: _Objects = []


def _run(subject: Subject) -> Iterator[Finding]:
    said = subject.settings.settings.fields
    for name in sorted(said.keys() & _OURS):
        message = f"fields.{name}: the hunt says it, and nothing else may"
        yield Finding(message, hint="take it out of rule.yaml", setting=("fields", name))
    for name in sorted(subject.payload.keys() - RULE_FIELDS.keys() - KEPT_ALWAYS):
        yield Finding(_unknown(name), hint=_did_you_mean(name), setting=("fields", name))
    yield from _misfits({name: value for name, value in subject.payload.items() if value is not None})
    for number, action in enumerate(subject.settings.settings.actions):
        frequency = action.get("frequency") or {}
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


def _misfits(payload: Mapping[str, Json]) -> Iterator[Finding]:
    try:
        decode(payload, _Rule)
    except DoesNotFit as error:
        for misfit in error.misfits:
            message = f"{say_path(misfit.path)}: {misfit.message}" if misfit.path else misfit.message
            yield Finding(message, setting=("fields", *misfit.path))


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
