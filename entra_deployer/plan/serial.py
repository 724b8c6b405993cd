"""Plans as JSON and back: what `--out` writes, what `--plan` reads, and what the ledger keeps."""

import json
from collections.abc import Mapping
from pathlib import Path

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import read_bytes, write_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import DoesNotFit, parse_json
from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.ledger import PushEntry, PushState
from entra_deployer.objects.state import Kind, LiveObject, StateObject
from entra_deployer.plan.plan import Action, Change, ChangeResult, FieldDiff, FieldKept, Outcome, Plan

PLAN_FORMAT = 1


def plan_to_json(plan: Plan) -> Json:
    """All of a plan, so that it can be applied later."""
    return {
        "format_version": PLAN_FORMAT,
        "environment": plan.environment,
        "unchanged": plan.unchanged,
        "changes": [change_to_json(change) for change in plan.changes],
        "issues": [issue_to_json(issue) for issue in plan.issues],
    }


def plan_from_json(value: Json) -> Plan:
    """The plan that `plan_to_json` wrote. KeyError, TypeError or ValueError where it is not one."""
    if value["format_version"] != PLAN_FORMAT:
        raise ValueError(f"format_version {value['format_version']} is not {PLAN_FORMAT}")
    issues = tuple(_issue(item) for item in value["issues"])
    return Plan(
        environment=value["environment"],
        changes=tuple(change_from_json(item) for item in value["changes"]),
        unchanged=value["unchanged"],
        issues=issues,
        blockers=tuple(issue for issue in issues if issue.level is Level.ERROR),
    )


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan for `read_plan`. Raises InputError where it cannot be written."""
    text = json.dumps(plan_to_json(plan), indent=2, sort_keys=True, ensure_ascii=False)
    write_text(path, f"{text}\n", shown=str(path))


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises InputError where it cannot be read or is none."""
    data = read_bytes(path, shown=str(path))
    try:
        return plan_from_json(parse_json(data))
    except (DoesNotFit, ValueError, KeyError, TypeError) as error:
        hint = "make one by `deploy plan --out FILE`"
        raise InputError("this is not a plan", location=Location(str(path)), hint=hint) from error


def change_to_json(change: Change) -> Json:
    """One change with everything that applying or undoing it needs."""
    return {
        "action": change.action.value,
        "space": change.space,
        "kind": change.kind.value,
        "key": change.key,
        "name": change.name,
        "desired": _object_to_json(change.desired),
        "existing": _live_to_json(change.existing),
        "diffs": [diff_to_json(diff) for diff in change.diffs],
        "kept": [{"path": k.path, "existing": k.existing, "reason": k.reason} for k in change.kept],
    }


def diff_to_json(diff: FieldDiff) -> Json:
    """A field that differs, with both values."""
    return {"path": diff.path, "existing": diff.existing, "desired": diff.desired, "edited": diff.edited}


def change_from_json(value: Mapping[str, Json]) -> Change:
    """The change that `change_to_json` wrote."""
    return Change(
        action=Action(value["action"]),
        space=value["space"],
        kind=Kind(value["kind"]),
        key=value["key"],
        name=value["name"],
        desired=_object(value["desired"]),
        existing=_live(value["existing"]),
        diffs=tuple(FieldDiff(**item) for item in value["diffs"]),
        kept=tuple(FieldKept(**item) for item in value["kept"]),
    )


def result_to_json(result: ChangeResult) -> Json:
    """A change and what became of it."""
    return {**change_to_json(result.change), "outcome": result.outcome.value, "error": result.error}


def result_from_json(value: Mapping[str, Json]) -> ChangeResult:
    """The result that `result_to_json` wrote."""
    return ChangeResult(change_from_json(value), Outcome(value["outcome"]), value["error"])


def push_to_json(entry: PushEntry) -> Json:
    """A push without its results, which the ledger and the journal's files keep each in their own way."""
    return {
        "push_id": entry.push_id,
        "environment": entry.environment,
        "at": entry.at,
        "by": entry.by,
        "commit": entry.commit,
        "state": entry.state.value,
        "note": entry.note,
    }


def push_from_json(value: Mapping[str, Json]) -> PushEntry:
    """The push that `push_to_json` wrote, without results."""
    return PushEntry(
        push_id=value["push_id"],
        environment=value["environment"],
        at=value["at"],
        by=value["by"],
        commit=value["commit"],
        state=PushState(value["state"]),
        note=value.get("note", ""),
    )


def issue_to_json(issue: Issue) -> Json:
    """An issue; its place as path, line and column, 0 where not known."""
    place = issue.location
    return {
        "code": issue.code,
        "level": issue.level.value,
        "message": issue.message,
        "subject": issue.subject,
        "path": place.path if place else "",
        "line": place.line if place else 0,
        "column": place.column if place else 0,
        "hint": issue.hint or "",
    }


def _issue(value: Mapping[str, Json]) -> Issue:
    place = Location(value["path"], value["line"], value["column"]) if value["path"] else None
    return Issue(value["code"], Level(value["level"]), value["message"], value["subject"], place, value["hint"] or None)


def _object_to_json(one: StateObject | None) -> Json:
    if one is None:
        return None
    return {"kind": one.kind.value, "key": one.key, "name": one.name, "payload": dict(one.payload)}


def _object(value: Json) -> StateObject | None:
    return None if value is None else StateObject(Kind(value["kind"]), value["key"], value["name"], value["payload"])


def _live_to_json(live: LiveObject | None) -> Json:
    if live is None:
        return None
    return {
        "object": _object_to_json(live.object),
        "object_id": live.object_id,
        "revision": live.revision,
        "updated_at": live.updated_at,
        "updated_by": live.updated_by,
        "immutable": live.immutable,
    }


def _live(value: Json) -> LiveObject | None:
    if value is None:
        return None
    one = _object(value["object"])
    if one is None:
        raise ValueError("a live object without its content")
    return LiveObject(
        one, value["object_id"], value["revision"], value["updated_at"], value["updated_by"], value["immutable"]
    )
