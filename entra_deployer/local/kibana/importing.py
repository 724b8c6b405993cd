"""POST /api/detection_engine/rules/_import: always 200 once the form can be read (records 592-662, 1103-1108)."""

from dataclasses import dataclass, field
from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import bodies, connectors, exceptions, rules, spaces
from entra_deployer.local.kibana.errors import Fault, detection, not_served, unauthorized
from entra_deployer.local.kibana.privileges import RULES_ALL
from entra_deployer.local.kibana.rule_schema import rule_body
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import checked, told, type_name
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Stored

MOST: Final = 10_000
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
        body = {
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
    spaces.require(kibana, call.space)
    if not call.upload:
        raise detection(500, "Cannot read properties of undefined (reading 'hapi')")
    kind = bodies.extension(call.upload)
    if kind != ".ndjson":
        raise detection(400, f"Invalid file extension {kind}")
    lines = [line for line in bodies.lines(call.upload) if not _is_details(line.value)]
    if any(isinstance(line.value, dict) and "list_id" in line.value for line in lines):
        raise not_served("exception lists are made by their own route")
    if len(lines) > MOST:
        raise detection(500, f"Can't import more than {MOST} rules")
    report = Report()
    wanted = _readable(kibana, lines, report, overwrite=overwrite)
    if not _connectors_missing(kibana, call, wanted, report):
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
        body, problems = checked(kind, line.value)
        if problems:
            report.fail("(unknown id)", 400, told(problems))
            continue
        if body["rule_id"] in found and not overwrite:
            report.fail(body["rule_id"], 400, f'More than one rule with rule-id: "{body["rule_id"]}" found')
        found.pop(body["rule_id"], None)
        found[body["rule_id"]] = body  # the last one wins
    return list(found.values())


def _connectors_missing(kibana: Kibana, call: Call, wanted: list[Rule], report: Report) -> bool:
    actions = [action for rule in wanted for action in rule.get("actions", [])]
    missing = connectors.missing(kibana, call.space, actions)
    if not missing:
        return False
    users = [rule["rule_id"] for rule in wanted if any(one["id"] in missing for one in rule.get("actions", []))]
    if len(missing) == 1:
        message = f"1 connector is missing. Connector id missing is: {missing[0]}"
    else:
        message = f"{len(missing)} connectors are missing. Connector ids missing are: {', '.join(missing)}"
    report.fail(",".join(users), 404, message, id=",".join(missing))
    report.connector_errors = list(report.errors[-1:])
    return True


def _import_rules(kibana: Kibana, call: Call, wanted: list[Rule], report: Report, *, overwrite: bool) -> None:
    existing = rules.by_rule_ids(kibana, call.space, [body["rule_id"] for body in wanted])
    documents = []
    for body in wanted:
        old = existing.get(body["rule_id"])
        if old and not overwrite:
            report.fail(body["rule_id"], 409, f'rule_id: "{body["rule_id"]}" already exists')
            continue
        if RULES_ALL not in call.rights:
            report.fail(body["rule_id"], 400, str(unauthorized("update" if old else "create")))
            continue
        body = _without_missing_lists(kibana, call, body, report)  # noqa: PLW2901 -- the corrected body
        try:
            rule = _merged(kibana, call, body, old)
            rules.check_whole(rule)
        except Fault as fault:
            report.fail(body["rule_id"], fault.status, fault.body["message"])
            continue
        documents.append((rule["id"], rules.document(call.space, rule, old.source["summary"] if old else None)))
    report.imported = len(kibana.store.write_all(RULES, documents))


def _merged(kibana: Kibana, call: Call, body: Rule, old: Stored | None) -> Rule:
    now, user = kibana.clock(), call.user.name
    if not old:
        return rules.with_id(rules.made(body, kibana.profile, user, now))
    rule = old.source["rule"]
    if not kibana.profile.import_merges:
        return rules.replaced(rule, body, kibana.profile, user, now)
    return {**rules.patched(rule, body, user, now), "revision": rule["revision"]}


def _without_missing_lists(kibana: Kibana, call: Call, body: Rule, report: Report) -> Rule:
    kept = []
    for one in body.get("exceptions_list", []):
        if exceptions.find_list(kibana, call.space, one["list_id"], one["namespace_type"]):
            kept.append(one)
            continue
        what = f'references a non existent exception list of list_id: "{one["list_id"]}"'
        report.fail(body["rule_id"], 400, f'Rule with rule_id: "{body["rule_id"]}" {what}. Reference has been removed.')
    return {**body, "exceptions_list": kept} if "exceptions_list" in body else body
