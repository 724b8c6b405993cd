"""Test events in an index of the run: one index a data stream, one filtered alias a test, all of it removed again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from entra_deployer.model.search import Searcher
from entra_deployer.model.source import DetectionTest, Event
from entra_deployer.model.values import Json
from entra_deployer.verify.mapping import SETTINGS, make_mapping
from entra_deployer.verify.ranges import stamp

PREFIX = "entra-deployer-verify"
STALE = timedelta(minutes=15)
"""A run lasts seconds: an index of this age was left behind by one that died."""


class Index(Protocol):
    """An index and when it was made, in seconds since 1970."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def created(self) -> float: ...  # noqa: D102


class Server(Searcher, Protocol):
    """What seeding and querying need of an Elasticsearch."""

    def create_index(self, name: str, *, mappings: Json = None, settings: Json = None) -> None:
        """Make an index."""

    def delete_index(self, name: str) -> bool:
        """Delete an index by its exact name; False where there was none."""

    def bulk(self, index: str, documents: Iterable[Mapping[str, Json]], *, routing: Sequence[str] | None = None) -> int:
        """Write documents, searchable on return."""

    def add_aliases(self, aliases: Sequence[tuple[str, str, Json]]) -> None:
        """Add hidden (index, alias, filter)."""

    def find_indices(self, pattern: str) -> Sequence[Index]:
        """The indices whose names match, hidden ones included."""


@dataclass(frozen=True)
class Batch:
    """The tests of one rule in a run: each has an alias of its own, and the rule has one over all of them.

    `fields` are those that the rule reads, with the type that its query demands, "" where it demands none. `mapped` are
    the types that the environment's own source gives to them.
    """

    alias: str
    tests: tuple[DetectionTest, ...]
    fields: Mapping[str, str] = field(default_factory=dict)
    mapped: Mapping[str, str] = field(default_factory=dict)

    def alias_of(self, number: int) -> str:
        """The alias that shows the events of one test only."""
        return f"{self.alias}t{number}"


def timed(event: Event, now: datetime) -> Iterator[dict[str, Json]]:
    """The documents of an event: `count` copies, each `every` seconds older than the one before."""
    for copy in range(event.count):
        moment = now - timedelta(seconds=event.age + copy * event.every)
        yield {**event.document, "@timestamp": stamp(moment)}


@dataclass(frozen=True)
class Run:
    """One run of `deploy verify`: its name, its time, and whether the Elasticsearch is the embedded one."""

    run_id: str
    now: datetime
    embedded: bool

    def name(self, part: str | int) -> str:
        """The name of an index or alias of this run."""
        return f"{PREFIX}-{self.run_id}-{part}"


@contextmanager
def seeded(server: Server, batches: Sequence[Batch], run: Run) -> Iterator[int]:
    """Seed all tests, yield the number of events, and remove everything whatever happens (also on Ctrl-C)."""
    with ExitStack() as cleanup:
        count = 0
        aliases: list[tuple[str, str, Json]] = []
        streams = sorted({test.index for batch in batches for test in batch.tests})
        for number, stream in enumerate(streams):
            name = run.name(number)
            part = _collect(batches, stream, run.now)
            mapping = make_mapping(stream, part.documents, part.fields, part.mapped, embedded=run.embedded)
            cleanup.callback(server.delete_index, name)
            server.create_index(name, mappings=mapping, settings=SETTINGS)
            count += server.bulk(name, part.documents, routing=part.routing)
            aliases += [(name, alias, {"terms": {"_routing": sorted(tags)}}) for alias, tags in part.aliases.items()]
        if aliases:
            server.add_aliases(aliases)
        yield count


@dataclass(frozen=True)
class _Part:
    """What goes into one index: documents, parallel to them their routing, and the routings that each alias shows.

    The routing tells the tests apart without a trace in the documents.
    """

    documents: list[dict[str, Json]]
    routing: list[str]
    fields: dict[str, str]
    mapped: dict[str, str]
    aliases: dict[str, set[str]]


def _collect(batches: Sequence[Batch], stream: str, now: datetime) -> _Part:
    part = _Part([], [], {}, {}, {})
    for batch in batches:
        for number, test in enumerate(batch.tests):
            if test.index != stream:
                continue
            tag = batch.alias_of(number)
            copies = [document for event in test.events for document in timed(event, now)]
            part.documents.extend(copies)
            part.routing.extend([tag] * len(copies))
            part.fields.update(batch.fields)
            part.mapped.update(batch.mapped)
            part.aliases[tag] = {tag}
            part.aliases.setdefault(batch.alias, set()).add(tag)
    return part


def sweep(server: Server, now: datetime) -> tuple[str, ...]:
    """Remove what runs that died left behind; the names of what went."""
    old = [index.name for index in server.find_indices(f"{PREFIX}-*") if _age(index, now) > STALE]
    return tuple(name for name in old if server.delete_index(name))


def _age(index: Index, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(index.created, UTC)
