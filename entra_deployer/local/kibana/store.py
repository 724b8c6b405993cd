"""What the local API remembers: documents in a few small indices of its own, so that it outlives a restart."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from entra_deployer.core.json import Json, as_mapping
from entra_deployer.local.kibana.elastic import Elastic, Reply, reason, segment
from entra_deployer.local.kibana.errors import core

KEYWORD: Final = {"type": "keyword"}
TEXT: Final[dict[str, Json]] = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}}
DATE: Final = {"type": "date"}

# The fields of a rule that filters ask for, by the names that they have there.
PARAMETERS: Final = {
    "ruleId": "rule_id",
    **{name: name for name in ("type", "language", "severity", "immutable")},
}

RULES: Final = "rules"
OBJECTS: Final = "objects"
THINGS: Final = "things"
PAGE: Final = 1000

# What is searched is mapped under the names that KQL filters use; the documents themselves are kept as they are.
MAPPINGS: Final[dict[str, dict[str, Json]]] = {
    RULES: {
        "space": KEYWORD,
        "rule": {"type": "object", "enabled": False},
        "summary": {"type": "object", "enabled": False},
        "alert": {
            "properties": {
                "id": KEYWORD,
                "attributes": {
                    "properties": {
                        "alertTypeId": KEYWORD,
                        "name": TEXT,
                        "tags": KEYWORD,
                        "enabled": {"type": "boolean"},
                        "createdAt": DATE,
                        "updatedAt": DATE,
                        "params": {"properties": dict.fromkeys(PARAMETERS, KEYWORD)},
                    }
                },
            }
        },
    },
    OBJECTS: {
        "type": KEYWORD,
        "namespaces": KEYWORD,
        "originId": KEYWORD,
        "refs": KEYWORD,
        "object": {"type": "object", "enabled": False},
    },
    THINGS: {"kind": KEYWORD, "space": KEYWORD, "parent": KEYWORD, "body": {"type": "object", "enabled": False}},
}


class Conflict(Exception):
    """The document exists already, or was changed by another request; the text is Elasticsearch's."""


class Written(msgspec.Struct, frozen=True, rename="_{}".format):
    """Where a write stands in the order of writes: the version of its document."""

    seq_no: int
    primary_term: int


class Stored(msgspec.Struct, frozen=True, rename="_{}".format):
    """A document as it was read or written, with its version."""

    id: str
    source: Mapping[str, Json] = {}
    seq_no: int = -1
    primary_term: int = -1

    def part(self, name: str) -> Mapping[str, Json]:
        """An object that the document holds, {} where it has none."""
        return as_mapping(self.source.get(name))


class _Total(msgspec.Struct, frozen=True):
    value: int


class _Page(msgspec.Struct, frozen=True):
    hits: list[Stored]
    total: _Total


class _Found(msgspec.Struct, frozen=True):
    hits: _Page


class _Documents(msgspec.Struct, frozen=True):
    docs: list[Stored]


class _Result(msgspec.Struct, frozen=True):
    index: Written


class _Bulk(msgspec.Struct, frozen=True):
    items: list[_Result]


