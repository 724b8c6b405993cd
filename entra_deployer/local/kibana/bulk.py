"""POST /api/detection_engine/rules/_bulk_action (records 456-575)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from entra_deployer.local.kibana import datemath, rules, spaces
from entra_deployer.local.kibana.errors import core, detection, not_served, unauthorized
from entra_deployer.local.kibana.privileges import RULES_ALL
from entra_deployer.local.kibana.rules import Rule
from entra_deployer.local.kibana.schema import Exactly, Fields, Many, Problem, Text, told
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import RULES, Stored
from entra_deployer.model.values import Json

ACTIONS: Final = ("delete", "disable", "enable", "export", "duplicate", "edit")
SERVED: Final = ACTIONS[:3]
MOST_IDS: Final = 100
BODY: Final = Fields({"action": Text()}, {"query": Text(), "ids": Many(Text(), least=1)})


@dataclass
class Job:
    """One action on some rules, and what became of each; failures of one kind are told together."""

    kibana: Kibana
    call: Call
    body: Rule
    is_dry: bool
    updated: list[Rule] = field(default_factory=list)
    deleted: list[Rule] = field(default_factory=list)
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
    spaces.require(kibana, call.space)
    chosen = _chosen(job)
    if job.body["action"] != "delete":
        call.must(RULES_ALL, unauthorized("bulkEdit"))
    for stored in chosen:
        (_delete if job.body["action"] == "delete" else _switch)(job, stored.source["rule"])
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
    if chosen not in SERVED:
        raise not_served(f"the bulk actions are {', '.join(SERVED)}")
    body: Rule = rules.validated(BODY, value)
    return body


def _chosen(job: Job) -> list[Stored]:
    if "ids" not in job.body:
        return list(rules.every(job.kibana, job.call.space, job.body.get("query")))
    query = {"bool": {"filter": [{"term": {"space": job.call.space}}, {"ids": {"values": job.body["ids"]}}]}}
    found = {stored.id: stored for stored in job.kibana.store.every(RULES, query)}
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


def _write(job: Job, chosen: list[Stored]) -> None:
    job.kibana.store.delete_all(RULES, [rule["id"] for rule in job.deleted])
    summaries = {stored.id: stored.source["summary"] for stored in chosen}
    documents = [(rule["id"], rules.document(job.call.space, rule, summaries.get(rule["id"]))) for rule in job.to_write]
    job.kibana.store.write_all(RULES, documents)


def _answer(job: Job) -> Answer:
    done, failed = len(job.updated) + len(job.deleted), len(job.failed)
    summary = {"failed": failed, "succeeded": done, "skipped": 0, "total": done + failed}
    shown = {} if job.is_dry else {"updated": job.updated, "deleted": job.deleted}
    results = {"updated": [], "created": [], "deleted": [], "skipped": [], **shown}
    attributes = {"results": results, "summary": summary}
    if not job.failed:
        return Answer({"success": True, "rules_count": summary["total"], "attributes": attributes})
    message = "Bulk edit partially failed" if done else "Bulk edit failed"
    raise core(500, message, attributes={"errors": job.errors(), **attributes})
