"""How one field's change is put into lines, the same in every format."""

import difflib
import json
from collections.abc import Iterator

from entra_deployer.core.json import Untyped as Json
from entra_deployer.plan.plan import FieldDiff, FieldKept

_LONG = 60
_EDITED = " (edited in Kibana since the last push)"


def kept_line(kept: FieldKept) -> str:
    """What stays as it is in Kibana, and why."""
    return f"kept {kept.path}: {value_text(kept.existing)} ({kept.reason})"


def diff_lines(diff: FieldDiff) -> list[str]:
    """One line "field: old -> new" for short values; else the field and a unified diff of the value's lines."""
    before, after = value_text(diff.existing), value_text(diff.desired)
    if len(before) + len(after) <= 2 * _LONG and "\n" not in before + after:
        return [f"{diff.path}: {before} -> {after}{_EDITED if diff.edited else ''}"]
    return [f"{diff.path}:{_EDITED if diff.edited else ''}", *_unified(before, after)]


def line_style(line: str) -> str:
    """How a line of `diff_lines` is drawn: added, removed, or the place of a hunk."""
    match line[:3]:
        case "  +":
            return "green"
        case "  -":
            return "red"
        case "  @":
            return "cyan"
        case _:
            return ""


def _unified(before: str, after: str) -> Iterator[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    for number, line in enumerate(lines):
        if number > 1:  # the first two name files, and there are none
            yield f"  {line}"


def value_text(value: Json) -> str:
    """A field's value as a person would write it: text as it is, JSON for the rest, "(not set)" for None."""
    match value:
        case None:
            return "(not set)"
        case str():
            return value or '""'
        case list() if value and all(isinstance(item, str) for item in value) and sum(map(len, value)) <= _LONG:
            return ", ".join(value)
        case dict() | list():
            compact = json.dumps(value, ensure_ascii=False, sort_keys=True)
            if len(compact) <= _LONG:
                return compact
            return json.dumps(_unfolded(value), ensure_ascii=False, sort_keys=True, indent=2)
        case _:
            return json.dumps(value, ensure_ascii=False)


def _unfolded(value: Json) -> Json:
    """JSON that stands as text inside JSON (a search's source) is shown as what it is, and a long text by its lines."""
    if isinstance(value, dict):
        return {key: _unfolded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_unfolded(inner) for inner in value]
    if isinstance(value, str) and value.startswith("{"):
        try:
            return _unfolded(json.loads(value))
        except ValueError:
            return value
    return value.split("\n") if isinstance(value, str) and "\n" in value else value
