"""Rules as they are kept: made, replaced, patched, read, found (records 85-575)."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from entra_deployer.core.json import Json, as_int, as_mapping, as_mappings, worked_out
from entra_deployer.local.kibana import datemath, ecs, kql
from entra_deployer.local.kibana.errors import core, detection, not_served
from entra_deployer.local.kibana.profiles import Profile
from entra_deployer.local.kibana.rule_schema import DEFAULTED, EXTRA_DEFAULTS, KEPT, OWN, REQUIRED
from entra_deployer.local.kibana.schema import Kind, checked, told
from entra_deployer.local.kibana.server import Call, Kibana
from entra_deployer.local.kibana.store import PARAMETERS, RULES, Conflict, Stored

type Rule = Mapping[str, Json]


class ListOfExceptions(msgspec.Struct, frozen=True):
    """How a rule names a list of exceptions."""

    list_id: str
    type: str
    namespace_type: str


class Override(msgspec.Struct, frozen=True):
    """A column that decides on the severity or the risk score of an alert: on `severity`, where it has the `value`."""

    field: str
    value: str = ""
    severity: str = ""


class Period(msgspec.Struct, frozen=True):
    """For how long alerts are suppressed."""

    value: int
    unit: Literal["s", "m", "h"]


class Suppression(msgspec.Struct, frozen=True):
    """Which alerts become one."""

    group_by: tuple[str, ...]
    duration: Period | None = None
    missing_fields_strategy: str = "suppress"


class Known(msgspec.Struct, frozen=True, rename={"start": "from", "end": "to"}):
    """What the server itself reads of a rule that it keeps."""

    id: str
    rule_id: str
    name: str
    query: str
    interval: str
    start: str
    end: str
    enabled: bool
    revision: int
    max_signals: int
    severity: str
    risk_score: int | float
    exceptions_list: tuple[ListOfExceptions, ...]
    severity_mapping: tuple[Override, ...]
    risk_score_mapping: tuple[Override, ...]
    rule_name_override: str = ""
    timestamp_override: str = ""
    timestamp_override_fallback_disabled: bool = False
    alert_suppression: Suppression | None = None


def known(rule: Rule) -> Known:
    """What is read of a rule."""
    return msgspec.convert(rule, worked_out(Known))


VOLATILE: Final = {"id", "revision", "enabled", "created_at", "created_by", "updated_at", "updated_by"}
SORTS: Final = {
    **dict.fromkeys(("created_at", "createdAt"), "alert.attributes.createdAt"),
    **dict.fromkeys(("updated_at", "updatedAt"), "alert.attributes.updatedAt"),
    "name": "alert.attributes.name.keyword",
    "enabled": "alert.attributes.enabled",
}
KEYS: Final = ("alertTypeId", "enabled", "tags", "createdAt", "updatedAt", "name", "name.keyword")
MOST: Final = 10_000


def made(body: Rule, profile: Profile, user: str, now: datetime) -> Rule:
    """A new rule from a checked create or import body."""
    written = {name: body[name] for name in (*profile.crud_fields, *EXTRA_DEFAULTS) if name in body}
    rule: dict[str, Json] = {
        **{name: body[name] for name in (*REQUIRED, *OWN)},
        **{name: body[name] for name in KEPT if name in body},
        **{name: body.get(name, default) for name, (_, default) in DEFAULTED.items()},
        **EXTRA_DEFAULTS,
        **written,
        "rule_id": body.get("rule_id", str(uuid.uuid4())),
        "version": body.get("version", 1),
        "enabled": body.get("enabled", profile.new_rule_enabled),
        "immutable": False,
        "revision": 0,
    }
    if profile.rule_source:
        rule["rule_source"] = {"type": "internal"}
    return _stamped(_completed(rule), user, now, created=True)


def replaced(old: Rule, body: Rule, profile: Profile, user: str, now: datetime) -> Rule:
    """A rule after PUT: what the body leaves out goes back to its default, but for a few things that stay."""
    kept = {name: old[name] for name in EXTRA_DEFAULTS if name not in profile.crud_fields}
    new = {**made(body, profile, user, now), **kept}
    new |= {name: old[name] for name in ("id", "rule_id", "created_at", "created_by", "immutable")}
    new["version"] = body.get("version", old["version"])
    if "enabled" not in body:
        new["enabled"] = profile.put_enables or old["enabled"]
    return _revised(old, new)


def patched(old: Rule, body: Rule, user: str, now: datetime) -> Rule:
    """A rule after PATCH: what the body holds replaces what was there, whole."""
    changes = {name: value for name, value in body.items() if name not in {"id", "rule_id", "throttle"}}
    return _revised(old, _stamped(_completed({**old, **changes}), user, now, created=False))


def with_id(rule: Rule) -> Rule:
    """A new rule with an object id."""
    return {**rule, "id": str(uuid.uuid4())}


def check_whole(rule: Rule) -> None:
    """What is looked at only when a rule is saved: schedule, timeline, exception lists."""
    if datemath.duration(str(rule["interval"])) is None:
        complaint = f"string is not a valid duration: {rule['interval']}"
        raise detection(400, f"Error validating create data - [schedule.interval]: {complaint}")
    if sum(one["type"] == "rule_default" for one in as_mappings(rule["exceptions_list"])) > 1:
        raise detection(500, "More than one default exception list found on rule")


def pair_problems(body: Mapping[str, Json]) -> list[str]:
    """Fields that only come in pairs."""
    one, other = body.get("timeline_id"), body.get("timeline_title")
    if one and not other:
        return ['when "timeline_id" exists, "timeline_title" must also exist']
    if other and not one:
        return ['when "timeline_title" exists, "timeline_id" must also exist']
    return []


def validated(kind: Kind, value: object, where: str = "body") -> Mapping[str, Json]:
    """A checked body or query string, {} for null; raises the 400 that lists what is wrong."""
    clean, problems = checked(kind, value)
    if problems:
        raise core(400, f"[request {where}]: {told(problems)}")
    return as_mapping(clean)


def flag(call: Call, name: str) -> bool:
    """A true-or-false parameter of a query string; raises the 400 for any other value."""
    value = call.one(name) or "false"
    if value not in {"true", "false"}:
        choice = f"{name}: Invalid enum value. Expected 'true' | 'false', received '{value}'"
        raise core(400, f"[request query]: {choice}, {name}: Expected boolean, received string")
    return value == "true"


def _completed(rule: Rule) -> Rule:
    actions = [{"uuid": str(uuid.uuid4()), **action} for action in as_mappings(rule["actions"])]
    fields = [
        {"ecs": ecs.types().get(str(one["name"])) == one["type"], **one} for one in as_mappings(rule["required_fields"])
    ]
    return {**rule, "actions": actions, "required_fields": fields}


def _stamped(rule: Rule, user: str, now: datetime, *, created: bool) -> Rule:
    when = datemath.iso(now)
    first = {"created_at": when, "created_by": user} if created else {}
    return {**rule, **first, "updated_at": when, "updated_by": user}


def _revised(old: Rule, new: Rule) -> Rule:
    same = all(old.get(name) == new.get(name) for name in (old.keys() | new.keys()) - VOLATILE)
    return {**new, "revision": as_int(old["revision"]) + (not same)}


# -- keeping


def document(space: str, rule: Rule, over: Stored | None = None) -> Rule:
    """A rule as it is stored: itself, how its last run went, when it was switched on, what filters and sorts ask for.

    `over` is the one that stands; a rule that is switched on runs at once.
    """
    before: Rule = over.source if over else {}
    switched = rule["enabled"] and not (over and over.part("rule").get("enabled"))
    attributes = {
        "alertTypeId": "siem.esqlRule",
        "name": rule["name"],
        "tags": rule["tags"],
        "enabled": rule["enabled"],
        "createdAt": rule["created_at"],
        "updatedAt": rule["updated_at"],
        "params": {name: rule[field] for name, field in PARAMETERS.items()},
    }
    return {
        "space": space,
        "rule": rule,
        "summary": before.get("summary"),
        "switched_on": rule["updated_at"] if switched else before.get("switched_on"),
        "alert": {"attributes": attributes},
    }


def read(kibana: Kibana, space: str, rule_id: str | None, object_id: str | None) -> Stored | None:
    """A rule by its object id, or by its rule_id, which is pasted into a filter as it is (records 372, 1751-1753)."""
    if object_id is not None:
        found = kibana.store.get(RULES, object_id)
        return found if found and found.source["space"] == space else None
    hits, _ = find(kibana, space, f'alert.attributes.params.ruleId: "{rule_id}"', size=1)
    return hits[0] if hits else None


def find(kibana: Kibana, space: str, text: str | None, **more: Json) -> tuple[list[Stored], int]:
    """A page of the rules of a space that match a KQL filter, and how many match."""
    return kibana.store.search(RULES, _query(space, text), **more)


def every(kibana: Kibana, space: str, text: str | None = None) -> list[Stored]:
    """All rules of a space that match a KQL filter."""
    return list(kibana.store.every(RULES, _query(space, text)))


def _query(space: str, text: str | None) -> Json:
    """The Query DSL of a filter on the rules of a space; raises the answers to a bad filter."""
    try:
        return {"bool": {"filter": [{"term": {"space": space}}, kql.translate(text or "", _field)]}}
    except kql.SyntaxProblem as error:
        raise detection(500, str(error)) from error


def _field(key: str) -> str:
    kind, _, name = key.partition(".attributes.")
    if kind == "alert" and name.startswith("params.") and name.removeprefix("params.") not in PARAMETERS:
        raise not_served(f"filters ask for the parameters {', '.join(PARAMETERS)}")
    if not key.startswith("alert."):
        raise detection(400, f"This key '{key}' need to be wrapped by a saved object type like alert: Bad Request")
    if name not in KEYS and not name.startswith("params.") and key != "alert.id":
        raise detection(400, f"This key '{key}' does NOT exist in alert saved object index patterns: Bad Request")
    return key


def by_rule_ids(kibana: Kibana, space: str, rule_ids: list[str]) -> dict[str, Stored]:
    """The rules of a space with these rule_ids."""
    found: dict[str, Stored] = {}
    for start in range(0, len(rule_ids), 1000):
        some = [{"terms": {"alert.attributes.params.ruleId": rule_ids[start : start + 1000]}}]
        query = {"bool": {"filter": [{"term": {"space": space}}, *some]}}
        found |= {str(stored.part("rule")["rule_id"]): stored for stored in kibana.store.every(RULES, query)}
    return found


def save(kibana: Kibana, space: str, rule: Rule, *, over: Stored | None = None) -> Rule:
    """Write a rule, a new one or over the one that was read; raises the 409 of two writers at once."""
    object_id = over.id if over else str(rule.get("id") or uuid.uuid4())
    rule = {**rule, "id": object_id}
    try:
        kibana.store.write(RULES, object_id, document(space, rule, over), over=over)
    except Conflict as conflict:
        raise detection(409, f"[alert:{object_id}]: version conflict: {conflict}") from conflict
    return rule


def shown(stored: Stored) -> Rule:
    """A rule as GET shows it: with what its last execution said."""
    summary, rule = stored.source["summary"], stored.part("rule")
    return {**rule, "execution_summary": {"last_execution": summary}} if summary else rule
