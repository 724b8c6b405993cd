"""Many rules at once: _bulk_action (records 456-575), _export (539-551) and _import.

An import answers 200 once its form can be read (records 592-662, 1103-1108).
"""

import json
from dataclasses import dataclass, field
from typing import Final

from entra_deployer.core.json import Json, as_mapping, as_mappings, as_texts
from entra_deployer.local.kibana import bodies, datemath, exceptions, rules, things
from entra_deployer.local.kibana.auth import RULES_ALL
from entra_deployer.local.kibana.errors import Fault, core, detection, not_served, unauthorized
from entra_deployer.local.kibana.rule_schema import rule_body
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Problem, checked, exactly, fields, many, nullable, text, told, type_name
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Stored

ACTIONS: Final = ("delete", "disable", "enable", "export", "duplicate", "edit")
SERVED: Final = ACTIONS[:3]
MOST_IDS: Final = 100
ACTION_BODY: Final = fields({"action": text()}, {"query": text(), "ids": many(text(), least=1)})


def act(kibana: Kibana, call: Call) -> Answer:
    """The route: one action on rules named by object id, or by a filter, or on all."""
    body, is_dry = _checked_action(call.body), rules.flag(call, "dry_run")
    if "ids" in body and "query" in body:
        raise detection(400, "Both query and ids are sent. Define either ids or query in request payload.")
    if len(as_texts(body.get("ids"))) > MOST_IDS:
        raise detection(400, "More than 100 ids sent for bulk edit action.")
    things.require_space(kibana, call.space)
    chosen, missing = _chosen(kibana, call, body)
    errors: list[Json] = []
    forbidden: list[Rule] = []
    if missing:
        errors.append({"message": "Rule not found", "status_code": 500, "rules": [{"id": one} for one in missing]})
    done: dict[str, list[Rule]] = {"updated": [], "created": [], "deleted": [], "skipped": []}
    if body["action"] != "delete":
        call.must(RULES_ALL, unauthorized("bulkEdit"))
        done["updated"] = _switched(kibana, call, chosen, enabled=body["action"] == "enable", is_dry=is_dry)
    elif RULES_ALL in call.rights:
        done["deleted"] = [stored.part("rule") for stored in chosen]
        kibana.store.delete_all(RULES, [] if is_dry else [stored.id for stored in chosen])
    elif chosen:
        forbidden = [{name: stored.part("rule")[name] for name in ("id", "name")} for stored in chosen]
        errors.append({"message": str(unauthorized("delete")), "status_code": 403, "rules": forbidden})
    return _answer_to_action(done, errors, failed=len(missing) + len(forbidden), is_dry=is_dry)


def _checked_action(value: Json) -> Rule:
    chosen = value.get("action") if isinstance(value, dict) else None
    if chosen not in ACTIONS:
        problems = [problem for name in ACTIONS for problem in checked(exactly(name), chosen)[1]]
        found = [Problem("action", problem.message) for problem in problems]
        raise core(400, f"[request body]: {told([*found, Problem('edit', 'Required')])}")
    if chosen not in SERVED:
        raise not_served(f"the bulk actions are {', '.join(SERVED)}")
    return rules.validated(ACTION_BODY, value)


def _chosen(kibana: Kibana, call: Call, body: Rule) -> tuple[list[Stored], list[str]]:
    """The rules that a body names, and the ids that are not there."""
    if "ids" not in body:
        return rules.every(kibana, call.space, str(body.get("query", ""))), []
    ids = as_texts(body["ids"])
    query = {"bool": {"filter": [{"term": {"space": call.space}}, {"ids": {"values": ids}}]}}
    found = {stored.id: stored for stored in kibana.store.every(RULES, query)}
    return list(found.values()), [one for one in ids if one not in found]


def _switched(kibana: Kibana, call: Call, chosen: list[Stored], *, enabled: bool, is_dry: bool) -> list[Rule]:
    """The rules as they are afterwards; those that were so already are not written."""
    now: Rule = {"enabled": enabled, "updated_at": datemath.iso(kibana.clock()), "updated_by": call.user.name}
    other = [stored for stored in chosen if stored.part("rule")["enabled"] != enabled]
    documents = [(stored.id, rules.document(call.space, {**stored.part("rule"), **now}, stored)) for stored in other]
    kibana.store.write_all(RULES, [] if is_dry else documents)
    return [{**stored.part("rule"), "enabled": enabled} for stored in chosen]


