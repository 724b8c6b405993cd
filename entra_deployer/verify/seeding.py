"""Test events in an index of the run: one index a data stream, one filtered alias a test, all of it removed again."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Protocol

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.core.time import format_moment, last_time_of_week
from entra_deployer.esql import tree as nodes
from entra_deployer.esql.columns import joined_on, joins
from entra_deployer.esql.rule_query import RuleQuery, lookup_index
from entra_deployer.esql.types import types_alike
from entra_deployer.hunts.folder import DetectionTest, Event
from entra_deployer.stack.mapping import (
    LOOKUP_SETTINGS,
    SETTINGS,
    as_shipped,
    field_mappings,
    index_mapping,
    known_types,
    lookup_mapping,
    stand_ins,
)
from entra_deployer.stack.search import Searcher

PREFIX = "entra-deployer-verify"
_BAD_REQUEST = 400
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

    def create_index(self, name: str, *, mappings: Mapping[str, Json], settings: Mapping[str, Json]) -> None:
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

    `query` is the rule's: it says which fields there have to be and which lookup indices. `mapped` are the types that
    the environment's own source gives to the fields.
    """

    alias: str
    tests: tuple[DetectionTest, ...]
    query: RuleQuery | None = None
    mapped: Mapping[str, str] = field(default_factory=dict)

    @property
    def fields(self) -> Mapping[str, str]:
        """The fields that the rule reads, with the type that its query demands, "" where it demands none."""
        return self.query.fields if self.query else {}

    def alias_of(self, number: int) -> str:
        """The alias that shows the events of one test only."""
        return f"{self.alias}t{number}"


def moment_of(test: DetectionTest, now: datetime) -> datetime:
    """The moment at which the rule runs for a test, at or before now."""
    return last_time_of_week(test.run_at, now) if test.run_at else now


def timed(event: Event, now: datetime) -> Iterator[dict[str, Json]]:
    """The documents of an event: `count` copies, each `every` seconds older than the one before."""
    for copy in range(event.count):
        moment = now - timedelta(seconds=event.age + copy * event.every)
        yield {**event.document, "@timestamp": format_moment(moment)}


@dataclass(frozen=True)
class Run:
    """One run of `deploy verify`: its name, its time, and whether the Elasticsearch is the embedded one."""

    run_id: str
    now: datetime
    embedded: bool

    def name(self, part: str | int) -> str:
        """The name of an index or alias of this run."""
        return f"{PREFIX}-{self.run_id}-{part}"


type Item = tuple[Batch, int]
"""One test: a batch, and the position of the test in it."""


@contextmanager
def seeded(server: Server, batches: Sequence[Batch], run: Run, parallel: int = 1) -> Iterator[dict[str, str]]:
    """Seed all tests, so many indices at once, and remove everything whatever happens (also on Ctrl-C).

    Yields by alias of a batch why Elasticsearch would not take the events of one of its tests; the others are there.
    """
    seeding = _Seeding(server, run)
    with seeding.cleanup:
        pool = ThreadPoolExecutor(parallel, thread_name_prefix="seed")
        try:
            for _ in pool.map(seeding.add, _by_index(batches)):
                pass
        finally:
            pool.shutdown(cancel_futures=True)
        seeding.show()
        seeding.add_lookups(batches)
        yield seeding.failures


def _by_index(batches: Sequence[Batch]) -> Iterator[list[Item]]:
    """The tests of each data stream; those of rules that demand different types of a field are kept apart."""
    items = [(batch, number) for batch in batches for number in range(len(batch.tests))]
    for stream in sorted({_stream(item) for item in items}):
        apart: list[tuple[dict[str, str], list[Item]]] = []
        for batch in batches:
            mine = [(one, number) for one, number in items if one is batch and _stream((one, number)) == stream]
            demanded = _demanded(batch, stream) if mine else {}
            types, together = next((one for one in apart if _agree(one[0], demanded)), ({}, []))
            if mine and not together:
                apart.append((types, together))
            types |= demanded
            together += mine
        yield from (together for _, together in apart)


def _agree(types: Mapping[str, str], others: Mapping[str, str]) -> bool:
    return all(types.get(name, kind) == kind for name, kind in others.items())


def _demanded(batch: Batch, stream: str) -> dict[str, str]:
    """The types that fields have by the rule's source, or by its query alone where no integration says them."""
    known = known_types(stream)
    return {name: kind for name, kind in batch.fields.items() if kind and name not in known} | dict(batch.mapped)


def _stream(item: Item) -> str:
    batch, number = item
    return batch.tests[number].index


