"""One execution of an ES|QL rule as the real executor does it (records 664-734, API facts, 4)."""

import json
import re
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import msgspec

from entra_deployer.core.json import Json
from entra_deployer.local.kibana import alert_source, alerts, exceptions, suppression
from entra_deployer.local.kibana.alerts import Alert, Book, Hit, Run
from entra_deployer.local.kibana.datemath import iso, resolve
from entra_deployer.local.kibana.elastic import Reply, reason, segment
from entra_deployer.local.kibana.profiles import suppression_works
from entra_deployer.local.kibana.server import Kibana

QUOTED: Final = re.compile(r'"""(?s:.*?)"""|"(?:\\.|[^"\\])*"|`[^`]*`|//[^\n]*|/\*(?s:.*?)\*/')
NAMES: Final = re.compile(r"\s*([\w*-.!@$^()~;\s]+)")
SOURCE: Final = re.compile(r"\s*from\s+(.*?)(?:\||\Z|\bmetadata\b|\[)", re.IGNORECASE | re.DOTALL)
AGGREGATES_RAW: Final = re.compile(r"\|\s+stats\s", re.IGNORECASE)
AGGREGATES: Final = re.compile(r"\|\s*stats\b", re.IGNORECASE)


def indices_of(query: str, *, by_pattern: bool) -> list[str]:
    """The indices that the executor looks at before it runs the query.

    `by_pattern` is how 8.12 does it: what follows the last "from " anywhere in the text, METADATA and comments and
    strings included. Later versions read the FROM command.
    """
    if by_pattern:
        parts = re.split(r"from\s", query.replace("`", ""), flags=re.IGNORECASE)
        found = NAMES.match(parts[-1]) if len(parts) > 1 else None
        return [name.strip() for name in found[1].split(",")] if found else [""]
    source = SOURCE.match(QUOTED.sub(lambda quoted: quoted[0] if quoted[0][0] == '"' else " ", query))
    return [name.strip().strip('"') for name in source[1].split(",")] if source else [""]


def is_aggregating(query: str, *, by_pattern: bool) -> bool:
    """Whether the rows of a query are groups and not documents; 8.12 looks at the raw text, comments included."""
    if by_pattern:
        return bool(AGGREGATES_RAW.search(query))
    return bool(AGGREGATES.search(QUOTED.sub(" ", query)))


MOST: Final = 1000  # rows that 8.12 asks for at most, and alerts of one execution in any version
ENRICHED: Final = 10  # source documents that are fetched: the request names no size
FULL: Final = "This rule reached the maximum alert limit for the rule execution. Some alerts were not created."
META: Final = ("_id", "_index", "_version")


class Stopped(Exception):
    """The execution cannot go on; the text is what the log says."""


