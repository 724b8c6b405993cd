"""Alert documents: what they hold, where they are kept, and when one is already there."""

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Final

import msgspec

from entra_deployer.core.json import Json, as_mapping, canonical
from entra_deployer.local.kibana import alert_source
from entra_deployer.local.kibana.datemath import iso, parse
from entra_deployer.local.kibana.elastic import Cause, Reply
from entra_deployer.local.kibana.rules import Known, Rule, known
from entra_deployer.local.kibana.server import Kibana

KEYWORD: Final = {"type": "keyword"}
DATE: Final = {"type": "date"}
SEVERITIES: Final = ("low", "medium", "high", "critical")
# Fields of a rule that an alert has under kibana.alert.rule; those of the last line only where the rule has them.
RULE_FIELDS: Final = (
    *("actions", "author", "created_at", "created_by", "description", "enabled", "exceptions_list", "false_positives"),
    *("from", "immutable", "interval", "max_signals", "references", "risk_score", "risk_score_mapping", "rule_id"),
    *("severity", "severity_mapping", "threat", "to", "type", "updated_at", "updated_by", "version"),
    *("license", "note", "namespace", "timeline_id", "timeline_title", "rule_name_override", "timestamp_override"),
)
# What searches and sorts ask for; like in the real index, other fields are kept and not indexed.
DATES: Final = ("alert.start", "alert.last_detected", "alert.original_time", "alert.suppression.start")
KEYWORDS: Final = (
    *("space_ids", "alert.uuid", "alert.status", "alert.workflow_status", "alert.severity", "alert.reason"),
    *("alert.rule.uuid", "alert.rule.rule_id", "alert.rule.name", "alert.rule.tags", "alert.rule.execution.uuid"),
    *("alert.instance.id",),
)
MAPPINGS: Final[dict[str, Json]] = {
    "@timestamp": DATE,
    "event": {"properties": {"kind": KEYWORD, "category": KEYWORD}},
    "kibana.alert.risk_score": {"type": "float"},
    **{f"kibana.{name}": DATE for name in DATES},
    **{f"kibana.{name}": KEYWORD for name in KEYWORDS},
}
NOT_PARAMETERS: Final = {"id", "name", "tags", "interval", "enabled", "revision", "actions", "output_index"} | {
    f"{verb}_{what}" for verb in ("created", "updated") for what in ("at", "by")
}


@dataclass(frozen=True)
class Book:
    """Where a run's alerts are written: an index behind its alias. `producer` tells previews from real alerts."""

    alias: str
    index: str
    producer: str

    @classmethod
    def of(cls, space: str, *, preview: bool) -> "Book":
        """The alerts of a space, or those of its previews."""
        name = f"alerts-security.alerts-{space}"
        if preview:
            return cls(f".preview.{name}", f".internal.preview.{name}-000001", "preview-producer")
        return cls(f".{name}", f".internal.{name}-000001", "siem")

    def prepare(self, kibana: Kibana) -> bool:
        """Make the index that is not there yet; False while somebody else makes it."""
        if kibana.elastic.call("HEAD", f"/{self.index}").status != 404:
            return True
        mine = object()
        if kibana.making.setdefault(self.index, mine) is not mine:
            return False
        try:
            self._make(kibana)
        finally:
            del kibana.making[self.index]
        return True

    def _make(self, kibana: Kibana) -> None:
        settings = {"number_of_shards": 1, "number_of_replicas": 0, "hidden": True}
        body = {
            "settings": settings,
            "mappings": {"dynamic": False, "properties": MAPPINGS},
            "aliases": {self.alias: {"is_write_index": True, "is_hidden": True}},
        }
        kibana.elastic.call("PUT", f"/{self.index}", body)


@dataclass(frozen=True)
class Run:
    """One execution of a rule: the rule as its alerts show it, its start, where its alerts go, as whom it reads."""

    rule: Rule
    space: str
    book: Book
    started_at: datetime
    caller: str | None
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @cached_property
    def known(self) -> Known:
        """What is read of the rule."""
        return known(self.rule)


@dataclass(frozen=True)
class Hit:
    """A row of the result as a document: what it holds, the document it came from, that document's fields."""

    row: dict[str, Json]
    id: str = ""
    index: str = ""
    version: Json = None
    fields: Mapping[str, list[Json]] = field(default_factory=dict)


class Alert(msgspec.Struct, frozen=True, rename="_{}".format):
    """An alert and its id, as Elasticsearch keeps it."""

    id: str
    source: Mapping[str, Json] = {}


class _Page(msgspec.Struct, frozen=True):
    hits: list[Alert]


class _Found(msgspec.Struct, frozen=True):
    hits: _Page


def found(reply: Reply) -> list[Alert]:
    """The alerts of an answer to a search, none where it was refused."""
    return reply.read(_Found).hits.hits if reply.ok else []


class _Created(msgspec.Struct, frozen=True):
    status: int
    error: Cause | None = None


class _Item(msgspec.Struct, frozen=True):
    create: _Created


class _Bulk(msgspec.Struct, frozen=True):
    items: list[_Item]


class Rejected(Exception):
    """Elasticsearch did not take an alert; the text is its own."""


def identity(run: Run, hit: Hit, number: int, window: Sequence[str | None]) -> str:
    """The id of an alert: by the document where a row has one, else by the run and the row's place in it."""
    owner = f"{run.space}:{run.known.id}"
    if hit.id:
        return digest([hit.id, hit.version, hit.index, owner])
    return digest([list(window), run.known.query, owner, number])


