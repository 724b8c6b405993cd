"""POST /api/detection_engine/rules/_bulk_action (records 456-575)."""

from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import datemath, rules, spaces
from entra_deployer.local.kibana.errors import core, detection, not_served, unauthorized
from entra_deployer.local.kibana.privileges import RULES_ALL
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Problem, checked, exactly, fields, many, text, told
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Stored

ACTIONS: Final = ("delete", "disable", "enable", "export", "duplicate", "edit")
SERVED: Final = ACTIONS[:3]
MOST_IDS: Final = 100
BODY: Final = fields({"action": text()}, {"query": text(), "ids": many(text(), least=1)})


def act(kibana: Kibana, call: Call) -> Answer:
    """The route: one action on rules named by object id, or by a filter, or on all."""
    body, is_dry = _checked(call.body), rules.flag(call, "dry_run")
    if "ids" in body and "query" in body:
        raise detection(400, "Both query and ids are sent. Define either ids or query in request payload.")
    if len(body.get("ids", [])) > MOST_IDS:
        raise detection(400, "More than 100 ids sent for bulk edit action.")
    spaces.require(kibana, call.space)
    chosen, missing = _chosen(kibana, call, body)
    errors = [{"message": "Rule not found", "status_code": 500, "rules": [{"id": one} for one in missing]}]
    errors = errors if missing else []
    done: dict[str, list[Rule]] = {"updated": [], "created": [], "deleted": [], "skipped": []}
    if body["action"] != "delete":
        call.must(RULES_ALL, unauthorized("bulkEdit"))
        done["updated"] = _switched(kibana, call, chosen, enabled=body["action"] == "enable", is_dry=is_dry)
    elif RULES_ALL in call.rights:
        done["deleted"] = [stored.source["rule"] for stored in chosen]
        kibana.store.delete_all(RULES, [] if is_dry else [stored.id for stored in chosen])
    elif chosen:
        names = [{name: stored.source["rule"][name] for name in ("id", "name")} for stored in chosen]
        errors.append({"message": str(unauthorized("delete")), "status_code": 403, "rules": names})
    return _answer(done, errors, is_dry=is_dry)


def _checked(value: Json) -> Rule:
    chosen = value.get("action") if isinstance(value, dict) else None
    if chosen not in ACTIONS:
        problems = [problem for name in ACTIONS for problem in checked(exactly(name), chosen)[1]]
        found = [Problem("action", problem.message) for problem in problems]
        raise core(400, f"[request body]: {told([*found, Problem('edit', 'Required')])}")
    if chosen not in SERVED:
        raise not_served(f"the bulk actions are {', '.join(SERVED)}")
    body: Rule = rules.validated(BODY, value)
    return body


def _chosen(kibana: Kibana, call: Call, body: Rule) -> tuple[list[Stored], list[str]]:
    """The rules that a body names, and the ids that are not there."""
    if "ids" not in body:
        return rules.every(kibana, call.space, body.get("query")), []
    query = {"bool": {"filter": [{"term": {"space": call.space}}, {"ids": {"values": body["ids"]}}]}}
    found = {stored.id: stored for stored in kibana.store.every(RULES, query)}
    return list(found.values()), [one for one in body["ids"] if one not in found]


def _switched(kibana: Kibana, call: Call, chosen: list[Stored], *, enabled: bool, is_dry: bool) -> list[Rule]:
    """The rules as they are afterwards; those that were so already are not written."""
    now = {"enabled": enabled, "updated_at": datemath.iso(kibana.clock()), "updated_by": call.user.name}
    other = [stored for stored in chosen if stored.source["rule"]["enabled"] != enabled]
    documents = [
        (stored.id, rules.document(call.space, {**stored.source["rule"], **now}, stored.source["summary"]))
        for stored in other
    ]
    kibana.store.write_all(RULES, [] if is_dry else documents)
    return [{**stored.source["rule"], "enabled": enabled} for stored in chosen]


def _answer(done: dict[str, list[Rule]], errors: list[Json], *, is_dry: bool) -> Answer:
    succeeded, failed = sum(map(len, done.values())), sum(len(error["rules"]) for error in errors)
    summary = {"failed": failed, "succeeded": succeeded, "skipped": 0, "total": succeeded + failed}
    attributes = {"results": {name: [] for name in done} if is_dry else done, "summary": summary}
    if not failed:
        return Answer({"success": True, "rules_count": succeeded, "attributes": attributes})
    message = "Bulk edit partially failed" if succeeded else "Bulk edit failed"
    raise core(500, message, attributes={"errors": errors, **attributes})