def _answer_to_action(done: dict[str, list[Rule]], errors: list[Json], *, failed: int, is_dry: bool) -> Answer:
    succeeded = sum(map(len, done.values()))
    summary = {"failed": failed, "succeeded": succeeded, "skipped": 0, "total": succeeded + failed}
    attributes: dict[str, Json] = {"results": {name: [] for name in done} if is_dry else done, "summary": summary}
    if not failed:
        return Answer({"success": True, "rules_count": succeeded, "attributes": attributes})
    message = "Bulk edit partially failed" if succeeded else "Bulk edit failed"
    raise core(500, message, attributes={"errors": errors, **attributes})


EXPORT_BODY: Final = nullable(fields({"objects": many(fields({"rule_id": text()}))}))
NOTHING_EXPORTED: Final[dict[str, Json]] = {
    **{f"exported_{what}_count": 0 for what in ("exception_list", "exception_list_item", "action_connector")},
    **{f"{what}_count": 0 for what in ("missing_exception_list_item", "missing_exception_lists")},
    "missing_exception_list_items": [],
    "missing_exception_lists": [],
    **{f"{what}_action_connection_count": 0 for what in ("missing", "excluded")},
    **{f"{what}_action_connections": [] for what in ("missing", "excluded")},
}


def export(kibana: Kibana, call: Call) -> Answer:
    """The route: the rules that the body names by rule_id, or all."""
    body = rules.validated(EXPORT_BODY, call.body)
    bare = rules.flag(call, "exclude_export_details")
    things.require_space(kibana, call.space)
    name = call.one("file_name") or "export.ndjson"
    if not name.isprintable():
        raise core(500, "An internal server error occurred")
    missing: list[Json] = []
    if not body:
        found = rules.every(kibana, call.space)
    else:
        wanted = list(dict.fromkeys(str(one["rule_id"]) for one in as_mappings(body["objects"])))
        known = rules.by_rule_ids(kibana, call.space, wanted)
        found = [known[one] for one in wanted if one in known]
        missing = [{"rule_id": one} for one in wanted if one not in known]
    lines: list[Rule] = [stored.part("rule") for stored in found]
    if any(rule["exceptions_list"] or rule["actions"] for rule in lines) and not bare:
        raise not_served("rules are exported without what they refer to: exclude_export_details=true")
    if not bare:
        counts = {f"exported_{what}": len(lines) for what in ("count", "rules_count")}
        lines.append({**counts, "missing_rules": missing, "missing_rules_count": len(missing), **NOTHING_EXPORTED})
    headers = {"content-type": "application/ndjson", "content-disposition": f'attachment; filename="{name}"'}
    content = "".join(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n" for line in lines)
    return Answer(content, headers=headers)


MOST_IMPORTED: Final = 10_000
DETAILS: Final = {"exported_count", "exported_rules_count"}


@dataclass
class Report:
    """What became of the file: counts, and an error for each thing that went wrong."""

    rules: int = 0
    imported: int = 0
    errors: list[Json] = field(default_factory=list)
    connector_errors: list[Json] = field(default_factory=list)

    def fail(self, rule_id: str, status: int, message: Json, **more: Json) -> None:
        """Note what is wrong with one rule."""
        self.errors.append({**more, "rule_id": rule_id, "error": {"status_code": status, "message": message}})

    def answer(self) -> Answer:
        """The report as the route gives it."""
        body: Rule = {
            "exceptions_success": True,
            "exceptions_success_count": 0,
            "exceptions_errors": [],
            "rules_count": self.rules,
            "success": not self.errors,
            "success_count": self.imported,
            "errors": self.errors,
            "action_connectors_errors": self.connector_errors,
            "action_connectors_warnings": [],
            "action_connectors_success": not self.connector_errors,
            "action_connectors_success_count": 0,
        }
        return Answer(body)


def import_rules(kibana: Kibana, call: Call) -> Answer:
    """The route."""
    overwrite = rules.flag(call, "overwrite")
    rules.flag(call, "overwrite_exceptions")
    if not call.upload:
        raise detection(500, "Cannot read properties of undefined (reading 'hapi')")
    kind = bodies.extension(call.upload)
    if kind != ".ndjson":
        raise detection(400, f"Invalid file extension {kind}")
    lines = [line for line in bodies.lines(call.upload) if not _is_details(line.value)]
    if any(isinstance(line.value, dict) and "list_id" in line.value for line in lines):
        raise not_served("exception lists are made by their own route")
    if len(lines) > MOST_IMPORTED:
        raise detection(500, f"Can't import more than {MOST_IMPORTED} rules")
    report = Report()
    wanted = _readable(kibana, lines, report, overwrite=overwrite)
    if not things.has_space(kibana, call.space):  # told of each rule, in an answer of 200
        for rule in wanted:
            report.fail(str(rule["rule_id"]), 400, things.NO_SPACE)
    elif not _connectors_missing(kibana, call, wanted, report):
        _import_rules(kibana, call, wanted, report, overwrite=overwrite)
    return report.answer()


def _is_details(value: Json) -> bool:
    return isinstance(value, dict) and (bool(DETAILS & value.keys()) or value.get("type") == "action")


def _readable(kibana: Kibana, lines: list[bodies.Line], report: Report, *, overwrite: bool) -> list[Rule]:
    kind = rule_body(kibana.profile, imported=True)
    found: dict[str, Rule] = {}
    report.rules = len(lines)
    for line in lines:
        if line.problem:
            report.fail("(unknown id)", 400, line.problem)
            continue
        if not isinstance(line.value, dict):
            report.fail("(unknown id)", 400, ", ".join([f"Expected object, received {type_name(line.value)}"] * 3))
            continue
        clean, problems = checked(kind, line.value)
        if problems:
            report.fail("(unknown id)", 400, told(problems))
            continue
        body = as_mapping(clean)
        key = str(body["rule_id"])
        if key in found and not overwrite:
            report.fail(key, 400, f'More than one rule with rule-id: "{key}" found')
        found.pop(key, None)
        found[key] = body  # the last one wins
    return list(found.values())


def _connectors_missing(kibana: Kibana, call: Call, wanted: list[Rule], report: Report) -> bool:
    actions = [action for rule in wanted for action in as_mappings(rule.get("actions"))]
    missing = things.missing_connectors(kibana, call.space, actions)
    if not missing:
        return False
    users = [
        str(rule["rule_id"]) for rule in wanted if any(one["id"] in missing for one in as_mappings(rule.get("actions")))
    ]
    if len(missing) == 1:
        message = f"1 connector is missing. Connector id missing is: {missing[0]}"
    else:
        message = f"{len(missing)} connectors are missing. Connector ids missing are: {', '.join(missing)}"
    report.fail(",".join(users), 404, message, id=",".join(missing))
    report.connector_errors = list(report.errors[-1:])
    return True


def _import_rules(kibana: Kibana, call: Call, wanted: list[Rule], report: Report, *, overwrite: bool) -> None:
    existing = rules.by_rule_ids(kibana, call.space, [str(body["rule_id"]) for body in wanted])
    documents = []
    for body in wanted:
        key = str(body["rule_id"])
        old = existing.get(key)
        if old and not overwrite:
            report.fail(key, 409, f'rule_id: "{key}" already exists')
            continue
        if RULES_ALL not in call.rights:
            report.fail(key, 400, str(unauthorized("update" if old else "create")))
            continue
        body = _without_missing_lists(kibana, call, body, report)  # noqa: PLW2901 -- the corrected body
        try:
            rule = _merged(kibana, call, body, old)
            rules.check_whole(rule)
        except Fault as fault:
            report.fail(key, fault.status, fault.body["message"])
            continue
        documents.append((str(rule["id"]), rules.document(call.space, rule, old)))
    report.imported = len(kibana.store.write_all(RULES, documents))
    if documents:
        kibana.store.pause(3 if existing else 2)  # an import of any size waits three times, one over rules four times


def _merged(kibana: Kibana, call: Call, body: Rule, old: Stored | None) -> Rule:
    now, user = kibana.clock(), call.user.name
    if not old:
        return rules.with_id(rules.made(body, kibana.profile, user, now))
    rule = old.part("rule")
    if not kibana.profile.import_merges:
        return rules.replaced(rule, body, kibana.profile, user, now)
    return {**rules.patched(rule, body, user, now), "revision": rule["revision"]}


def _without_missing_lists(kibana: Kibana, call: Call, body: Rule, report: Report) -> Rule:
    kept, key = [], str(body["rule_id"])
    for one in as_mappings(body.get("exceptions_list")):
        list_id = str(one["list_id"])
        if exceptions.find_list(kibana, call.space, list_id, str(one["namespace_type"])):
            kept.append(one)
            continue
        what = f'references a non existent exception list of list_id: "{list_id}"'
        report.fail(key, 400, f'Rule with rule_id: "{key}" {what}. Reference has been removed.')
    return {**body, "exceptions_list": kept} if "exceptions_list" in body else body
