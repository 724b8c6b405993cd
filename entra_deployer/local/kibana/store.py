"""What the local API remembers: documents in a few small indices of its own, so that it outlives a restart."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from entra_deployer.local.kibana.elastic import Elastic, Reply, reason, segment
from entra_deployer.local.kibana.errors import core

KEYWORD: Final = {"type": "keyword"}
TEXT: Final = {"type": "text", "fields": {"keyword": {"type": "keyword", "ignore_above": 1024}}}
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
MAPPINGS: Final[dict[str, dict[str, Any]]] = {
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


@dataclass(frozen=True)
class Stored:
    """A document as it was read or written: where it stands in the order of writes is its version."""

    id: str
    source: dict[str, Any]
    seq_no: int
    primary_term: int


class Store:
    """Reads and writes of whole documents; every write is visible to the next search.

    `prefix` and the name of a kind of document make the name of its index.
    """

    def __init__(self, elastic: Elastic, prefix: str) -> None:
        self._elastic = elastic
        self._prefix = prefix
        self._is_prepared = False

    def prepare(self) -> None:
        """Make the indices that are not there yet; raises ElasticsearchDown, and then may be called again."""
        if self._is_prepared:
            return
        settings = {"number_of_shards": 1, "number_of_replicas": 0, "hidden": True, "refresh_interval": "-1"}
        for index, properties in MAPPINGS.items():
            if self._elastic.call("HEAD", self._path(index)).status == 404:
                mappings = {"dynamic": False, "properties": properties}
                self._elastic.call("PUT", self._path(index), {"settings": settings, "mappings": mappings})
        self._is_prepared = True

    def get(self, index: str, doc_id: str) -> Stored | None:
        """One document by its id."""
        reply = self._elastic.call("GET", self._path(index, f"_doc/{segment(doc_id)}"))
        return _stored(reply.body) if reply.ok and reply.body.get("found") else None

    def search(self, index: str, query: object, **more: object) -> tuple[list[Stored], int]:
        """A page of the documents that match a Query DSL query, and how many match in all."""
        body = {"query": query, "seq_no_primary_term": True, "track_total_hits": True, **more}
        reply = self._checked(self._elastic.call("POST", self._path(index, "_search"), body))
        hits = reply.body["hits"]
        return [_stored(hit) for hit in hits["hits"]], hits["total"]["value"]

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
        self, index: str, doc_id: str, source: dict[str, Any], *, create: bool = False, over: Stored | None = None
    ) -> Stored:
        """Write a document: a new one, over the version `over`, or over whatever is there. Raises Conflict."""
        options = "refresh=true"
        if create:
            options += "&op_type=create"
        elif over:
            options += f"&if_seq_no={over.seq_no}&if_primary_term={over.primary_term}"
        reply = self._checked(self._elastic.call("PUT", self._path(index, f"_doc/{segment(doc_id)}?{options}"), source))
        return Stored(doc_id, source, reply.body["_seq_no"], reply.body["_primary_term"])

    def write_all(self, index: str, documents: Iterable[tuple[str, dict[str, Any]]]) -> list[Stored]:
        """Write many documents in one request, over whatever is there."""
        pairs = list(documents)
        if not pairs:
            return []
        lines = [line for doc_id, source in pairs for line in ({"index": {"_id": doc_id}}, source)]
        reply = self._checked(self._elastic.call("POST", self._path(index, "_bulk?refresh=true"), lines))
        results = [item["index"] for item in reply.body["items"]]
        return [
            Stored(doc_id, source, result["_seq_no"], result["_primary_term"])
            for (doc_id, source), result in zip(pairs, results, strict=True)
        ]

    def delete(self, index: str, doc_id: str) -> bool:
        """Delete a document; whether there was one."""
        return self._elastic.call("DELETE", self._path(index, f"_doc/{segment(doc_id)}?refresh=true")).ok

    def delete_all(self, index: str, doc_ids: Iterable[str]) -> None:
        """Delete many documents in one request."""
        lines = [{"delete": {"_id": doc_id}} for doc_id in doc_ids]
        if lines:
            self._checked(self._elastic.call("POST", self._path(index, "_bulk?refresh=true"), lines))

    def _path(self, index: str, rest: str = "") -> str:
        return f"/{self._prefix}-{index}/{rest}".rstrip("/")

    @staticmethod
    def _checked(reply: Reply) -> Reply:
        if reply.ok:
            return reply
        error = reply.body["error"]
        if reply.status == 409:
            raise Conflict(f"{error['reason']}: {reason(error)}")
        if error["type"] == "action_request_validation_exception":
            raise core(400, error["reason"])
        raise core(reply.status, f"{error['reason']}: {reason(error)}")


def _stored(hit: dict[str, Any]) -> Stored:
    return Stored(hit["_id"], hit["_source"], hit["_seq_no"], hit["_primary_term"])
