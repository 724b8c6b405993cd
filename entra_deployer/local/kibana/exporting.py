"""POST /api/detection_engine/rules/_export: rules, what they refer to, a line that counts (records 539-551)."""

import json
from collections.abc import Sequence
from typing import Final

from entra_deployer.local.kibana import connectors, exceptions, rules, spaces
from entra_deployer.local.kibana.errors import core
from entra_deployer.local.kibana.schema import Fields, Many, Nullable, Text
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import Stored
from entra_deployer.model.values import Json

BODY: Final = Nullable(Fields({"objects": Many(Fields({"rule_id": Text()}))}))


def export(kibana: Kibana, call: Call) -> Answer:
    """The route: the rules that the body names by rule_id, or all."""
    body = rules.validated(BODY, call.body)
    leave_out = rules.flag(call, "exclude_export_details")
    spaces.require(kibana, call.space)
    name = call.one("file_name") or "export.ndjson"
    if not name.isprintable():
        raise core(500, "An internal server error occurred")
    if body is None:
        found, missing = list(rules.every(kibana, call.space)), []
    else:
        wanted = list(dict.fromkeys(one["rule_id"] for one in body["objects"]))
        known = rules.by_rule_ids(kibana, call.space, wanted)
        found, missing = [known[one] for one in wanted if one in known], [one for one in wanted if one not in known]
    return answer(kibana, call, found, name, missing=missing, bare=leave_out)


def answer(  # noqa: PLR0913 -- two of them are options
    kibana: Kibana, call: Call, found: list[Stored], name: str, *, missing: Sequence[str] = (), bare: bool = False
) -> Answer:
    """The file of some rules; `bare` is without what they refer to and without the counts."""
    exported = [stored.source["rule"] for stored in found]
    lines = list(exported)
    if not bare:
        lists, items = _exceptions(kibana, call, exported)
        used = connectors.of(kibana, call.space, (action for rule in exported for action in rule["actions"]))
        lines += lists + items + [_connector_line(one) for one in used]
        lines.append(_details(exported, missing, len(lists), len(items), len(used)))
    headers = {"content-type": "application/ndjson", "content-disposition": f'attachment; filename="{name}"'}
    return Answer("".join(_compact(line) + "\n" for line in lines), headers=headers)


def _compact(line: Json) -> str:
    return json.dumps(line, separators=(",", ":"), ensure_ascii=False)


def _exceptions(kibana: Kibana, call: Call, exported: list[rules.Rule]) -> tuple[list[Json], list[Json]]:
    references = {one["list_id"]: one["namespace_type"] for rule in exported for one in rule["exceptions_list"]}
    lists, items = [], []
    for list_id, namespace_type in references.items():
        found = exceptions.find_list(kibana, call.space, list_id, namespace_type)
        if found:
            lists.append(found)
            items += exceptions.items_of(kibana, call.space, list_id, namespace_type)
    return lists, items


def _connector_line(connector: Json) -> Json:
    return {
        "id": connector["id"],
        "type": "action",
        "attributes": {
            "actionTypeId": connector["connector_type_id"],
            "name": connector["name"],
            "isMissingSecrets": connector["is_missing_secrets"],
            "config": connector["config"],
            "secrets": {},
        },
        "references": [],
        "managed": False,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "8.3.0",
    }


def _details(exported: list[rules.Rule], missing: Sequence[str], lists: int, items: int, used: int) -> Json:
    return {
        "exported_count": len(exported) + lists + items + used,
        "exported_rules_count": len(exported),
        "missing_rules": [{"rule_id": one} for one in missing],
        "missing_rules_count": len(missing),
        "exported_exception_list_count": lists,
        "exported_exception_list_item_count": items,
        "missing_exception_list_item_count": 0,
        "missing_exception_list_items": [],
        "missing_exception_lists": [],
        "missing_exception_lists_count": 0,
        "exported_action_connector_count": used,
        "missing_action_connection_count": 0,
        "missing_action_connections": [],
        "excluded_action_connection_count": 0,
        "excluded_action_connections": [],
    }
