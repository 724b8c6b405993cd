"""Real events of one's own, brought into the local stack from a file: a line each, a document or a search hit."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from entra_deployer.core.errors import InputError, Location, Refused
from entra_deployer.core.files import read_lines
from entra_deployer.core.json import DoesNotFit, Json, flatten, parse_json
from entra_deployer.core.time import format_moment, parse_moment
from entra_deployer.data import load_knowledge
from entra_deployer.stack.mapping import field_mappings, index_mapping

NEWEST = "last"
"""The word for the moment of the newest event."""
AT_ONCE = 2000
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")
_BACKING = re.compile(r"(?:\.ds-|partial-|restored-)*(.+?)(?:-\d{4}\.\d{2}\.\d{2}-\d{6})?")
_SETTINGS = {
    "index.number_of_replicas": 0,
    "index.mapping.ignore_malformed": True,  # as Elastic's own templates of logs say
    "index.mapping.total_fields.limit": 10000,
}


class Store(Protocol):
    """What loading needs of an Elasticsearch."""

    def now(self) -> datetime:
        """Its clock."""

    def index_exists(self, name: str) -> bool:
        """Is there an index of this name."""

    def create_index(self, name: str, *, mappings: Mapping[str, Json], settings: Mapping[str, Json]) -> None:
        """Make an index."""

    def add_fields(self, index: str, properties: Mapping[str, Mapping[str, Json]]) -> None:
        """Map further fields of an index."""

    def put_documents(self, index: str, documents: Mapping[str, Mapping[str, Json]], *, at_once: int) -> None:
        """Write documents by id."""


@dataclass(frozen=True)
class LoadRequest:
    """A file of events, where they go and when they happened.

    `index` takes all of them, "" for each one's own. `moment` is the one of the events that becomes now, ISO 8601 or
    `last` for that of the newest; "" leaves the times as they are. `progress` is told how many events are there.
    """

    path: Path
    index: str = ""
    moment: str = ""
    progress: Callable[[int, int], None] = lambda _done, _total: None


@dataclass(frozen=True)
class Loaded:
    """What an index got: how many events, of when to when (as they are there now)."""

    index: str
    events: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class _Event:
    line: int
    index: str
    document: dict[str, Json]
    moment: datetime
    digest: str


@dataclass
class _Seen:
    """What the first look at a file found of one index: a value of each field, and the times."""

    first: datetime
    last: datetime
    events: int = 0
    values: dict[str, Json] = field(default_factory=dict)

    def add(self, event: _Event) -> None:
        """Count one event."""
        self.events += 1
        self.first, self.last = min(self.first, event.moment), max(self.last, event.moment)
        for name, value in event.document.items():
            if self.values.get(name) is None:
                self.values[name] = value


def load_events(request: LoadRequest, store: Store) -> tuple[Loaded, ...]:
    """Write the events of a file, sorted by index. The same file, loaded again, adds nothing.

    Raises InputError with the line of an event that is none, or that Elasticsearch does not take.
    """
    seen: dict[str, _Seen] = {}
    for event in read_events(request.path, request.index):
        seen.setdefault(event.index, _Seen(event.moment, event.moment)).add(event)
    if not seen:
        raise InputError("holds no event", location=Location(str(request.path)), hint="a line of JSON each")
    shift = _shift(request, max(one.last for one in seen.values()), store.now)
    dates = {name: _prepare(request.path, name, one, store) for name, one in seen.items()}
    writer, total = _Writer(request.path, store, shift, dates), sum(one.events for one in seen.values())
    for number, event in enumerate(read_events(request.path, request.index), 1):
        writer.add(event)
        if number % AT_ONCE == 0:
            request.progress(number, total)
    writer.finish()
    return tuple(Loaded(name, one.events, one.first + shift, one.last + shift) for name, one in sorted(seen.items()))


def _shift(request: LoadRequest, newest: datetime, now: Callable[[], datetime]) -> timedelta:
    if not request.moment:
        return timedelta(0)
    moment = newest if request.moment == NEWEST else parse_moment(request.moment)
    if moment is None:
        raise InputError(f"{request.moment!r} is no time", hint=f"like 2026-11-24T10:00Z, or `{NEWEST}`")
    return now() - moment


def _prepare(path: Path, name: str, seen: _Seen, store: Store) -> frozenset[str]:
    """Make the index, or map what it lacks; the fields that hold times. Raises InputError where they do not fit it."""
    knowledge = load_knowledge()
    known = knowledge.field_types((name,)) or {}
    of_package = {field: "" for field in known if field not in knowledge.ecs}  # its template maps them, seen or not
    fields = field_mappings(name, [seen.values], of_package, {}, embedded=True)
    try:
        if store.index_exists(name):
            store.add_fields(name, fields)
        else:
            store.create_index(name, mappings=index_mapping(fields), settings=_SETTINGS)
    except Refused as error:
        said = f"its fields do not fit the index {name}: {error.message}"
        hint = "correct the events, or load them into another index"
        raise InputError(said, location=Location(str(path)), hint=hint) from None
    return frozenset(field for field, mapping in fields.items() if mapping["type"] == "date")


@dataclass
class _Writer:
    """Writes the events of a file, so many of an index at a time; `dates` are the fields of each that hold times."""

    path: Path
    store: Store
    shift: timedelta
    dates: Mapping[str, frozenset[str]]
    waiting: dict[str, dict[str, _Event]] = field(default_factory=dict)
    alike: Counter[str] = field(default_factory=Counter)

    def add(self, event: _Event) -> None:
        """Write one event, or keep it until there are enough. Equal lines are events of their own."""
        self.alike[event.digest] += 1
        waiting = self.waiting.setdefault(event.index, {})
        waiting[f"{event.digest}-{self.alike[event.digest]}"] = event
        if len(waiting) == AT_ONCE:
            self.send(event.index)

    def finish(self) -> None:
        """Write what is left."""
        for index in self.waiting:
            self.send(index)

    def send(self, index: str) -> None:
        """Write what waits for an index."""
        events, dates = self.waiting[index], self.dates[index]
        documents = {key: _moved(event.document, dates, self.shift) for key, event in events.items()}
        try:
            self.store.put_documents(index, documents, at_once=AT_ONCE)
        except Refused as error:
            line = next((event.line for key, event in events.items() if key in error.message), 0)
            hint = "correct the event, or load it into another index"
            raise InputError(error.message, location=Location(str(self.path), line), hint=hint) from None
        self.waiting[index] = {}


def _moved(document: Mapping[str, Json], dates: frozenset[str], shift: timedelta) -> Mapping[str, Json]:
    if not shift:
        return document
    return {name: _later(value, shift) if name in dates else value for name, value in document.items()}


def _later(value: Json, shift: timedelta) -> Json:
    """A time, or a list of them, moved; anything else as it is."""
    if isinstance(value, list):
        return [_later(item, shift) for item in value]
    moment = _moment(value)
    return value if moment is None else format_moment(moment + shift)


def _moment(value: Json) -> datetime | None:
    """A time as documents hold it: ISO 8601, or milliseconds since 1970."""
    if isinstance(value, str):
        return parse_moment(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return datetime.fromtimestamp(value / 1000, UTC)
        except (OverflowError, ValueError, OSError):
            return None
    return None


# -- reading -----------------------------------------------------------------------------------------------------------


def read_events(path: Path, index: str = "") -> Iterator[_Event]:
    """The events of a file: documents, search hits (`_index` and `_source`), or a bulk request's lines."""
    named = ""
    for line, text in read_lines(path):
        place = Location(str(path), line)
        try:
            found = parse_json(text)
        except DoesNotFit as error:
            raise InputError(str(error), location=place, hint=_hint(text)) from None
        if not isinstance(found, Mapping):
            raise InputError("is no document", location=place, hint=_hint(text))
        if isinstance(hits := found.get("hits"), Mapping) and "hits" in hits:
            hint = "a hit a line: jq -c '.hits.hits[]' makes it so"
            raise InputError("is the whole answer to a search", location=place, hint=hint)
        if (action := _action(found)) is not None:
            named = str(action.get("_index", ""))
            continue
        event = _event(found, place, index, named)
        yield replace(event, digest=hashlib.sha256(event.index.encode() + text.strip()).hexdigest()[:24])
        named = ""


