"""The body of an ES|QL rule as the routes take it (records 93-360), and the defaults of what it leaves out."""

import re
from typing import Final

from entra_deployer.core.json import Json
from entra_deployer.local.kibana import datemath
from entra_deployer.local.kibana.errors import not_served
from entra_deployer.local.kibana.profiles import Profile
from entra_deployer.local.kibana.schema import Kind, Problem, a, exactly, fields, many, nullable, number, one_of, text

TYPES: Final = ("eql", "query", "saved_query", "threshold", "threat_match", "machine_learning", "new_terms", "esql")
WRONG_TYPE: Final = "Invalid discriminator value. Expected " + " | ".join(f"'{name}'" for name in TYPES)
SEVERITIES: Final = ("low", "medium", "high", "critical")
ENDPOINT: Final = ("trusted_apps", "events", "host_isolation_exceptions", "blocklists")
LIST_TYPES: Final = ("detection", "rule_default", "endpoint", *(f"endpoint_{one}" for one in ENDPOINT))
NAMED: Final = {"id": text(), "name": text(), "reference": text()}
UUID: Final = text(
    test=re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}").fullmatch, complaint="Invalid uuid"
)
THROTTLE: Final = text(test=re.compile(r"no_actions|rule|[1-9]\d*[smhd]").fullmatch)

THREAT: Final = fields(
    {"framework": text(), "tactic": fields(NAMED)},
    {"technique": many(fields(NAMED, {"subtechnique": many(fields(NAMED))}))},
)
ACTION: Final = fields(
    {"action_type_id": text(), "group": text(), "id": text(), "params": a("object")},
    {
        "uuid": text(),
        "alerts_filter": a("object"),
        "frequency": fields(
            {
                "summary": a("boolean"),
                "notifyWhen": one_of("onActiveAlert", "onThrottleInterval", "onActionGroupChange"),
                "throttle": nullable(THROTTLE),
            }
        ),
    },
)
EXCEPTION_LIST: Final = fields(
    {"id": text(1), "list_id": text(1), "type": one_of(*LIST_TYPES), "namespace_type": one_of("agnostic", "single")}
)
SUPPRESSION: Final = fields(
    {"group_by": many(text(), least=1, most=3)},
    {
        "duration": fields({"value": number(least=1), "unit": one_of("s", "m", "h")}),
        "missing_fields_strategy": one_of("doNotSuppress", "suppress"),
    },
)
INTEGRATION: Final = fields({"package": text(1), "version": text(1)}, {"integration": text(1)})
FIELD: Final = fields({"name": text(1), "type": text(1)})
FIELD_WITH_ECS: Final = fields({"name": text(1), "type": text(1), "ecs": a("boolean")})

# What a rule has only where it was given.
KEPT: Final[dict[str, Kind]] = {
    "rule_name_override": text(),
    "timestamp_override": text(),
    "timestamp_override_fallback_disabled": a("boolean"),
    "timeline_id": text(),
    "timeline_title": text(),
    "license": text(),
    "note": text(),
    "building_block_type": text(),
    "namespace": text(),
    "meta": a("object"),
    "investigation_fields": fields({"field_names": many(text(1), least=1)}),
}
# What every rule has, with its default.
DEFAULTED: Final[dict[str, tuple[Kind, Json]]] = {
    "tags": (many(text()), []),
    "risk_score_mapping": (
        many(fields({"field": text(), "operator": exactly("equals"), "value": text()}, {"risk_score": number()})),
        [],
    ),
    "severity_mapping": (
        many(
            fields({"field": text(), "operator": exactly("equals"), "severity": one_of(*SEVERITIES), "value": text()})
        ),
        [],
    ),
    "interval": (text(), "5m"),
    "from": (text(test=datemath.looks_valid, complaint="Failed to parse date-math expression"), "now-6m"),
    "to": (text(), "now"),
    "actions": (many(ACTION), []),
    "exceptions_list": (many(EXCEPTION_LIST), []),
    "author": (many(text()), []),
    "false_positives": (many(text()), []),
    "references": (many(text()), []),
    "max_signals": (number(least=1), 100),
    "threat": (many(THREAT), []),
    "output_index": (text(), ""),
}
# What only the import of 8.12 takes, and every write of later versions.
EXTRA: Final[dict[str, Kind]] = {
    "setup": text(),
    "related_integrations": many(INTEGRATION),
    "required_fields": many(FIELD),
    "alert_suppression": SUPPRESSION,
    "response_actions": many(a("object")),
}
EXTRA_DEFAULTS: Final[dict[str, Json]] = {"setup": "", "related_integrations": [], "required_fields": []}

REQUIRED: Final[dict[str, Kind]] = {
    "name": text(1),
    "description": text(1),
    "risk_score": number(least=0, most=100),
    "severity": one_of(*SEVERITIES),
}
OWN: Final[dict[str, Kind]] = {"type": exactly("esql"), "language": exactly("esql"), "query": text()}


def rule_body(profile: Profile, *, imported: bool = False, more: dict[str, Kind] | None = None) -> Kind:
    """A whole rule: create, PUT, preview and import. Raises the 501 of the types of rules that it does not know."""
    optional = _parts(profile)
    required = {**REQUIRED, **(more or {})}
    if imported:
        required["rule_id"] = text()
        optional |= {"immutable": exactly(False)}  # noqa: FBT003 -- the value itself
        if not profile.crud_fields:
            names = ("setup", "related_integrations")
            optional |= {name: EXTRA[name] for name in names} | {"required_fields": many(FIELD_WITH_ECS)}
    else:
        optional |= {"rule_id": text(), "id": UUID}
    whole = fields(required | OWN, optional)

    def check(value: object, path: str, problems: list[Problem]) -> Json:
        if isinstance(value, dict) and value.get("type") != "esql":
            if value.get("type") in TYPES:
                raise not_served(f"the local API serves rules of type esql, not {value['type']}")
            problems.append(Problem(f"{path}.type" if path else "type", WRONG_TYPE))
            return None
        return whole(value, path, problems)

    return check


def patch_body(profile: Profile) -> Kind:
    """A part of a rule; what belongs to its type is looked at when the rule is known."""
    return fields({}, {**REQUIRED, **_parts(profile), "rule_id": text(), "id": UUID})


def _parts(profile: Profile) -> dict[str, Kind]:
    own: dict[str, Kind] = {"version": number(least=1), "enabled": a("boolean"), "throttle": THROTTLE}
    defaulted = {name: kind for name, (kind, _) in DEFAULTED.items()}
    return {**KEPT, **own, **defaulted, **{name: EXTRA[name] for name in profile.crud_fields}}
