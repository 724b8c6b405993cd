"""Rules as resources of the Terraform provider elastic/elasticstack.

Source: the schema of `elasticstack_kibana_security_detection_rule` in that provider, November 2026.
"""

import json
import re
from collections.abc import Mapping

from entra_deployer.core.json import Json
from entra_deployer.exchange.foreign import Body, Loss

_RESOURCE = "elasticstack_kibana_security_detection_rule"
_AS_THEY_ARE = (
    *("name", "rule_id", "type", "language", "enabled", "description", "severity", "risk_score"),
    *("from", "to", "interval", "max_signals", "author", "license", "tags", "references", "false_positives"),
    *("note", "setup", "building_block_type", "namespace", "rule_name_override", "timestamp_override"),
    *("timestamp_override_fallback_disabled", "timeline_id", "timeline_title", "threat"),
    *("risk_score_mapping", "severity_mapping", "related_integrations", "required_fields", "query"),
)
_CHANGED = ("investigation_fields", "alert_suppression")


def write_resource(folder: str, payload: Body) -> tuple[str, tuple[Loss, ...]]:
    """The resource of a compiled rule, called as its hunt's folder, and what it cannot say."""
    fields: dict[str, Json] = {name: payload[name] for name in _AS_THEY_ARE if payload.get(name) not in (None, "", [])}
    losses: list[Loss] = []
    if isinstance(shown := payload.get("investigation_fields"), Mapping):
        fields["investigation_fields"] = shown.get("field_names")
    if isinstance(suppression := payload.get("alert_suppression"), Mapping):
        fields["alert_suppression"] = {**suppression, **_duration(suppression.get("duration"))}
        if "duration" not in suppression:
            losses.append(Loss("alert_suppression.duration", "without one the provider has a default of its own"))
    start = str(payload.get("from", ""))
    if not re.fullmatch(r"now-\d+[smhd]", start):
        losses.append(Loss("from", f"the provider takes now-<n>s, m, h or d, not {start!r}"))
    known = {*_AS_THEY_ARE, *_CHANGED}
    unsaid = sorted(name for name, value in payload.items() if name not in known and value not in (None, "", [], {}))
    losses += [Loss(name, "the provider has no word for it") for name in unsaid]
    name = re.sub(r"[^A-Za-z0-9_-]", "_", folder)
    label = name if re.match(r"[A-Za-z_]", name) else f"_{name}"
    body = "".join(f"  {key} = {_value(value, 1)}\n" for key, value in fields.items())
    return f'resource "{_RESOURCE}" "{label}" {{\n{body}}}\n', tuple(losses)


def _duration(value: Json) -> dict[str, Json]:
    """Kibana's {value, unit} as the provider has it: 15m."""
    return {"duration": f"{value['value']}{value['unit']}"} if isinstance(value, Mapping) else {}


def _value(value: Json, depth: int) -> str:
    """A value as HCL writes it."""
    inner, outer = "  " * (depth + 1), "  " * depth
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        entries = "".join(
            f"{inner}{name} = {_value(item, depth + 1)}\n" for name, item in value.items() if item is not None
        )
        return f"{{\n{entries}{outer}}}"
    if isinstance(value, list | tuple):
        if all(isinstance(item, str) for item in value):
            return f"[{', '.join(_text(str(item)) for item in value)}]"
        return "[\n" + "".join(f"{inner}{_value(item, depth + 1)},\n" for item in value) + f"{outer}]"
    return json.dumps(value)


_NOT_HCL = {r"\b": r"\u0008", r"\f": r"\u000c"}


def _text(value: str) -> str:
    """A quoted text: JSON's escapes are HCL's too, but for those of UTF-16's halves and for what begins a template."""
    written = json.dumps(value, ensure_ascii=False)
    written = re.sub(r"[\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", written)
    # escape by escape: what follows an escaped backslash is a letter
    written = re.sub(r"\\(.)", lambda found: _NOT_HCL.get(found[0], found[0]), written)
    return re.sub(r"([$%])\{", r"\1\1{", written)
