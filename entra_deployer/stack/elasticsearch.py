"""Elasticsearch: queries, seeded events, documents of the ledger, privileges, through its official client."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from itertools import batched, repeat
from typing import TYPE_CHECKING, cast

from msgspec import Struct
from requests.adapters import BaseAdapter

from entra_deployer import facts
from entra_deployer.core.errors import Refused, UnsupportedVersion
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.answers import (
    Acknowledged,
    ApiKeys,
    Authenticated,
    BulkResult,
    DeletedDocument,
    ElasticInfo,
    ElasticLicense,
    EsqlAsync,
    EsqlResult,
    FieldCapsTold,
    FoundDocument,
    HeldPrivileges,
    IndexSettings,
    IndexVisibility,
    SearchResult,
    WrittenDocument,
    WrittenSearchResult,
    decode,
    decode_text,
)
from entra_deployer.stack.diagnosis import Answer, Product, elastic_reason
from entra_deployer.stack.environment import Credentials, Endpoint
from entra_deployer.stack.official import official_client
from entra_deployer.stack.search import Column, FieldCap, FieldCaps, Identity, License, QueryResult, RunningQuery
from entra_deployer.stack.server import Pauses, ServerSession

if TYPE_CHECKING:
    from elasticsearch import Elasticsearch

BULK_SIZE = 2000
"""Documents in one bulk request."""
_LEDGER_BULK = 1000
_MOST_HITS = 5000

_NO_DOCUMENT: Mapping[str, Json] = {
    "bool": {
        "filter": [{"ids": {"values": ["entra-deployer looks whether the query can be built"]}}],
        "must_not": [{"term": {"_tier": "data_frozen"}}],
    }
}
"""Matches nothing, and no shard knows that beforehand."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


type _Steps = list[tuple[str, list[Mapping[str, Json]]]]
"""Ids of documents, each with the lines of a bulk that write it or take it out."""


class StoredDocument(Struct, frozen=True):
    """A document and the version of it that was read: what a conditional write refers to."""

    document_id: str
    source: Mapping[str, Json]
    seq_no: int
    primary_term: int


class IndexInfo(Struct, frozen=True):
    """An index and when it was made, in seconds since 1970."""

    name: str
    created: float


def connect(
    endpoint: Endpoint,
    transport: BaseAdapter | None = None,
    pauses: Pauses = Pauses(),  # noqa: B008 - it is frozen
) -> "ElasticClient":
    """A client of the Elasticsearch at `endpoint`; nothing is sent yet. Raises InputError for an unusable endpoint.

    `transport` takes the place of the network; tests bring their own.
    """
    return ElasticClient(ServerSession(Product.ELASTICSEARCH, endpoint, transport, pauses))


