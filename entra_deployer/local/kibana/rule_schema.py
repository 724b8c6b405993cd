"""The body of an ES|QL rule as the routes take it (records 93-360), and the defaults of what it leaves out."""

import re
from typing import Final

from entra_deployer.local.kibana import datemath
from entra_deployer.local.kibana.errors import not_served
from entra_deployer.local.kibana.profiles import Profile
from entra_deployer.local.kibana.schema import (
    AnyObject,
    Exactly,
    Fields,
    Flag,
    Kind,
    Many,
    Nullable,
    Number,
    OneOf,
    Problem,
    Text,
)
from entra_deployer.model.values import Json

TYPES: Final = ("eql", "query", "saved_query", "threshold", "threat_match", "machine_learning", "new_terms", "esql")
WRONG_TYPE: Final = "Invalid discriminator value. Expected " + " | ".join(f"'{name}'" for name in TYPES)
SEVERITIES: Final = ("low", "medium", "high", "critical")
LIST_TYPES: Final = (
    "detection",
    "rule_default",
    "endpoint",
    "endpoint_trusted_apps",
    "endpoint_events",
    "endpoint_host_isolation_exceptions",
    "endpoint_blocklists",
)
NAMED: Final = {"id": Text(), "name": Text(), "reference": Text()}
UUID: Final = Text(
    test=re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch, complaint="Invalid uuid"
)
THROTTLE: Final = Text(test=re.compile(r"no_actions|rule|[1-9]\d*[smhd]").fullmatch)

THREAT: Final = Fields(
    {"framework": Text(), "tactic": Fields(NAMED)},
    {"technique": Many(Fields(NAMED, {"subtechnique": Many(Fields(NAMED))}))},
)
ACTION: Final = Fields(
    {"action_type_id": Text(), "group": Text(), "id": Text(), "params": AnyObject()},
    {
        "uuid": Text(),
        "alerts_filter": AnyObject(),
        "frequency": Fields(
            {
                "summary": Flag(),
                "notifyWhen": OneOf(("onActiveAlert", "onThrottleInterval", "onActionGroupChange")),
                "throttle": Nullable(THROTTLE),
            }
        ),
    },
)
EXCEPTION_LIST: Final = Fields(
    {"id": Text(1), "list_id": Text(1), "type": OneOf(LIST_TYPES), "namespace_type": OneOf(("agnostic", "single"))}
)
SUPPRESSION: Final = Fields(
    {"group_by": Many(Text(), least=1, most=3)},
    {
        "duration": Fields({"value": Number(least=1), "unit": OneOf(("s", "m", "h"))}),
        "missing_fields_strategy": OneOf(("doNotSuppress", "suppress")),
    },
)
INTEGRATION: Final = Fields({"package": Text(1), "version": Text(1)}, {"integration": Text(1)})
FIELD: Final = Fields({"name": Text(1), "type": Text(1)})
FIELD_WITH_ECS: Final = Fields({"name": Text(1), "type": Text(1), "ecs": Flag()})

# What a rule has only where it was given.
KEPT: Final[dict[str, Kind]] = {
    "rule_name_override": Text(),
    "timestamp_override": Text(),
    "timestamp_override_fallback_disabled": Flag(),
    "timeline_id": Text(),
    "timeline_title": Text(),
    "license": Text(),
    "note": Text(),
    "building_block_type": Text(),
    "output_index": Text(),
    "namespace": Text(),
    "meta": AnyObject(),
    "investigation_fields": Fields({"field_names": Many(Text(1), least=1)}),
}
# What every rule has, with its default.
DEFAULTED: Final[dict[str, tuple[Kind, Json]]] = {
    "tags": (Many(Text()), []),
    "risk_score_mapping": (
        Many(Fields({"field": Text(), "operator": Exactly("equals"), "value": Text()}, {"risk_score": Number()})),
        [],
    ),
    "severity_mapping": (
        Many(Fields({"field": Text(), "operator": Exactly("equals"), "severity": OneOf(SEVERITIES), "value": Text()})),
        [],
    ),
    "interval": (Text(), "5m"),
    "from": (Text(test=datemath.looks_valid, complaint="Failed to parse date-math expression"), "now-6m"),
    "to": (Text(), "now"),
    "actions": (Many(ACTION), []),
    "exceptions_list": (Many(EXCEPTION_LIST), []),
    "author": (Many(Text()), []),
    "false_positives": (Many(Text()), []),
    "references": (Many(Text()), []),
    "max_signals": (Number(least=1), 100),
    "threat": (Many(THREAT), []),
    "output_index": (Text(), ""),
}
# What only the import of 8.12 takes, and every write of later versions.
EXTRA: Final[dict[str, Kind]] = {
    "setup": Text(),
    "related_integrations": Many(INTEGRATION),
    "required_fields": Many(FIELD),
    "alert_suppression": SUPPRESSION,
    "response_actions": Many(AnyObject()),
}
EXTRA_DEFAULTS: Final[dict[str, Json]] = {"setup": "", "related_integrations": [], "required_fields": []}

REQUIRED: Final[dict[str, Kind]] = {
    "name": Text(1),
    "description": Text(1),
    "risk_score": Number(least=0, most=100),
    "severity": OneOf(SEVERITIES),
}
OWN: Final[dict[str, Kind]] = {"type": Exactly("esql"), "language": Exactly("esql"), "query": Text()}


class RuleBody:
    """A whole rule: create, PUT, preview and import. Raises the 501 of the types of rules it does not know."""

    def __init__(self, profile: Profile, *, imported: bool = False, more: dict[str, Kind] | None = None) -> None:
        optional: dict[str, Kind] = {**KEPT, "version": Number(least=1), "enabled": Flag(), "throttle": THROTTLE}
        optional |= {name: kind for name, (kind, _) in DEFAULTED.items()}
        optional |= {name: EXTRA[name] for name in profile.crud_fields}
        required = dict(REQUIRED)
        if imported:
            required["rule_id"] = Text()
            optional |= {"immutable": Exactly(value=False)}
            if not profile.crud_fields:
                names = ("setup", "related_integrations")
                optional |= {name: EXTRA[name] for name in names} | {"required_fields": Many(FIELD_WITH_ECS)}
        else:
            optional |= {"rule_id": Text(), "id": UUID}
        required |= more or {}
        self._fields = Fields(required | OWN, optional)

    def check(self, value: Json, path: str, problems: list[Problem]) -> Json:
        """See Kind."""
        if isinstance(value, dict) and value.get("type") != "esql":
            if value.get("type") in TYPES:
                raise not_served(f"the local API serves rules of type esql, not {value['type']}")
            problems.append(Problem(f"{path}.type" if path else "type", WRONG_TYPE))
            return value
        return self._fields.check(value, path, problems)


def patch_fields(profile: Profile) -> Fields:
    """A part of a rule; what belongs to its type is looked at when the rule is known."""
    body: dict[str, Kind] = {**REQUIRED, **KEPT, "version": Number(least=1), "enabled": Flag(), "throttle": THROTTLE}
    body |= {name: kind for name, (kind, _) in DEFAULTED.items()}
    body |= {name: EXTRA[name] for name in profile.crud_fields}
    return Fields({}, body | {"rule_id": Text(), "id": UUID})
