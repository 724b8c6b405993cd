"""The payload of an ES|QL rule as a type: what its fields may be.

Source: Kibana's rule schemas of 8.12 to 9.x.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import msgspec

from entra_deployer.core.json import DoesNotFit, Json, Misfit, decode

type _Text = Annotated[str, msgspec.Meta(min_length=1)]
type _Texts = Annotated[list[str], msgspec.Meta(min_length=1)]
type _Objects = list[dict[str, Json]]

MOST_GROUPS = 3
"""Fields that alerts are suppressed by, at most."""


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    pass


class SuppressionPeriod(_Part, frozen=True):
    """For how long an alert keeps others of its group away."""

    value: Annotated[int, msgspec.Meta(ge=1)]
    unit: Literal["s", "m", "h"]


class Suppression(_Part, frozen=True):
    """Which alerts become one. Of `group_by` Kibana takes one to MOST_GROUPS; without a duration it is within a run."""

    group_by: tuple[str, ...]
    duration: SuppressionPeriod | None = None
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


class RulePayload(msgspec.Struct, frozen=True):
    """The fields of an ES|QL rule with their types and bounds. What is not said is as Kibana would have it, or None."""

    name: _Text = ""
    description: _Text = ""
    query: str = ""
    severity: Literal["low", "medium", "high", "critical"] | None = None
    risk_score: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    enabled: bool = False
    tags: list[str] = []
    interval: Annotated[str, msgspec.Meta(pattern=r"^[1-9]\d*[smhd]$")] = "5m"
    from_: str = msgspec.field(name="from", default="now-6m")
    to: str = "now"
    max_signals: Annotated[int, msgspec.Meta(ge=1)] = 100
    alert_suppression: Suppression | None = None
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


def read_payload(payload: Mapping[str, Json]) -> tuple[RulePayload, Sequence[Misfit]]:
    """The payload without the fields that are not of their type, and what is wrong with those."""
    said = {name: value for name, value in payload.items() if value is not None}
    try:
        return decode(said, RulePayload), ()
    except DoesNotFit as error:
        wrong = {misfit.path[0] for misfit in error.misfits}
        return decode({name: said[name] for name in said.keys() - wrong}, RulePayload), error.misfits
