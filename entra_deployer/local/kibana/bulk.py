"""POST /api/detection_engine/rules/_bulk_action (records 456-575)."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from entra_deployer.local.kibana import datemath, exporting, rules, spaces
from entra_deployer.local.kibana.errors import core, detection, unauthorized
from entra_deployer.local.kibana.privileges import RULES_ALL
from entra_deployer.local.kibana.rule_schema import ACTION
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import AnyObject, Exactly, Fields, Kind, Many, Problem, Text, checked, told
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Stored
from entra_deployer.model.values import Json

ACTIONS: Final = ("delete", "disable", "enable", "export", "duplicate", "edit")
MOST_IDS: Final = 100
TAGS: Final = Many(Text())
SCHEDULE: Final = Fields({"interval": Text(), "lookback": Text()})
EDITS: Final[dict[str, Kind]] = {
    "add_tags": TAGS,
    "delete_tags": TAGS,
    "set_tags": TAGS,
    "add_index_patterns": TAGS,
    "delete_index_patterns": TAGS,
    "set_index_patterns": TAGS,
    "set_timeline": Fields({"timeline_id": Text(), "timeline_title": Text()}),
    "set_schedule": SCHEDULE,
    "add_rule_actions": Fields({"actions": Many(ACTION.relaxed())}),
    "set_rule_actions": Fields({"actions": Many(ACTION.relaxed())}),
}
PAST: Final = {"add": "added", "delete": "deleted", "set": "overwritten"}


@dataclass
class Job:
    """One action on some rules, and what became of each; failures of one kind are told together."""

    kibana: Kibana
    call: Call
    body: Rule
    is_dry: bool
    updated: list[Rule] = field(default_factory=list)
    created: list[Rule] = field(default_factory=list)
    deleted: list[Rule] = field(default_factory=list)
    skipped: list[Json] = field(default_factory=list)
    failed: list[tuple[Json, Json]] = field(default_factory=list)
    to_write: list[Rule] = field(default_factory=list)

    def fail(self, message: str, rule: Mapping[str, Json], code: str | None = None, *, status: int = 500) -> None:
        """Note the failure of one rule."""
        known = {name: rule[name] for name in ("id", "name") if name in rule}
        error = {"message": message, "status_code": status}
        self.failed.append(({**error, "err_code": code} if code else error, known))

    def errors(self) -> list[Json]:
        """The failures, those with the same message in one."""
        told_once: dict[str, Json] = {}
        for error, rule in self.failed:
            told_once.setdefault(error["message"], {**error, "rules": []})["rules"].append(rule)
        return list(told_once.values())


def act(kibana: Kibana, call: Call) -> Answer:
    """The route: one action on rules named by object id, or by a filter, or on all."""
    job = Job(kibana, call, _checked(call.body), rules.flag(call, "dry_run"))
    if "ids" in job.body and "query" in job.body:
        raise detection(400, "Both query and ids are sent. Define either ids or query in request payload.")
    if len(job.body.get("ids", [])) > MOST_IDS:
        raise detection(400, "More than 100 ids sent for bulk edit action.")
    if job.is_dry and job.body["action"] == "export":
        raise detection(400, "Export action doesn't support dry_run mode")
    spaces.require(kibana, call.space)
    chosen = _chosen(job)
    if job.body["action"] == "export":
        return exporting.answer(kibana, call, chosen, "rules_export.ndjson")
    if job.body["action"] != "delete":
        call.must(RULES_ALL, unauthorized("bulkEdit"))
    for stored in chosen:
        _ACTIONS[job.body["action"]](job, stored.source["rule"])
    if not job.is_dry:
        _write(job, chosen)
    return _answer(job)


def _checked(value: Json) -> Rule:
    chosen = value.get("action") if isinstance(value, dict) else None
    problems: list[Problem] = []
    for name in ACTIONS:
        Exactly(name).check(chosen, "action", problems)
    if chosen not in ACTIONS:
        raise core(400, f"[request body]: {told([*problems, Problem('edit', 'Required')])}")
    optional: dict[str, Kind] = {"query": Text(), "ids": Many(Text(), least=1)}
    required: dict[str, Kind] = {"action": Text()}
    if chosen == "edit":
        _check_edits(value, problems)
        required["edit"] = Many(AnyObject(), least=1)
    body: Rule = rules.validated(Fields(required, optional), value)
    return body


def _check_edits(value: Json, others: list[Problem]) -> None:
    for number, edit in enumerate(value.get("edit") or []):
        kind = EDITS.get(str(edit.get("type"))) if isinstance(edit, dict) else None
        wrong = [Problem(f"edit.{number}.type", "Invalid discriminator value")]
        problems = checked(kind, edit.get("value"))[1] if kind else wrong * 10
        if problems:
            raise core(400, f"[request body]: {told([*others, *problems])}")


def _chosen(job: Job) -> list[Stored]:
    if "ids" not in job.body:
        return list(rules.every(job.kibana, job.call.space, job.body.get("query")))
    query = {"bool": {"filter": [{"term": {"space": job.call.space}}, {"ids": {"values": job.body["ids"]}}]}}
    found = {stored.id: stored for stored in job.kibana.store.every(RULES, query)}
    if not (job.body["action"] == "edit" and found):  # an edit overlooks what is missing (record 569)
        for one in job.body["ids"]:
            if one not in found:
                job.fail("Rule not found", {"id": one})
    return list(found.values())


def _switch(job: Job, old: Rule) -> None:
    wanted = job.body["action"] == "enable"
    job.updated.append({**old, "enabled": wanted})
    if old["enabled"] != wanted:
        now = datemath.iso(job.kibana.clock())
        job.to_write.append({**old, "enabled": wanted, "updated_at": now, "updated_by": job.call.user.name})


def _delete(job: Job, old: Rule) -> None:
    if RULES_ALL in job.call.rights:
        job.deleted.append(old)
    else:
        job.fail(str(unauthorized("delete")), old, status=403)


def _duplicate(job: Job, old: Rule) -> None:
    now, user = datemath.iso(job.kibana.clock()), job.call.user.name
    new = {
        **old,
        "id": str(uuid.uuid4()),
        "rule_id": str(uuid.uuid4()),
        "name": f"{old['name']} [Duplicate]",
        "enabled": False,
        "immutable": False,
        "revision": 0,
        "created_at": now,
        "created_by": user,
        "updated_at": now,
        "updated_by": user,
    }
    job.created.append(new)
    job.to_write.append(new)


def _edit(job: Job, old: Rule) -> None:
    new = old
    for edit in job.body["edit"]:
        verb, _, what = edit["type"].partition("_")
        if what == "index_patterns":
            if job.is_dry:
                job.fail("ES|QL rule doesn't have index patterns", old, "ESQL_INDEX_PATTERN")
            else:
                job.fail(f"Index patterns can't be {PAST[verb]}. ES|QL rule doesn't have index patterns property", old)
            return
        new = {**new, **_EDITS[what](new, verb, edit["value"])}
    if new == old:
        job.skipped.append({"id": old["id"], "name": old["name"], "skip_reason": "RULE_NOT_MODIFIED"})
        return
    now = {"updated_at": datemath.iso(job.kibana.clock()), "updated_by": job.call.user.name}
    new = {**new, **now, "revision": old["revision"] + 1, "version": old["version"] + 1}
    job.updated.append(new)
    job.to_write.append(new)


def _edited_tags(rule: Rule, verb: str, value: Json) -> Rule:
    if verb == "set":
        return {"tags": list(dict.fromkeys(value))}
    if verb == "add":
        return {"tags": list(dict.fromkeys([*rule["tags"], *value]))}
    return {"tags": [tag for tag in rule["tags"] if tag not in value]}


def _edited_schedule(rule: Rule, verb: str, value: Json) -> Rule:  # noqa: ARG001 -- the shape of an edit
    spans = [datemath.duration(value[name]) for name in ("interval", "lookback")]
    total = sum((span for span in spans if span), timedelta())
    return {
        "interval": value["interval"],
        "from": f"now-{int(total.total_seconds())}s",
        "to": "now",
        "meta": {**rule.get("meta", {}), "from": value["lookback"]},
    }


def _edited_timeline(rule: Rule, verb: str, value: Json) -> Rule:  # noqa: ARG001 -- the shape of an edit
    return {"timeline_id": value["timeline_id"], "timeline_title": value["timeline_title"]}


def _edited_actions(rule: Rule, verb: str, value: Json) -> Rule:
    new = [{"group": "default", "uuid": str(uuid.uuid4()), **action} for action in value["actions"]]
    return {"actions": new if verb == "set" else [*rule["actions"], *new]}


def _write(job: Job, chosen: list[Stored]) -> None:
    job.kibana.store.delete_all(RULES, [rule["id"] for rule in job.deleted])
    summaries = {stored.id: stored.source["summary"] for stored in chosen}
    documents = [(rule["id"], rules.document(job.call.space, rule, summaries.get(rule["id"]))) for rule in job.to_write]
    job.kibana.store.write_all(RULES, documents)


def _answer(job: Job) -> Answer:
    done = len(job.updated) + len(job.created) + len(job.deleted)
    summary = {"failed": len(job.failed), "succeeded": done, "skipped": len(job.skipped)}
    summary["total"] = sum(summary.values())
    names = ("updated", "created", "deleted", "skipped")
    results = {name: [] if job.is_dry else getattr(job, name) for name in names}
    attributes = {"results": results, "summary": summary}
    if not job.failed:
        return Answer({"success": True, "rules_count": summary["total"], "attributes": attributes})
    message = "Bulk edit partially failed" if done or job.skipped else "Bulk edit failed"
    raise core(500, message, attributes={"errors": job.errors(), **attributes})


_EDITS: Final[dict[str, Callable[[Rule, str, Json], Rule]]] = {
    "tags": _edited_tags,
    "schedule": _edited_schedule,
    "timeline": _edited_timeline,
    "rule_actions": _edited_actions,
}
_ACTIONS: Final[dict[str, Callable[[Job, Rule], None]]] = {
    "enable": _switch,
    "disable": _switch,
    "delete": _delete,
    "duplicate": _duplicate,
    "edit": _edit,
}