class Store:
    """Reads and writes of whole documents; every write is visible to the next search.

    `prefix` and the name of a kind of document make the name of its index. With `refresh` ("1s") searches see what is
    written once in that time, and every write waits for it, as those of the real one do; "" makes it visible at once.
    """

    def __init__(self, elastic: Elastic, prefix: str, refresh: str = "") -> None:
        self._elastic = elastic
        self._prefix = prefix
        self._interval = refresh or "-1"
        self._refresh = "wait_for" if refresh else "true"
        self._is_prepared = False

    def prepare(self) -> None:
        """Make the indices that are not there yet; raises ElasticsearchDown, and then may be called again."""
        if self._is_prepared:
            return
        settings = {"number_of_shards": 1, "number_of_replicas": 0, "hidden": True}
        for index, properties in MAPPINGS.items():
            if self._elastic.call("HEAD", self._path(index)).status == 404:
                mappings = {"dynamic": False, "properties": properties}
                self._elastic.call("PUT", self._path(index), {"settings": settings, "mappings": mappings})
            self._elastic.call("PUT", self._path(index, "_settings"), {"refresh_interval": self._interval})
        self._is_prepared = True

    def pause(self, refreshes: int) -> None:
        """Wait as long as so many refreshes take."""
        if seconds := seconds_of(self._interval):
            time.sleep(seconds * refreshes)

    def get(self, index: str, doc_id: str) -> Stored | None:
        """One document by its id."""
        reply = self._elastic.call("GET", self._path(index, f"_doc/{segment(doc_id)}"))
        return reply.read(Stored) if reply.ok else None

    def get_all(self, index: str, doc_ids: Iterable[str]) -> dict[str, Stored]:
        """Those of the documents that are there, by their ids, in one request."""
        wanted = list(doc_ids)
        if not wanted:
            return {}
        reply = self._checked(self._elastic.call("POST", self._path(index, "_mget"), {"ids": wanted}))
        return {hit.id: hit for hit in reply.read(_Documents).docs if hit.seq_no >= 0}

    def search(self, index: str, query: object, **more: object) -> tuple[list[Stored], int]:
        """A page of the documents that match a Query DSL query, and how many match in all."""
        body = {"query": query, "seq_no_primary_term": True, "track_total_hits": True, **more}
        reply = self._checked(self._elastic.call("POST", self._path(index, "_search"), body))
        page = reply.read(_Found).hits
        return page.hits, page.total.value

    def every(self, index: str, query: object) -> Iterator[Stored]:
        """All documents that match, in the order they were first written, page by page."""
        after: dict[str, object] = {}
        while True:
            page, _ = self.search(index, query, size=PAGE, sort=[{"_seq_no": "asc"}], **after)
            yield from page
            if len(page) < PAGE:
                return
            after = {"search_after": [page[-1].seq_no]}

    def write(
        self, index: str, doc_id: str, source: Mapping[str, Json], *, create: bool = False, over: Stored | None = None
    ) -> Stored:
        """Write a document: a new one, over the version `over`, or over whatever is there. Raises Conflict."""
        options = f"refresh={self._refresh}"
        if create:
            options += "&op_type=create"
        elif over:
            options += f"&{_only_over(over)}"
        return self._put(index, doc_id, source, options)

    def note(self, index: str, doc_id: str, source: Mapping[str, Json], over: Stored) -> None:
        """Write a document over the version `over` without waiting: searches see it a refresh later."""
        refresh = "true" if self._refresh == "true" else "false"
        self._put(index, doc_id, source, f"refresh={refresh}&{_only_over(over)}")

    def _put(self, index: str, doc_id: str, source: Mapping[str, Json], options: str) -> Stored:
        path = self._path(index, f"_doc/{segment(doc_id)}?{options}")
        reply = self._checked(self._elastic.call("PUT", path, source))
        written = reply.read(Written)
        return Stored(doc_id, source, written.seq_no, written.primary_term)

    def write_all(self, index: str, documents: Iterable[tuple[str, Mapping[str, Json]]]) -> list[Stored]:
        """Write many documents in one request, over whatever is there."""
        pairs = list(documents)
        if not pairs:
            return []
        lines = [line for doc_id, source in pairs for line in ({"index": {"_id": doc_id}}, source)]
        reply = self._checked(self._elastic.call("POST", self._path(index, f"_bulk?refresh={self._refresh}"), lines))
        return [
            Stored(doc_id, source, result.index.seq_no, result.index.primary_term)
            for (doc_id, source), result in zip(pairs, reply.read(_Bulk).items, strict=True)
        ]

    def delete(self, index: str, doc_id: str) -> bool:
        """Delete a document; whether there was one."""
        return self._elastic.call("DELETE", self._path(index, f"_doc/{segment(doc_id)}?refresh={self._refresh}")).ok

    def delete_all(self, index: str, doc_ids: Iterable[str]) -> None:
        """Delete many documents in one request."""
        lines = [{"delete": {"_id": doc_id}} for doc_id in doc_ids]
        if lines:
            self._checked(self._elastic.call("POST", self._path(index, f"_bulk?refresh={self._refresh}"), lines))

    def _path(self, index: str, rest: str = "") -> str:
        return f"/{self._prefix}-{index}/{rest}".rstrip("/")

    @staticmethod
    def _checked(reply: Reply) -> Reply:
        if reply.ok:
            return reply
        error = reply.error
        if reply.status == 409:
            raise Conflict(f"{error.reason}: {reason(error)}")
        if error.type == "action_request_validation_exception":
            raise core(400, str(error.reason))
        raise core(reply.status, f"{error.reason}: {reason(error)}")


def seconds_of(interval: str) -> float:
    """The seconds of "1s" or "200ms", 0 for anything else."""
    found = re.fullmatch(r"(\d{1,6})(ms|s)", interval)
    return float(found[1]) / (1000 if found[2] == "ms" else 1) if found else 0.0


def _only_over(stored: Stored) -> str:
    return f"if_seq_no={stored.seq_no}&if_primary_term={stored.primary_term}"