def _hint(line: bytes) -> str:
    """How a file becomes one of lines whose first has no whole document."""
    begun = line.strip()
    if begun.startswith(b"["):
        return "one document a line: jq -c '.[]' makes it so of a list"
    return "one document a line: jq -c . makes it so" if begun == b"{" else "one document a line"


def _action(found: Mapping[str, Json]) -> Mapping[str, Json] | None:
    """What a line of a bulk request says of the next one; None for any other line."""
    if len(found) != 1:
        return None
    word, action = next(iter(found.items()))
    return action if word in ("create", "index") and isinstance(action, Mapping) else None


def _event(found: Mapping[str, Json], place: Location, index: str, named: str) -> _Event:
    source = found.get("_source")
    if isinstance(source, Mapping):
        named = named or str(found.get("_index", ""))
    document = flatten(source if isinstance(source, Mapping) else found)
    moment = _moment(document.get("@timestamp"))
    if moment is None:
        raise InputError("has no time in @timestamp", location=place, hint="each event needs one, in ISO 8601")
    name = index or _stream(document, named)
    if not _NAME.fullmatch(name):
        said = f"{name!r} is no name of an index" if name else "does not say which index it is of"
        raise InputError(said, location=place, hint="`--index logs-azure.signinlogs-default` says it for all")
    return _Event(place.line, name, document, moment, "")


def _stream(document: Mapping[str, Json], named: str) -> str:
    """The data stream of an event: by its own index, or its fields; "" where neither tells."""
    if named and (found := _BACKING.fullmatch(named)):
        return found[1]
    dataset = document.get("data_stream.dataset") or document.get("event.dataset")
    if not isinstance(dataset, str):
        return ""
    kind, space = document.get("data_stream.type", "logs"), document.get("data_stream.namespace", "default")
    return f"{kind}-{dataset}-{space}"
