"""Counts, names, times and changed fields in words, the same in every document."""

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from entra_deployer.core.json import Json

if TYPE_CHECKING:
    from entra_deployer.objects.state import FieldDiff, FieldKept

_LONG = 60
_EDITED = " (edited in Kibana since the last push)"
_COMMIT = 12


def counted(number: int, noun: str) -> str:
    """1 hunt, 2 hunts, 3 entities, 4 pushes."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("sh") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def kind_name(kind: str) -> str:
    """Saved search, rule, tag."""
    return kind.replace("_", " ")


def in_space(space: str) -> str:
    """The space behind a name, where it is not the default one."""
    return f" [{space}]" if space != "default" else ""


def minute(at: str) -> str:
    """A time of a server's, to the minute, in UTC."""
    return at[:16].replace("T", " ")


def who_and_when(by: str, at: str) -> str:
    """Who did it and when, as far as known: "by alice, 2026-02-01 10:00"."""
    return ", ".join(part for part in (f"by {by}" if by else "", minute(at)) if part)


def short_commit(commit: str) -> str:
    """The first letters of a commit, and the + of one with changes."""
    return f"{commit[:_COMMIT].rstrip('+')}{'+' if commit.endswith('+') else ''}"


def short(text: str, longest: int) -> str:
    """One line of bounded length."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def kept_lines(kept: "FieldKept") -> list[str]:
    """What stays as it is in Kibana, and why."""
    return f"kept {kept.path}: {value_text(kept.existing)} ({kept.reason})".split("\n")


def query_edits(diffs: "Iterable[FieldDiff]") -> frozenset[str]:
    """The lines that edits of queries take out and put in, to tell an edit once where it shows in several fields."""
    return frozenset(line for diff in diffs if _is_query(diff) for line in _changed(diff))


def diff_lines(diff: "FieldDiff", told: frozenset[str] = frozenset()) -> list[str]:
    """One line "field: old -> new" for short values; else the field and a unified diff of the value's lines.

    Of a field whose changed lines are all `told` at a query it says that alone.
    """
    if told and not _is_query(diff) and (changed := _changed(diff)) and changed <= told:
        return [f"{diff.path}: the same edit as in the query{_EDITED if diff.edited else ''}"]
    before, after = value_text(diff.existing), value_text(diff.desired)
    if len(before) + len(after) <= 2 * _LONG and "\n" not in before + after:
        return [f"{diff.path}: {before} -> {after}{_EDITED if diff.edited else ''}"]
    return [f"{diff.path}:{_EDITED if diff.edited else ''}", *unified(before, after)]


def _is_query(diff: "FieldDiff") -> bool:
    return diff.path.split(" ", 1)[0] == "query"


def _changed(diff: "FieldDiff") -> frozenset[str]:
    """What was taken out and put in, line by line; of JSON the texts in it."""
    if diff.existing is None or diff.desired is None:
        return frozenset()
    lines = unified(value_text(diff.existing), value_text(diff.desired))
    return frozenset(f"{line[2]}{_bare(line[3:])}" for line in lines if line[2:3] in ("+", "-"))


def _bare(line: str) -> str:
    """A line of a text that may stand in a list of JSON."""
    text = line.strip().removesuffix(",")
    if text.startswith('"') and text.endswith('"') and len(text) > 1:
        try:
            return str(json.loads(text)).strip()
        except ValueError:
            return text
    return line.strip()


def unified(before: str, after: str, around: int = 2) -> Iterator[str]:
    """The lines of a unified diff, indented by two, without those that name files."""
    old, new = (text.split("\n") if text else [] for text in (before, after))
    lines = difflib.unified_diff(old, new, lineterm="", n=around)
    for number, line in enumerate(lines):
        if number > 1:
            yield f"  {line}"


def value_text(value: Json) -> str:
    """A field's value as a person would write it: text as it is, JSON for the rest, "(not set)" for None."""
    if value is None:
        return "(not set)"
    if isinstance(value, str):
        return value or '""'
    if isinstance(value, Sequence) and value and all(isinstance(item, str) for item in value):
        texts = [str(item) for item in value]
        if sum(map(len, texts)) <= _LONG:
            return ", ".join(texts)
    compact = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if len(compact) <= _LONG or not isinstance(value, Mapping | Sequence):
        return compact
    return json.dumps(_unfolded(value), ensure_ascii=False, sort_keys=True, indent=2)


def _unfolded(value: Json) -> Json:
    """JSON that stands as text inside JSON (a search's source) is shown as what it is, and a long text by its lines."""
    if isinstance(value, str):
        if value.startswith("{"):
            try:
                return _unfolded(json.loads(value))
            except ValueError:
                return value
        return value.split("\n") if "\n" in value else value
    if isinstance(value, Mapping):
        return {key: _unfolded(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_unfolded(inner) for inner in value]
    return value
