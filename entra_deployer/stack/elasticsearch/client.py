"""What this tool asks of an Elasticsearch: queries, seeded events, documents of its ledger."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import batched, repeat
from pathlib import Path
from urllib.parse import urlsplit

from elasticsearch import Elasticsearch

from entra_deployer.core.errors import InputError, Refused, UnsupportedVersion
from entra_deployer.core.json import Untyped as Json
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.elasticsearch.access import Access
from entra_deployer.stack.elasticsearch.node import WARNINGS_HEADER, node_class
from entra_deployer.stack.elasticsearch.translate import place, reason, translated
from entra_deployer.stack.environment import Endpoint, Scheme
from entra_deployer.stack.search import Column, QueryResult
from entra_deployer.stack.source_fields import FieldCap, FieldCaps

OLDEST = StackVersion(8, 12)
NEWEST_MAJOR = 9
_BULK = 200
PARTIAL_SINCE = {8: StackVersion(8, 19), 9: StackVersion(9, 1)}
"""Per major version, the first that knows `allow_partial_results`; older ones refuse the parameter."""

BULK_SIZE = 2000
"""Documents in one bulk request."""

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class StoredDocument:
    """A document and the version of it that was read: what a conditional write refers to."""

    document_id: str
    source: Mapping[str, Json]
    seq_no: int
    primary_term: int


@dataclass(frozen=True)
class IndexInfo:
    """An index and when it was made, in seconds since 1970."""

    name: str
    created: float


def connect(endpoint: Endpoint) -> "ElasticClient":
    """A client of the Elasticsearch at `endpoint`; nothing is sent yet. Raises InputError for an unusable endpoint."""
    try:
        return ElasticClient(_client(endpoint), endpoint)
    except (ValueError, OSError) as error:
        hint = "check its url and its certificate files"
        raise InputError(f"cannot use the Elasticsearch at {place(endpoint)}: {error}", hint=hint) from None


def _client(endpoint: Endpoint) -> Elasticsearch:
    """The official client: one try a request, a time-out on each, no warnings of its own."""
    parts = urlsplit(endpoint.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("its url is not http(s)://host[:port]")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    options: dict[str, Json] = {
        "request_timeout": endpoint.timeout,
        "max_retries": 0,
        "retry_on_timeout": False,
        "node_class": node_class(endpoint.proxy),
    }
    credentials = endpoint.credentials
    if credentials.scheme is Scheme.BASIC:
        options["basic_auth"] = (credentials.user, credentials.secret)
    elif credentials.scheme is Scheme.API_KEY:
        options["api_key"] = credentials.secret
    else:
        options["bearer_auth"] = credentials.secret
    if parts.scheme == "https":
        options |= {"verify_certs": endpoint.verify, "ssl_show_warn": False}
        given = {"ca_certs": endpoint.ca, "client_cert": endpoint.certificate, "client_key": endpoint.key}
        options |= {
            name: _file(path) for name, path in given.items() if path and (name != "ca_certs" or endpoint.verify)
        }
    return Elasticsearch(f"{parts.scheme}://{host}:{port}{parts.path.rstrip('/')}", **options)


def _file(path: str) -> str:
    """`path`, which must be a file: the HTTP library would only notice at the first request."""
    if not Path(path).is_file():
        raise FileNotFoundError(f"there is no file {path}")
    return path


class ElasticClient:
    """An Elasticsearch. Every method raises Unreachable, or Refused with the server's reason; none tries twice."""

    def __init__(self, client: Elasticsearch, endpoint: Endpoint) -> None:
        self._client = client
        self._endpoint = endpoint

    @property
    def address(self) -> str:
        """Where it answers, fit to be shown."""
        return place(self._endpoint)

    @property
    def access(self) -> Access:
        """Who we are here and what we are allowed."""
        return Access(self._client, self._endpoint)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    # -- the server -------------------------------------------------------------------------------------------------

    @cached_property
    def _version(self) -> StackVersion:
        with translated(self._endpoint):
            info = self._client.info()["version"]
        if info.get("build_flavor") == "serverless":
            raise UnsupportedVersion(f"{self.address} is serverless, which has no version to compile for")
        try:
            version = StackVersion.parse(info["number"])
        except (KeyError, ValueError):
            raise UnsupportedVersion(f"{self.address} does not tell its version", hint="check the address") from None
        if version < OLDEST or version.major > NEWEST_MAJOR:
            known = f"{OLDEST.major}.{OLDEST.minor} to {NEWEST_MAJOR}.x are supported"
            raise UnsupportedVersion(f"Elasticsearch at {self.address} is of version {version}", hint=known)
        return version

    def version(self) -> StackVersion:
        """The server's version, asked once. Raises UnsupportedVersion for one that this tool does not know."""
        return self._version

    def license_type(self) -> str:
        """Elastic's word for the licence: "basic", "platinum", "trial", ..."""
        with translated(self._endpoint):
            return str(self._client.license.get()["license"]["type"])

    def now(self) -> datetime:
        """The server's own clock, which `now()` in a query reads."""
        return datetime.fromisoformat(str(self.query("ROW now = NOW()").rows[0][0]))

    def has_privileges(
        self, *, cluster: Sequence[str] = (), index: Sequence[Mapping[str, Json]] = ()
    ) -> tuple[str, ...]:
        """Those of the privileges asked for that we lack: "monitor", "read on logs-*"; () where we have them all.

        `index` holds {"names": [...], "privileges": [...]} each, as the server's own API takes them.
        """
        with translated(self._endpoint):
            answer = self._client.security.has_privileges(cluster=list(cluster), index=[dict(item) for item in index])
        lacking = [name for name, granted in answer["cluster"].items() if not granted]
        for pattern, privileges in answer["index"].items():
            lacking += [f"{name} on {pattern}" for name, granted in privileges.items() if not granted]
        return tuple(sorted(lacking))

    # -- ES|QL ------------------------------------------------------------------------------------------------------

    def query(self, text: str, *, filter: Json = None, params: Sequence[Json] = ()) -> QueryResult:  # noqa: A002
        """Run an ES|QL query, after a Query DSL `filter` if given; a partial answer is refused where the server can."""
        partial = PARTIAL_SINCE.get(self.version().major)
        known = partial is not None and self.version() >= partial
        with translated(self._endpoint):
            answer = self._client.esql.query(
                query=text,
                filter=filter,
                params=list(params) or None,
                allow_partial_results=False if known else None,
            )
        body = answer.body
        return QueryResult(
            columns=tuple(Column(column["name"], column["type"]) for column in body["columns"]),
            rows=tuple(tuple(row) for row in body["values"]),
            warnings=read_warnings(answer.meta.headers.get(WARNINGS_HEADER) or ""),
            is_partial=bool(body.get("is_partial")),
        )

    def check_query(self, text: str) -> tuple[Column, ...]:
        """The columns that a query would give, without running it. Raises Refused where the server does not accept it.

        The server's "line l:c" holds for `text`: LIMIT goes on a line of its own, where no comment can swallow it.
        """
        return self.query(f"{text}\n| LIMIT 0").columns

    # -- indices ----------------------------------------------------------------------------------------------------

    def create_index(self, name: str, *, mappings: Json = None, settings: Json = None) -> None:
        """Make an index. Refused with status 400 where it exists."""
        with translated(self._endpoint):
            self._client.indices.create(index=name, mappings=mappings, settings=settings)

    def delete_index(self, name: str) -> bool:
        """Delete one index by its exact name; False where there was none."""
        with translated(self._endpoint):
            answer = self._client.options(ignore_status=404).indices.delete(index=name)
        return answer.meta.status != 404

    def index_exists(self, name: str) -> bool:
        """Is there an index, alias or data stream of this name."""
        with translated(self._endpoint):
            return bool(self._client.indices.exists(index=name))

    def add_aliases(self, aliases: Sequence[tuple[str, str, Json]]) -> None:
        """Add (index, alias, Query DSL filter), all at once. The aliases are hidden: no wildcard reaches them."""
        actions = [
            {"add": {"index": index, "alias": alias, "filter": filter_, "is_hidden": True}}
            for index, alias, filter_ in aliases
        ]
        with translated(self._endpoint):
            self._client.indices.update_aliases(actions=actions)

    def find_indices(self, pattern: str) -> tuple[IndexInfo, ...]:
        """The open indices whose names match, hidden ones included, sorted by name."""
        with translated(self._endpoint):
            answer = self._client.indices.get_settings(
                index=pattern, name="index.creation_date", allow_no_indices=True, expand_wildcards=["open", "hidden"]
            )
        found = answer.body.items()
        dates = {name: int(item["settings"]["index"]["creation_date"]) / 1000 for name, item in found}
        return tuple(IndexInfo(name, dates[name]) for name in sorted(dates))

    def field_caps(self, index: str, fields: Sequence[str]) -> FieldCaps:
        """Which indices a pattern matches and how they map the fields; nothing at all where it matches none."""
        with translated(self._endpoint):
            answer = self._client.field_caps(
                index=index, fields=list(fields), ignore_unavailable=True, allow_no_indices=True, include_unmapped=True
            )
        return FieldCaps(
            tuple(sorted(answer["indices"])), {name: _cap(told) for name, told in answer["fields"].items()}
        )

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
            operations: list[Mapping[str, Json]] = [part for pair in batch for part in pair]
            with translated(self._endpoint):
                answer = self._client.bulk(index=index, operations=operations, refresh=True)
            self._check_bulk(index, answer["items"], written)
            written += len(batch)
        return written

    def _check_bulk(self, index: str, items: Sequence[Mapping[str, Json]], before: int) -> None:
        for position, item in enumerate(items, before + 1):
            outcome = item["create"]
            if "error" in outcome:
                message = f"Elasticsearch at {self.address} did not take document {position} of {index}"
                raise Refused(f"{message}: {reason(outcome)}", status=int(outcome["status"]))

    def get_document(self, index: str, document_id: str) -> StoredDocument | None:
        """The document as it is now (no refresh needed); None where there is none, or no such index."""
        with translated(self._endpoint):
            answer = self._client.options(ignore_status=404).get(index=index, id=document_id)
        if answer.meta.status == 404:
            return None
        return StoredDocument(document_id, answer["_source"], answer["_seq_no"], answer["_primary_term"])

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
        with translated(self._endpoint):
            answer = self._client.index(
                index=index,
                id=document_id,
                document=source,
                op_type="create" if create else "index",
                if_seq_no=replaces.seq_no if replaces else None,
                if_primary_term=replaces.primary_term if replaces else None,
                refresh="wait_for" if create else None,
            )
        return StoredDocument(document_id, source, answer["_seq_no"], answer["_primary_term"])

    def put_documents(self, index: str, documents: Mapping[str, Mapping[str, Json]]) -> None:
        """Write documents by id, searchable on return. Raises Refused at the first one that is not taken."""
        for some in batched(documents.items(), _BULK):
            operations: list[Mapping[str, Json]] = []
            for document_id, source in some:
                operations += [{"index": {"_id": document_id}}, source]
            with translated(self._endpoint):
                answer = self._client.bulk(index=index, operations=operations, refresh=True)
            for item in answer["items"]:
                if "error" in (outcome := item["index"]):
                    message = f"Elasticsearch at {self.address} did not take {outcome['_id']} of {index}"
                    raise Refused(f"{message}: {reason(outcome)}", status=int(outcome["status"]))

    def whoami(self) -> str:
        """The user that the server knows us as, for an API key its owner and name."""
        with translated(self._endpoint):
            answer = self._client.security.authenticate()
        key = (answer.get("api_key") or {}).get("name")
        return f"{answer['username']} ({key})" if key else str(answer["username"])

    def delete_document(self, index: str, document_id: str, *, replaces: StoredDocument | None = None) -> bool:
        """Delete a document, with `replaces` only while that version stands (else 409); False where there was none."""
        with translated(self._endpoint):
            answer = self._client.options(ignore_status=404).delete(
                index=index,
                id=document_id,
                if_seq_no=replaces.seq_no if replaces else None,
                if_primary_term=replaces.primary_term if replaces else None,
            )
        return answer.meta.status != 404

    def search(
        self, index: str, *, query: Json = None, sort: Json = None, size: int = 1000
    ) -> list[Mapping[str, Json]]:
        """The sources of the documents that a Query DSL `query` finds, at most `size`; [] without such an index.

        Refused with status 403 for an index that we may not read (which `ignore_unavailable` would hide).
        """
        with translated(self._endpoint):
            client = self._client.options(ignore_status=404)
            answer = client.search(index=index, query=query, sort=sort, size=size, allow_no_indices=True)
        return [] if answer.meta.status == 404 else [hit["_source"] for hit in answer["hits"]["hits"]]


def _cap(told: Mapping[str, Mapping[str, Json]]) -> FieldCap:
    """A field by what the server tells of each of its types; "unmapped" is one of them, with the indices."""
    lacking = told.get("unmapped", {}).get("indices", ())
    return FieldCap(tuple(sorted(told.keys() - {"unmapped"})), tuple(sorted(lacking)))


def read_warnings(header: str) -> tuple[str, ...]:
    """The texts of (joined) Warning headers: 299 Elasticsearch-8.19.21-<hash> "the text", each once, in order."""
    texts = [re.sub(r"\\(.)", r"\1", text) for text in _QUOTED.findall(header)]
    return tuple(dict.fromkeys(texts))