class ElasticClient:
    """An Elasticsearch. Reads are tried again, writes never.

    Every method raises Unreachable where there is no answer or none of Elasticsearch's, AnswerLost where a write may
    have happened all the same, and Refused with the server's reason where the answer is no.
    """

    def __init__(self, server: ServerSession) -> None:
        self._server = server

    @cached_property
    def _client(self) -> "Elasticsearch":
        return official_client(self._server)

    @property
    def address(self) -> str:
        """Where it answers, fit to be shown."""
        return self._server.url

    def acting_as(self, credentials: Credentials) -> "ElasticClient":
        """A client of the same server as somebody else; to be closed by itself."""
        return ElasticClient(self._server.acting_as(credentials))

    def close(self) -> None:
        """Close the connections."""
        self._server.close()

    def _typed[T](self, response: object, into: type[T]) -> T:
        return decode(_answer(response), into, self._server.diagnosis)

    # -- the server -------------------------------------------------------------------------------------------------

    @cached_property
    def _info(self) -> ElasticInfo:
        response = self._client.info()
        told = self._typed(response, ElasticInfo)
        if _answer(response).headers.get("x-elastic-product") != "Elasticsearch":
            raise UnsupportedVersion(f"{self.address} is not an Elasticsearch", hint="check elasticsearch.url")
        return told

    @cached_property
    def _version(self) -> StackVersion:
        told = self._info.version
        if told.build_flavor == "serverless":
            raise UnsupportedVersion(f"{self.address} is serverless, which has no version to compile for")
        try:
            version = StackVersion.parse(told.number)
        except ValueError:
            raise UnsupportedVersion(f"{self.address} does not tell its version", hint="check the address") from None
        if version < facts.OLDEST or version.major > facts.NEWEST_MAJOR:
            known = f"{facts.OLDEST.major}.{facts.OLDEST.minor} to {facts.NEWEST_MAJOR}.x are supported"
            raise UnsupportedVersion(f"Elasticsearch at {self.address} is of version {version}", hint=known)
        return version

    def version(self) -> StackVersion:
        """The server's version, asked once. Raises UnsupportedVersion for one that this tool does not know."""
        return self._version

    def cluster_uuid(self) -> str:
        """What tells this cluster from all others, also after a change of its address; asked once."""
        return self._info.cluster_uuid

    def license(self) -> License:
        """The license of the cluster."""
        told = self._typed(self._client.license.get(), ElasticLicense).license
        until = told.expiry_date_in_millis
        return License(told.type, told.status == "active", _time(until) if until else None)

    def now(self) -> datetime:
        """The server's own clock, which `now()` in a query reads."""
        response = self._query("ROW now = NOW()")
        try:
            return datetime.fromisoformat(str(self._typed(response, EsqlResult).values[0][0]))
        except (ValueError, IndexError):
            raise self._server.diagnosis.unexpected(_answer(response), "one time") from None

    # -- who we are and what we may ---------------------------------------------------------------------------------

    def identity(self) -> Identity:
        """Who we are; of an API key also until when it is valid, which every key may ask about itself."""
        told = self._typed(self._client.security.authenticate(), Authenticated)
        if told.api_key is None:
            return Identity(told.username, tuple(told.roles))
        key = told.api_key
        found = Identity(told.username, tuple(told.roles), key.id, key.name or "")
        with suppress(Refused):
            keys = self._typed(self._client.security.get_api_key(id=key.id), ApiKeys).api_keys
            return replace(found, expires=next((_time(one.expiration) for one in keys if one.expiration), None))
        return found

    def whoami(self) -> str:
        """The user that the server knows us as, for an API key its owner and name."""
        told = self._typed(self._client.security.authenticate(), Authenticated)
        return f"{told.username} ({told.api_key.name})" if told.api_key and told.api_key.name else told.username

    def granted(
        self, application: str, privileges: Sequence[str], resources: Sequence[str]
    ) -> Mapping[str, frozenset[str]]:
        """By resource of an application (in Kibana a space), those of the privileges that we hold."""
        asked = [{"application": application, "privileges": list(privileges), "resources": list(resources)}]
        told = self._typed(self._client.security.has_privileges(application=asked), HeldPrivileges)
        by_resource = told.application.get(application, {})
        return {
            resource: frozenset(name for name, held in by_resource.get(resource, {}).items() if held)
            for resource in resources
        }

    def has_privileges(
        self, *, cluster: Sequence[str] = (), index: Sequence[Mapping[str, Json]] = ()
    ) -> tuple[str, ...]:
        """Those of the privileges asked for that we lack: "monitor", "read on logs-*"; () where we have them all.

        `index` holds {"names": [...], "privileges": [...]} each, as the server's own API takes them.
        """
        response = self._client.security.has_privileges(cluster=list(cluster), index=[dict(item) for item in index])
        told = self._typed(response, HeldPrivileges)
        lacking = [name for name, granted in told.cluster.items() if not granted]
        for pattern, privileges in told.index.items():
            lacking += [f"{name} on {pattern}" for name, granted in privileges.items() if not granted]
        return tuple(sorted(lacking))

    # -- ES|QL ------------------------------------------------------------------------------------------------------

    def query(self, text: str, *, filter: Mapping[str, Json] | None = None, params: Sequence[Json] = ()) -> QueryResult:  # noqa: A002
        """Run an ES|QL query, after a Query DSL `filter` if given; a partial answer is refused where the server can."""
        response = self._query(text, filter_=filter, params=params)
        return self._result(response, self._typed(response, EsqlResult))

    def _result(self, response: object, told: EsqlResult | EsqlAsync) -> QueryResult:
        if any(len(row) != len(told.columns) for row in told.values):
            raise self._server.diagnosis.unexpected(_answer(response), "rows with a value for each column")
        return QueryResult(
            columns=tuple(Column(column.name, column.type) for column in told.columns),
            rows=tuple(tuple(row) for row in told.values),
            warnings=read_warnings(_answer(response).headers.get("warning", "")),
            is_partial=told.is_partial,
            took=told.took,
            documents=told.documents_found,
        )

    def begin_query(self, text: str, *, filter: Mapping[str, Json] | None = None, wait: float) -> RunningQuery:  # noqa: A002
        """Begin a query and wait so many seconds for its end; a server that cannot run it apart is waited for."""
        if not facts.ASYNC_QUERY.holds(self.version()):
            return RunningQuery(result=self.query(text, filter=filter))
        response = self._client.esql.async_query(
            query=text,
            filter=filter,
            wait_for_completion_timeout=f"{round(wait * 1000)}ms",
            keep_on_completion=False,
            allow_partial_results=False if facts.PARTIAL_RESULTS.holds(self.version()) else None,
        )
        return self._running(response)

    def await_query(self, query_id: str, *, wait: float) -> RunningQuery:
        """Wait so many seconds more for the end of a query that was begun."""
        timeout = f"{round(wait * 1000)}ms"
        return self._running(self._client.esql.async_query_get(id=query_id, wait_for_completion_timeout=timeout))

    def _running(self, response: object) -> RunningQuery:
        told = self._typed(response, EsqlAsync)
        if not told.is_running:
            return RunningQuery(result=self._result(response, told))
        if not told.id:
            raise self._server.diagnosis.unexpected(_answer(response), "the id of a running query")
        return RunningQuery(told.id)

    def cancel_query(self, query_id: str) -> None:
        """Stop a query that was begun, on the server; one that is not there any more is left alone."""
        try:
            self._typed(self._client.esql.async_query_delete(id=query_id), Acknowledged)
        except Refused as error:
            _absent(error)

    def _query(self, text: str, *, filter_: Mapping[str, Json] | None = None, params: Sequence[Json] = ()) -> object:
        return self._client.esql.query(
            query=text,
            filter=filter_,
            params=list(params) or None,
            allow_partial_results=False if facts.PARTIAL_RESULTS.holds(self.version()) else None,
        )

    def check_query(self, text: str) -> tuple[Column, ...]:
        """The columns that a query would give, built on each shard and read from none. Raises Refused for a bad one.

        LIMIT 0, or a filter by time, is answered before the query is built, so that a broken KQL("...") would pass:
        the filter asks for one document that there is not. Frozen data, which it takes long to open, is left out.
        The server's "line l:c" holds for `text`: LIMIT goes on a line of its own, where no comment can swallow it.
        """
        result = self.query(f"{text}\n| LIMIT 1", filter=_NO_DOCUMENT)
        if result.is_partial:
            message = f"{self.address} answered in part: a shard did not take the query, or was not there"
            raise Refused(message, status=500, hint="look at the health of the indices that it reads")
        return result.columns

    # -- indices ----------------------------------------------------------------------------------------------------

    def create_index(
        self, name: str, *, mappings: Mapping[str, Json] | None = None, settings: Mapping[str, Json] | None = None
    ) -> None:
        """Make an index. Refused with status 400 where it exists."""
        self._typed(self._client.indices.create(index=name, mappings=mappings, settings=settings), Acknowledged)

    def add_fields(self, index: str, properties: Mapping[str, Mapping[str, Json]]) -> None:
        """Map further fields of an index. Refused with status 400 where one is mapped otherwise."""
        response = self._client.indices.put_mapping(index=index, properties=dict(properties))
        self._typed(response, Acknowledged)

    def delete_index(self, name: str) -> bool:
        """Delete one index by its exact name; False where there was none."""
        try:
            self._typed(self._client.indices.delete(index=name), Acknowledged)
        except Refused as error:
            return _absent(error)
        return True

    def index_exists(self, name: str) -> bool:
        """Is there an index, alias or data stream of this name."""
        return self._client.indices.exists(index=name).meta.status == 200

    def is_hidden(self, name: str) -> bool | None:
        """Whether no wildcard reaches an index, not even `*`; None where there is no such index."""
        try:
            response = self._client.indices.get_settings(index=name, name=["index.hidden", "index.uuid"])
            told = self._typed(response, dict[str, IndexVisibility])
        except Refused as error:
            return _absent(error) or None
        return any(one.settings.index.hidden == "true" for one in told.values()) if told else None

    def hide_index(self, name: str) -> None:
        """Hide an index from wildcards. Refused with status 403 for a key that may not `manage` it."""
        self._typed(self._client.indices.put_settings(index=name, settings={"index.hidden": True}), Acknowledged)

    def add_aliases(self, aliases: Sequence[tuple[str, str, Json]]) -> None:
        """Add (index, alias, Query DSL filter), all at once. The aliases are hidden: no wildcard reaches them."""
        actions = [
            {"add": {"index": index, "alias": alias, "filter": filter_, "is_hidden": True}}
            for index, alias, filter_ in aliases
        ]
        self._typed(self._client.indices.update_aliases(actions=actions), Acknowledged)

    def find_indices(self, pattern: str) -> tuple[IndexInfo, ...]:
        """The open indices whose names match, hidden ones included, sorted by name."""
        response = self._client.indices.get_settings(
            index=pattern, name="index.creation_date", allow_no_indices=True, expand_wildcards=["open", "hidden"]
        )
        told = self._typed(response, dict[str, IndexSettings])
        try:
            dates = {name: int(one.settings.index.creation_date) / 1000 for name, one in told.items()}
        except ValueError:
            raise self._server.diagnosis.unexpected(_answer(response), "times in milliseconds") from None
        return tuple(IndexInfo(name, dates[name]) for name in sorted(dates))

    def field_caps(self, index: str, fields: Sequence[str]) -> FieldCaps:
        """Which indices a pattern matches and how they map the fields; nothing at all where it matches none."""
        response = self._client.field_caps(
            index=index, fields=list(fields), ignore_unavailable=True, allow_no_indices=True, include_unmapped=True
        )
        told = self._typed(response, FieldCapsTold)
        indices = (told.indices,) if isinstance(told.indices, str) else tuple(sorted(told.indices))
        caps = {
            name: FieldCap(
                tuple(sorted(by_type.keys() - {"unmapped"})),
                tuple(sorted(by_type["unmapped"].indices or ())) if "unmapped" in by_type else (),
            )
            for name, by_type in told.fields.items()
        }
        return FieldCaps(indices, caps)

    # -- documents --------------------------------------------------------------------------------------------------

    def bulk(self, index: str, documents: Iterable[Mapping[str, Json]], *, routing: Sequence[str] | None = None) -> int:
        """Write documents, searchable on return; their number. Raises Refused at the first one that is not taken.

        `routing` is parallel to the documents.
        """
        marks: Iterable[Mapping[str, Json]] = repeat({"create": {}})
        if routing is not None:
            marks = ({"create": {"routing": value}} for value in routing)
        written = 0
        for batch in batched(zip(marks, documents, strict=False), BULK_SIZE):
            operations = [part for pair in batch for part in pair]
            names = [f"document {position}" for position in range(written + 1, written + 1 + len(batch))]
            self._bulk(index, operations, names)
            written += len(batch)
        return written

    def put_documents(
        self,
        index: str,
        *documents: Mapping[str, Mapping[str, Json]],
        gone: Iterable[str] = (),
        at_once: int = _LEDGER_BULK,
    ) -> None:
        """Delete the documents of the ids in `gone`, then write others by id; all can be searched on return.

        So many go in one request, and of several mappings each only where all before it was taken. Raises Refused at
        the first document that is not; to delete one that is not there is as good.
        """
        deletions: _Steps = [(one, [{"delete": {"_id": one}}]) for one in gone]
        writes: list[_Steps] = [
            [(one, [{"index": {"_id": one}}, source]) for one, source in some.items()] for some in documents
        ]
        requests = [some for steps in (deletions, *writes) for some in batched(steps, at_once)]
        for number, some in enumerate(requests, 1):
            operations = [part for _, parts in some for part in parts]
            self._bulk(index, operations, [name for name, _ in some], refresh=number == len(requests))

    def _bulk(
        self, index: str, operations: Sequence[Mapping[str, Json]], names: Sequence[str], *, refresh: bool = True
    ) -> None:
        """One bulk request of as many documents as there are names; with `refresh` they can be searched on return."""
        response = self._client.bulk(index=index, operations=operations, refresh=refresh)
        items = self._typed(response, BulkResult).items
        if len(items) != len(names) or not all(items):
            raise self._server.diagnosis.unexpected(_answer(response), f"{len(names)} outcomes")
        for name, item in zip(names, items, strict=True):
            for outcome in item.values():
                if outcome.error is not None:
                    said = elastic_reason({"error": outcome.error})
                    message = f"Elasticsearch at {self.address} did not take {name} of {index}: {said}"
                    raise Refused(message, status=outcome.status)

    def get_document(self, index: str, document_id: str) -> StoredDocument | None:
        """The document as it is now (no refresh needed); None where there is none, or no such index."""
        try:
            told = self._typed(self._client.get(index=index, id=document_id), FoundDocument)
        except Refused as error:
            _absent(error)
            return None
        return StoredDocument(document_id, told.source, told.seq_no, told.primary_term)

    def put_document(
        self,
        index: str,
        document_id: str,
        source: Mapping[str, Json],
        *,
        create: bool = False,
        replaces: StoredDocument | None = None,
    ) -> StoredDocument:
        """Write a document; with `create` only a new one, with `replaces` only while that version stands (else 409)."""
        response = self._client.index(
            index=index,
            id=document_id,
            document=source,
            op_type="create" if create else "index",
            if_seq_no=replaces.seq_no if replaces else None,
            if_primary_term=replaces.primary_term if replaces else None,
        )
        told = self._typed(response, WrittenDocument)
        return StoredDocument(document_id, source, told.seq_no, told.primary_term)

    def delete_document(self, index: str, document_id: str, *, replaces: StoredDocument | None = None) -> bool:
        """Delete a document, with `replaces` only while that version stands (else 409); False where there was none."""
        try:
            response = self._client.delete(
                index=index,
                id=document_id,
                if_seq_no=replaces.seq_no if replaces else None,
                if_primary_term=replaces.primary_term if replaces else None,
            )
            self._typed(response, DeletedDocument)
        except Refused as error:
            return _absent(error)
        return True

    def search_every(self, index: str, *, query: Mapping[str, Json]) -> dict[str, Mapping[str, Json]]:
        """All documents that a Query DSL `query` finds, by id, however many; {} without such an index.

        Read in pages by the order of writing. A document that is written meanwhile may be read in its newer form.
        """

        def read(response: object) -> list[tuple[str, Mapping[str, Json], list[Json] | None]]:
            return [(hit.document_id, hit.source, hit.sort) for hit in self._typed(response, SearchResult).hits.hits]

        return self._every(index, query, read)

    def search_written(self, index: str, *, query: Mapping[str, Json]) -> dict[str, bytes]:
        """The same, each document as the JSON text that was written, which nobody has looked into."""

        def read(response: object) -> list[tuple[str, bytes, list[Json] | None]]:
            told = decode_text(_answer(response), WrittenSearchResult, self._server.diagnosis)
            return [(hit.document_id, bytes(hit.source), hit.sort) for hit in told.hits.hits]

        return self._every(index, query, read)

    def _every[T](
        self,
        index: str,
        query: Mapping[str, Json],
        read: Callable[[object], list[tuple[str, T, list[Json] | None]]],
    ) -> dict[str, T]:
        """All hits by their ids; `read` gives those of an answer: id, document, and where it stands in the order."""
        found: dict[str, T] = {}
        after: list[Json] | None = None
        while True:
            try:
                response = self._client.search(
                    index=index,
                    query=query,
                    sort=[{"_seq_no": "asc"}],
                    size=_MOST_HITS,
                    search_after=after,
                    allow_no_indices=True,
                    allow_partial_search_results=False,
                )
                hits = read(response)
            except Refused as error:
                _absent(error)
                return found
            found |= {document_id: document for document_id, document, _ in hits}
            if len(hits) < _MOST_HITS:
                return found
            after = hits[-1][2]

    def search(
        self,
        index: str,
        *,
        query: Mapping[str, Json] | None = None,
        sort: Sequence[Mapping[str, Json]] | None = None,
        size: int = 1000,
    ) -> list[Mapping[str, Json]]:
        """The sources of the documents that a Query DSL `query` finds, at most `size`; [] without such an index.

        Refused with status 403 for an index that we may not read (which `ignore_unavailable` would hide).
        """
        try:
            response = self._client.search(index=index, query=query, sort=sort, size=size, allow_no_indices=True)
            return [hit.source for hit in self._typed(response, SearchResult).hits.hits]
        except Refused as error:
            _absent(error)
            return []


def _answer(response: object) -> Answer:
    """The answer that the client carries as its body."""
    return cast("Answer", getattr(response, "body", response))


def _absent(error: Refused) -> bool:
    """False for what is not there; any other refusal goes on its way."""
    if error.status != 404:
        raise error
    return False


def _time(milliseconds: int | float) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def read_warnings(header: str) -> tuple[str, ...]:
    """The texts of (joined) Warning headers: 299 Elasticsearch-8.19.21-<hash> "the text", each once, in order."""
    texts = [re.sub(r"\\(.)", r"\1", text) for text in _QUOTED.findall(header)]
    return tuple(dict.fromkeys(texts))