@dataclass
class Outcome:
    """What an execution says: errors, warnings, how many alerts it wrote, how long it searched and wrote."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    created: int = 0
    searched: bool = False
    is_unchecked: bool = False
    search_ms: int = 0
    indexing_ms: int = 0


@dataclass(frozen=True)
class Window:
    """The time that an execution covers; an end that is no date at all is open (record 1790)."""

    start: datetime | None
    end: datetime | None

    def texts(self) -> tuple[str | None, str | None]:
        """Both ends as text."""
        return iso(self.start) if self.start else None, iso(self.end) if self.end else None


NO_SHARD: Final = "search_phase_execution_exception\n\tCaused by:\n\t\tno_shard_available_action_exception: null"
"""What a run says while the index of the alerts of its space is being made."""


def execute(kibana: Kibana, run: Run) -> Outcome:
    """Run a rule once and write its alerts."""
    outcome = Outcome()
    books = [Book.of(run.space, preview=preview) for preview in (True, False)]  # a query may read either of them
    ready = [book.prepare(kibana) for book in books]
    indices = indices_of(run.known.query, by_pattern=kibana.profile.index_by_pattern)
    if not all(ready):
        outcome.errors.append(_stopped(NO_SHARD))
        return outcome
    try:
        if _ready(kibana, run, indices, outcome):
            _search(kibana, run, indices, outcome)
            outcome.warnings += ["Unknown Warning"] * outcome.is_unchecked  # records 673, 683, 1788
    except (Stopped, alerts.Rejected) as stopped:
        outcome.errors.append(_stopped(stopped))
    return outcome


def _stopped(why: object) -> str:
    return f'An error occurred during rule execution: message: "{why}"'


class _Privileges(msgspec.Struct, frozen=True):
    index: dict[str, dict[str, bool]]


class _FieldType(msgspec.Struct, frozen=True):
    indices: str | list[str] | None = None


class _FieldCaps(msgspec.Struct, frozen=True):
    indices: list[str] | str
    fields: dict[str, dict[str, _FieldType]]


def _ready(kibana: Kibana, run: Run, indices: list[str], outcome: Outcome) -> bool:
    """Look whether the caller may read the indices and whether they have the time field; False is nothing to do."""
    wanted = {"index": [{"names": [name for name in indices if name], "privileges": ["read"]}]}
    allowed = kibana.elastic.call("POST", "/_security/user/_has_privileges", wanted, caller=run.caller)
    if not allowed.ok:
        outcome.warnings.append(_not_checked(allowed))
        outcome.is_unchecked = True
        return True
    unread = [name for name, rights in allowed.read(_Privileges).index.items() if not rights["read"]]
    if unread:
        text = "This rule may not have the required read privileges to the following index patterns: "
        outcome.warnings.append(text + json.dumps(unread, separators=(",", ":")))
        return True
    field_name = run.known.timestamp_override or "@timestamp"
    caps = _field_caps(kibana, run, indices, field_name)
    if not caps.ok:
        outcome.warnings.append(_not_checked(caps))
        raise Stopped(reason(caps.error))
    known = caps.read(_FieldCaps)
    missing = _missing_warning(indices, field_name, known)
    outcome.warnings += [missing] * 2 if missing else []
    return bool(known.indices)


def _not_checked(reply: Reply) -> str:
    return f"Check privileges failed to execute ResponseError: {reason(reply.error)}"


def _field_caps(kibana: Kibana, run: Run, indices: list[str], field_name: str) -> Reply:
    options = f"fields={field_name}&include_unmapped=true&ignore_unavailable=true&allow_no_indices=true"
    path = f"/{','.join(map(segment, indices))}/_field_caps?{options}"
    return kibana.elastic.call("GET", path, caller=run.caller)


def _missing_warning(indices: list[str], field_name: str, caps: _FieldCaps) -> str | None:
    if not caps.indices:
        names = json.dumps(indices, separators=(",", ":"))
        return (
            'This rule is attempting to query data from Elasticsearch indices listed in the "Index patterns" section '
            f"of the rule definition, however no index matching: {names} was found. This warning will continue to "
            "appear until a matching index is created or this rule is disabled."
        )
    known = caps.fields.get(field_name, {})
    without = known["unmapped"].indices or caps.indices if "unmapped" in known else []
    if known and not without:
        return None
    what = "timestamp field" if field_name == "@timestamp" else "timestamp override field"
    names = json.dumps(
        sorted([without] if isinstance(without, str) else without or caps.indices), separators=(",", ":")
    )
    return f'The following indices are missing the {what} "{field_name}": {names}'


def _search(kibana: Kibana, run: Run, indices: list[str], outcome: Outcome) -> None:
    window = _window(run)
    step = run.known.max_signals if kibana.profile.silent_over_1000 else min(run.known.max_signals, MOST)
    size, is_full = step, False
    while outcome.created <= step and size <= max(MOST, step if not kibana.profile.silent_over_1000 else 0):
        rows = _rows(kibana, run, window, size, outcome)
        found = _alerts(kibana, run, indices, window, rows[size - step :])
        began = time.monotonic()
        created, is_full = alerts.write(kibana, run.book, found, step - outcome.created)
        outcome.indexing_ms += _since(began)
        outcome.created += created
        if is_full or len(rows) < size + 1:
            break
        size += step
    if is_full:
        outcome.warnings.append(FULL)


def _window(run: Run) -> Window:
    start, end = (_moment(text, run.started_at) for text in (run.known.start, run.known.end))
    return Window(start, end)


def _moment(text: str, now: datetime) -> datetime | None:
    moment = resolve(text, now)
    if moment is None and text.startswith("now"):
        raise Stopped("Failed to parse date math of rule.from or rule.to")
    return moment


class _Column(msgspec.Struct, frozen=True):
    name: str


class _Table(msgspec.Struct, frozen=True):
    columns: list[_Column]
    values: list[list[Json]]


def _rows(kibana: Kibana, run: Run, window: Window, size: int, outcome: Outcome) -> list[dict[str, Json]]:
    body = {
        "query": f"{run.known.query} | limit {size + 1}",
        "filter": {"bool": {"filter": [_in_time(run, window), *_exceptions(kibana, run)]}},
    }
    options = "?drop_null_columns=true" if kibana.profile.drops_null_columns else ""
    began = time.monotonic()
    reply = kibana.elastic.call("POST", f"/_query{options}", body, caller=run.caller)
    outcome.search_ms += _since(began)
    if not reply.ok:
        raise Stopped(reason(reply.error))
    outcome.searched = True
    table = reply.read(_Table)
    names = [column.name for column in table.columns]
    return [
        {name: alert_source.json_number(value) for name, value in zip(names, row, strict=True) if value is not None}
        for row in table.values
    ]


def _in_time(run: Run, window: Window) -> Json:
    def within(name: str) -> Json:
        start, end = window.texts()
        return {"range": {name: {"lte": end, "gte": start, "format": "strict_date_optional_time"}}}

    override = run.known.timestamp_override
    if not override:
        return within("@timestamp")
    if run.known.timestamp_override_fallback_disabled:
        return within(override)
    without = {"bool": {"must_not": {"exists": {"field": override}}}}
    fallback = {"bool": {"filter": [within("@timestamp"), without]}}
    return {"bool": {"minimum_should_match": 1, "should": [within(override), fallback]}}


def _exceptions(kibana: Kibana, run: Run) -> list[Json]:
    now = iso(kibana.clock())
    items = [
        item
        for one in run.known.exceptions_list
        for item in exceptions.items_of(kibana, run.space, one.list_id, one.namespace_type)
        if str(item.get("expire_time", now)) >= now
    ]
    return [{"bool": {"must_not": [exceptions.as_filter(item) for item in items]}}] if items else []


def _alerts(kibana: Kibana, run: Run, indices: list[str], window: Window, rows: list[dict[str, Json]]) -> list[Alert]:
    aggregating = is_aggregating(run.known.query, by_pattern=kibana.profile.index_by_pattern)
    ids = [str(row["_id"]) for row in rows if "_id" in row]
    sources = _sources(kibana, run, indices, ids) if ids and not aggregating else {}
    found = []
    for number, row in enumerate(rows):
        doc_id = str(row.get("_id", ""))
        values = {name: value for name, value in row.items() if name not in META}
        hit = Hit(values, doc_id, str(row.get("_index", "")), row.get("_version"), sources.get(doc_id, {}))
        key = alerts.identity(run, hit if not aggregating else Hit(values), number, window.texts())
        found.append(alerts.build(kibana, run, hit, key))
    folding = run.known.alert_suppression
    if folding and suppression_works(kibana.profile, kibana.license):
        return suppression.continued(kibana, run, folding.duration, suppression.grouped(run, folding, found))
    return found


class _Source(msgspec.Struct, frozen=True, rename={"id": "_id"}):
    id: str
    fields: dict[str, list[Json]] = {}


class _Page(msgspec.Struct, frozen=True):
    hits: list[_Source]


class _Found(msgspec.Struct, frozen=True):
    hits: _Page


def _sources(kibana: Kibana, run: Run, indices: list[str], ids: list[str]) -> dict[str, dict[str, list[Json]]]:
    body = {
        "query": {"bool": {"filter": {"ids": {"values": ids}}}},
        "_source": False,
        "fields": ["*"],
        "size": ENRICHED,
    }
    path = f"/{','.join(map(segment, indices))}/_search?ignore_unavailable=true"
    reply = kibana.elastic.call("POST", path.replace("//", "/"), body, caller=run.caller)
    return {hit.id: hit.fields for hit in reply.read(_Found).hits.hits} if reply.ok else {}


def _since(began: float) -> int:
    return int((time.monotonic() - began) * 1000)
