"""Plans and changes as JSON and back: what `--out` writes, what `--plan` reads, and what the ledger keeps."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct, field

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.files import read_bytes, write_text
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import DoesNotFit, Json, canonical, decode, decode_json
from entra_deployer.objects.state import FieldDiff, LiveObject, StateObject
from entra_deployer.plan.plan import Change, ChangeResult, Outcome, Plan

PLAN_FORMAT = 1


class _IssueDocument(Struct, frozen=True):
    code: str
    level: Level
    message: str
    subject: str
    path: str = ""
    line: int = 0
    column: int = 0
    hint: str = ""


class _ResultDocument(Struct, frozen=True):
    """What a result has beside the keys of its change."""

    outcome: Outcome = Outcome.PLANNED
    error: str = ""


class _PlanDocument(Struct, frozen=True):
    format_version: int
    environment: str
    unchanged: int
    changes: tuple[Change, ...]
    issues: tuple[_IssueDocument, ...]
    options: Mapping[str, Json] = field(default_factory=dict)
    digest: str = ""


class SavedPlan(Struct, frozen=True):
    """A plan from a file, with the options that it was made with ("adopt", "names", ...)."""

    plan: Plan
    options: Mapping[str, Json]


def plan_to_json(plan: Plan, options: Mapping[str, Json] | None = None) -> dict[str, Json]:
    """All of a plan, so that it can be applied later, with the digest of it."""
    document: dict[str, Json] = {
        "format_version": PLAN_FORMAT,
        "environment": plan.environment,
        "unchanged": plan.unchanged,
        "changes": [change_to_json(change) for change in plan.changes],
        "issues": [issue_to_json(issue) for issue in plan.issues],
        "options": dict(options or {}),
    }
    return {**document, "digest": plan_digest(document)}


def plan_digest(document: Mapping[str, Json]) -> str:
    """The digest of a plan's document, whatever its own `digest` says: an edit by hand shows."""
    rest = {name: value for name, value in document.items() if name != "digest"}
    return f"sha256:{hashlib.sha256(canonical(rest).encode()).hexdigest()}"


def write_plan(path: Path, plan: Plan, options: Mapping[str, Json]) -> None:
    """Write a plan for `read_plan`. Raises InputError where it cannot be written."""
    text = json.dumps(plan_to_json(plan, options), indent=2, sort_keys=True, ensure_ascii=False)
    write_text(path, f"{text}\n", shown=str(path))


def read_plan(path: Path) -> SavedPlan:
    """The plan that `deploy plan --out` wrote. Raises InputError for a file that is none, or that was edited since."""
    hint = "make one by `deploy plan --out FILE`"
    place = Location(str(path))
    try:
        return plan_from_json(decode_json(read_bytes(path), dict[str, Json]))
    except DoesNotFit as error:
        raise InputError(f"this is not a plan: {error}", location=place, hint=hint) from error
    except ValueError as error:
        raise InputError(str(error), location=place, hint=hint) from error


def plan_from_json(value: Mapping[str, Json]) -> SavedPlan:
    """The plan that `plan_to_json` wrote. DoesNotFit where it is none, ValueError where it was edited or is too new."""
    document = decode(value, _PlanDocument)
    if document.format_version != PLAN_FORMAT:
        raise ValueError(f"format_version {document.format_version} is not {PLAN_FORMAT}")
    if document.digest != plan_digest(value):
        raise ValueError("this plan was edited, or cut, since it was made: its digest is not right")
    plan = Plan(document.environment, document.changes, document.unchanged).with_issues(map(_issue, document.issues))
    return SavedPlan(plan, document.options)


def change_to_json(change: Change) -> dict[str, Json]:
    """One change with everything that applying or undoing it needs."""
    return {
        "action": change.action.value,
        "space": change.space,
        "kind": change.kind,
        "key": change.key,
        "name": change.name,
        "desired": _object_to_json(change.desired) if change.desired else None,
        "existing": _live_to_json(change.existing) if change.existing else None,
        "diffs": [diff_to_json(diff) for diff in change.diffs],
        "kept": [{"path": k.path, "existing": k.existing, "reason": k.reason} for k in change.kept],
        "doubled": change.doubled,
    }


def diff_to_json(diff: FieldDiff) -> dict[str, Json]:
    """A field that differs, with both values."""
    return {"path": diff.path, "existing": diff.existing, "desired": diff.desired, "edited": diff.edited}


def change_from_json(value: Json) -> Change:
    """The change that `change_to_json` wrote. Raises DoesNotFit for anything else."""
    return decode(value, Change)


def result_to_json(result: ChangeResult) -> dict[str, Json]:
    """A change and what became of it."""
    return {**change_to_json(result.change), "outcome": result.outcome.value, "error": result.error}


def result_from_json(value: Json) -> ChangeResult:
    """The result that `result_to_json` wrote. Raises DoesNotFit for anything else."""
    document = decode(value, _ResultDocument)
    return ChangeResult(decode(value, Change), document.outcome, document.error)


def issue_to_json(issue: Issue) -> dict[str, Json]:
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


def _issue(one: _IssueDocument) -> Issue:
    place = Location(one.path, one.line, one.column) if one.path else None
    return Issue(one.code, one.level, one.message, one.subject, place, one.hint or None)


def _object_to_json(one: StateObject) -> Json:
    return {"kind": one.kind, "key": one.key, "name": one.name, "payload": dict(one.payload)}


def _live_to_json(live: LiveObject) -> Json:
    """Without what the server says of its last run, which no write is about."""
    return {
        "object": _object_to_json(live.object),
        "object_id": live.object_id,
        "revision": live.revision,
        "updated_at": live.updated_at,
        "updated_by": live.updated_by,
        "immutable": live.immutable,
        "created_at": live.created_at,
    }
