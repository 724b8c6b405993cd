"""POST /api/detection_engine/rules/_export: rules and a line that counts (records 539-551)."""

import json
from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import rules, spaces
from entra_deployer.local.kibana.errors import core, not_served
from entra_deployer.local.kibana.schema import fields, many, nullable, text
from entra_deployer.local.kibana.server import Answer, Call, Kibana

BODY: Final = nullable(fields({"objects": many(fields({"rule_id": text()}))}))
NONE: Final[dict[str, Json]] = {
    **{f"exported_{what}_count": 0 for what in ("exception_list", "exception_list_item", "action_connector")},
    **{f"{what}_count": 0 for what in ("missing_exception_list_item", "missing_exception_lists")},
    "missing_exception_list_items": [],
    "missing_exception_lists": [],
    **{f"{what}_action_connection_count": 0 for what in ("missing", "excluded")},
    **{f"{what}_action_connections": [] for what in ("missing", "excluded")},
}


def export(kibana: Kibana, call: Call) -> Answer:
    """The route: the rules that the body names by rule_id, or all."""
    body = rules.validated(BODY, call.body)
    bare = rules.flag(call, "exclude_export_details")
    spaces.require(kibana, call.space)
    name = call.one("file_name") or "export.ndjson"
    if not name.isprintable():
        raise core(500, "An internal server error occurred")
    missing: list[Json] = []
    if body is None:
        found = rules.every(kibana, call.space)
    else:
        wanted = list(dict.fromkeys(one["rule_id"] for one in body["objects"]))
        known = rules.by_rule_ids(kibana, call.space, wanted)
        found = [known[one] for one in wanted if one in known]
        missing = [{"rule_id": one} for one in wanted if one not in known]
    lines: list[Json] = [stored.source["rule"] for stored in found]
    if any(rule["exceptions_list"] or rule["actions"] for rule in lines) and not bare:
        raise not_served("rules are exported without what they refer to: exclude_export_details=true")
    if not bare:
        counts = {f"exported_{what}": len(lines) for what in ("count", "rules_count")}
        lines.append({**counts, "missing_rules": missing, "missing_rules_count": len(missing), **NONE})
    headers = {"content-type": "application/ndjson", "content-disposition": f'attachment; filename="{name}"'}
    content = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    return Answer(content, headers=headers)