@dataclass
class _Seeding:
    """What a run has put into a server: to be removed by `cleanup`."""

    server: Server
    run: Run
    cleanup: ExitStack = field(default_factory=ExitStack)
    numbers: Iterator[int] = field(default_factory=count)
    aliases: list[tuple[str, str, Json]] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, items: Sequence[Item]) -> None:
        """Seed tests of one data stream into one index; where that is refused each into its own, to tell which."""
        try:
            self._seed(items)
        except Refused as error:
            if error.status != _BAD_REQUEST:
                raise
            if len(items) > 1:
                for item in items:
                    self.add([item])
                return
            batch, number = items[0]
            self.failures[batch.alias] = f"{batch.tests[number].source}: {error.message}"

    def _seed(self, items: Sequence[Item]) -> None:
        name = self.run.name(next(self.numbers))
        part = _collect(items, self.run.now)
        stream, embedded = _stream(items[0]), self.run.embedded
        documents = as_shipped(stream, part.documents, part.fields)
        names = {*part.fields, *(name for one in documents for name in one)}
        wanted = part.fields | stand_ins(stream, part.patterns, names)
        fields = field_mappings(stream, documents, wanted, part.mapped, embedded=embedded)
        self.cleanup.callback(self._remove, name)
        self.server.create_index(name, mappings=index_mapping(fields), settings=SETTINGS)
        self.server.bulk(name, documents, routing=part.routing)
        self.aliases += [(name, alias, {"terms": {"_routing": sorted(tags)}}) for alias, tags in part.aliases.items()]

    def _remove(self, name: str) -> None:
        """Delete an index, also where an interruption comes just then."""
        try:
            self.server.delete_index(name)
        except BaseException as error:
            if not isinstance(error, Exception):
                self.server.delete_index(name)
            raise

    def show(self) -> None:
        """Let each test see its own events."""
        if self.aliases:
            self.server.add_aliases(self.aliases)

    def add_lookups(self, batches: Sequence[Batch]) -> None:
        """Seed the rows that each test holds for the LOOKUP JOINs of its rule."""
        for batch in batches:
            joined = joins(batch.query.tree) if batch.query and batch.alias not in self.failures else ()
            for number, test in enumerate(batch.tests if joined else ()):
                try:
                    self._add_lookups(batch, number, joined)
                except Refused as error:
                    if error.status != _BAD_REQUEST:
                        raise
                    self.failures[batch.alias] = f"{test.source}: {error.message}"
                    break

    def _add_lookups(self, batch: Batch, number: int, joined: Sequence[nodes.Other]) -> None:
        test, alias = batch.tests[number], batch.alias_of(number)
        targets = dict.fromkeys(join.target.name for join in joined if join.target)
        for target in targets:
            mine = [join for join in joined if join.target and join.target.name == target]
            keys = {name: kind for join in mine for name, kind in self._key_types(batch, join, alias).items()}
            rows, name = test.lookups.get(target, ()), lookup_index(alias, target)
            mapping = lookup_mapping(test.index, rows, keys, batch.fields, embedded=self.run.embedded)
            self.cleanup.callback(self._remove, name)
            self.server.create_index(name, mappings=mapping, settings=LOOKUP_SETTINGS)
            self.server.bulk(name, rows)

    def _key_types(self, batch: Batch, join: nodes.Other, alias: str) -> dict[str, str]:
        """The types that the query's own side of a join has; {} where the server does not tell."""
        text = batch.query.before(join, alias) if batch.query else ""
        if not text:
            return {}
        try:
            columns = self.server.query(f"{text}\n| LIMIT 0").columns
        except Refused:  # the rule's own query will be refused as well, and its verdict says why
            return {}
        return {column.name: column.type for column in columns if column.name in joined_on(join)}


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
    patterns: dict[str, None]


def _collect(items: Sequence[Item], now: datetime) -> _Part:
    part = _Part([], [], {}, {}, {}, {})
    for batch, number in items:
        tag = batch.alias_of(number)
        moment = moment_of(batch.tests[number], now)
        copies = [document for event in batch.tests[number].events for document in timed(event, moment)]
        part.documents.extend(copies)
        part.routing.extend([tag] * len(copies))
        part.fields.update(batch.fields)
        if batch.query:  # a field that is mixed with others is of their type
            alike = types_alike(batch.query.tree, known_types(_stream((batch, number))))
            part.fields.update({name: kind for name, kind in alike.items() if name in batch.fields})
        part.mapped.update(batch.mapped)
        part.patterns.update(dict.fromkeys(batch.query.patterns if batch.query else ()))
        part.aliases[tag] = {tag}
        part.aliases.setdefault(batch.alias, set()).add(tag)
    return part


def sweep(server: Server, now: datetime) -> tuple[str, ...]:
    """Remove what runs that died left behind; the names of what went."""
    old = [index.name for index in server.find_indices(f"{PREFIX}-*") if _age(index, now) > STALE]
    return tuple(name for name in old if server.delete_index(name))


def _age(index: Index, now: datetime) -> timedelta:
    return now - datetime.fromtimestamp(index.created, UTC)