def build(kibana: Kibana, run: Run, hit: Hit, alert_id: str) -> Alert:
    """The alert of a row."""
    whole = alert_source.without_misfits(alert_source.with_missing(hit.row, hit.fields))
    event = alert_source.flattened(whole, "event")
    rest = {name: value for name, value in whole.items() if name != "event" and not name.startswith("event.")}
    now = iso(kibana.clock())
    return Alert(
        alert_id,
        {
            "kibana.alert.start": now,
            "kibana.alert.last_detected": now,
            "kibana.version": kibana.profile.version,
            **_rule_part(run),
            **rest,
            **event,
            "@timestamp": iso(run.started_at),
            "event.kind": "signal",
            **_alert_part(run, hit, whole),
            **{f"kibana.alert.original_event.{name[6:]}": value for name, value in event.items()},
            "kibana.alert.uuid": alert_id,
        },
    )


def write(kibana: Kibana, book: Book, alerts: list[Alert], room: int) -> tuple[int, bool]:
    """Write the alerts that are not there yet, `room` at most; how many, and whether some had no room.

    Raises Rejected.
    """
    new = _new(kibana, book, alerts)
    lines = [line for one in new[:room] for line in ({"create": {"_id": one.id}}, one.source)]
    created = 0
    if lines:
        reply = kibana.elastic.call("POST", f"/{book.index}/_bulk?refresh=true", lines)
        for item in reply.read(_Bulk).items:
            created += item.create.status == 201
            if item.create.error and item.create.status != 409:  # two rows of one document are one alert
                raise Rejected(item.create.error.reason)
    return created, len(new) > room


def _new(kibana: Kibana, book: Book, alerts: list[Alert]) -> list[Alert]:
    if not alerts:
        return []
    ids = [alert.id for alert in alerts]
    body = {"query": {"ids": {"values": ids}}, "_source": False, "size": len(ids)}
    reply = kibana.elastic.call("POST", f"/{book.alias}/_search", body)
    there = {alert.id for alert in found(reply)}
    return [alert for alert in alerts if alert.id not in there]


def _rule_part(run: Run) -> dict[str, Json]:
    rule = run.rule
    parameters = {name: value for name, value in rule.items() if name not in NOT_PARAMETERS}
    own = {f"kibana.alert.rule.{name}": rule[name] for name in RULE_FIELDS if name in rule}
    meta = {f"kibana.alert.rule.meta.{name}": value for name, value in as_mapping(rule.get("meta")).items()}
    return {
        "kibana.alert.rule.parameters": parameters,
        "kibana.alert.rule.category": "ES|QL Rule",
        "kibana.alert.rule.consumer": "siem",
        "kibana.alert.rule.execution.uuid": run.uuid,
        "kibana.alert.rule.producer": run.book.producer,
        "kibana.alert.rule.revision": rule["revision"],
        "kibana.alert.rule.rule_type_id": "siem.esqlRule",
        "kibana.alert.rule.uuid": rule["id"],
        "kibana.alert.rule.tags": rule["tags"],
        "kibana.alert.rule.indices": [],
        "kibana.space_ids": [run.space],
        **own,
        **meta,
    }


def _alert_part(run: Run, hit: Hit, whole: dict[str, Json]) -> dict[str, Json]:
    rule = run.known
    severity, risk = _severity(rule, whole), _risk(rule, whole)
    override = alert_source.lookup(whole, rule.rule_name_override)
    name = override if isinstance(override, str) and override else rule.name
    happened = parse(str(alert_source.lookup(whole, "@timestamp")))
    return {
        "kibana.alert.rule.name": name,
        **({"kibana.alert.original_time": iso(happened)} if happened else {}),
        "kibana.alert.ancestors": [{"id": hit.id, "type": "event", "index": hit.index, "depth": 0}],
        "kibana.alert.status": "active",
        "kibana.alert.workflow_status": "open",
        "kibana.alert.depth": 1,
        "kibana.alert.reason": _reason(whole, severity, name),
        "kibana.alert.severity": severity,
        "kibana.alert.risk_score": risk,
        "kibana.alert.workflow_tags": [],
        "kibana.alert.workflow_assignee_ids": [],
        **({"kibana.alert.building_block_type": "default"} if "building_block_type" in run.rule else {}),
    }


def _severity(rule: Known, whole: Mapping[str, Json]) -> str:
    matching = [
        one.severity
        for one in rule.severity_mapping
        if one.value and one.value in map(str, _listed(alert_source.lookup(whole, one.field)))
    ]
    return max(matching, key=SEVERITIES.index) if matching else rule.severity


def _risk(rule: Known, whole: Mapping[str, Json]) -> Json:
    for one in rule.risk_score_mapping:
        value = alert_source.lookup(whole, one.field)
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
            return value
    return rule.risk_score


def _reason(whole: dict[str, Json], severity: str, name: str) -> str:
    def said(path: str) -> str:
        return ", ".join(map(str, _listed(alert_source.lookup(whole, path))))

    def place(side: str) -> str:
        port = said(f"{side}.port")
        return said(f"{side}.address") + (f":{port}" if port else "")

    actors = (
        ("process", said("process.name")),
        ("parent process", said("process.parent.name")),
        ("file", said("file.name")),
        ("source", place("source")),
        ("destination", place("destination")),
    )
    involved = ", ".join(f"{what} {value}" for what, value in actors if value.strip(":"))
    words = [said("event.category"), "event", f"with {involved}" if involved else ""]
    words += [f"{word} {said(path)}" if said(path) else "" for word, path in (("by", "user.name"), ("on", "host.name"))]
    return " ".join(word for word in [*words, f"created {severity} alert {name}."] if word)


def _listed(value: Json) -> list[Json]:
    return [] if value is None else value if isinstance(value, list) else [value]


def digest(parts: Json) -> str:
    """One id of several parts."""
    return hashlib.sha1(canonical(parts).encode(), usedforsecurity=False).hexdigest()
