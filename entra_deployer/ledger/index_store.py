"""The ledger: an index in the target's own Elasticsearch with the journal of each push and the lease that parts them.

Documents, told apart by `type`: `push` (one a push), `change` (one an object of a push, with its before- and
after-image), `object` (what the last push left of an object: the base of the next plan), `types` (which types the
fields that a rule reads had at its push), `verdict` (one a rule and version of Kibana), `attestation` (one a
promotion), `lease`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import VerdictRecord, record_from_json, record_to_json
from entra_deployer.ledger.ledger import Lease, PushEntry, PushState
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.plan.plan import Action, ChangeResult, Outcome
from entra_deployer.plan.serial import push_from_json, push_to_json, result_from_json, result_to_json
from entra_deployer.stack.elasticsearch import ElasticClient, StoredDocument

INDEX = "entra-deployer-ledger"
_KEYWORD = {"type": "keyword"}
_MAPPINGS = {
    "dynamic": False,
    "properties": {
        **dict.fromkeys(("type", "push_id", "environment", "space", "kind", "key", "state", "owner"), _KEYWORD),
        "at": {"type": "date"},
        "position": {"type": "integer"},
    },
}
_PAGE = 10_000


class Ledger:
    """The ledger of one environment. Raises Refused where the key may not read or write its index."""

    def __init__(self, client: ElasticClient, environment: str) -> None:
        self._client = client
        self._environment = environment

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space, by kind and key; {} before the first."""
        found = self._search({"type": "object", "space": space})
        return {
            (Kind(item["kind"]), item["key"]): StateObject(
                Kind(item["kind"]), item["key"], item["name"], item["payload"]
            )
            for item in found
        }

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push: after this, and not before, its first write may happen."""
        self._ensure_index()
        documents = {
            f"change:{entry.push_id}:{position}": self._change(entry, position, result)
            for position, result in enumerate(entry.results)
        }
        self._client.put_documents(INDEX, documents)
        self._client.put_documents(INDEX, {f"push:{entry.push_id}": self._head(entry)})

    def finish(self, entry: PushEntry) -> None:
        """Write every outcome, the new base, and that the push is over."""
        documents: dict[str, Mapping[str, Json]] = {
            f"change:{entry.push_id}:{position}": self._change(entry, position, result)
            for position, result in enumerate(entry.results)
        }
        for result in entry.results:
            if result.outcome is Outcome.APPLIED and result.change.base:
                documents[self._object_id(result)] = self._object(result.change.space, result.change.base)
        self._client.put_documents(INDEX, documents)
        gone = [
            self._object_id(result)
            for result in entry.results
            if result.outcome is Outcome.APPLIED and result.change.action is Action.DELETE
        ]
        for document_id in gone:
            self._client.delete_document(INDEX, document_id)
        self._client.put_documents(INDEX, {f"push:{entry.push_id}": self._head(entry)})

    def mark(self, entry: PushEntry, state: PushState) -> None:
        """Say of an older push what became of it."""
        self._client.put_documents(INDEX, {f"push:{entry.push_id}": self._head(replace(entry, state=state))})

    def entries(self, *, state: PushState | None = None) -> list[PushEntry]:
        """The pushes to this environment, newest first, without their changes."""
        wanted = {"type": "push", "environment": self._environment}
        if state:
            wanted["state"] = state.value
        found = self._search(wanted, sort=[{"at": "desc"}, {"push_id": "desc"}])
        return [push_from_json(item) for item in found]

    def with_changes(self, entry: PushEntry) -> PushEntry:
        """The same push with every change it journalled."""
        found = self._search({"type": "change", "push_id": entry.push_id}, sort=[{"position": "asc"}])
        return replace(entry, results=tuple(result_from_json(item["result"]) for item in found))

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired though no push brought them there: a pull did, say."""
        self._ensure_index()
        documents = {f"object:{space}:{one.kind.value}:{one.key}": self._object(space, one) for one in objects}
        self._client.put_documents(INDEX, documents)

    def remember_types(self, space: str, types: Mapping[str, Mapping[str, str]]) -> None:
        """Keep, by rule_id and field, which types the fields of the rules' sources had at their push."""
        self._ensure_index()
        documents = {
            f"types:{space}:{key}": {
                "type": "types",
                "environment": self._environment,
                "space": space,
                "key": key,
                "types": dict(some),
            }
            for key, some in types.items()
        }
        self._client.put_documents(INDEX, documents)

    def types(self, space: str) -> dict[str, Mapping[str, str]]:
        """What was kept of the fields' types in a space, by rule_id and field."""
        return {item["key"]: item["types"] for item in self._search({"type": "types", "space": space})}

    def remember_verdicts(self, records: Sequence[VerdictRecord]) -> None:
        """Keep verdicts: of each rule the newest one for each version of Kibana."""
        self._ensure_index()
        documents = {
            f"verdict:{self._environment}:{record.rule_id}:{record.kibana}": {
                "type": "verdict",
                "environment": self._environment,
                "key": record.rule_id,
                "at": record.at,
                "record": record_to_json(record),
            }
            for record in records
        }
        self._client.put_documents(INDEX, documents)

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were kept."""
        found = self._search({"type": "verdict", "environment": self._environment})
        return [record_from_json(item["record"]) for item in found]

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to here rested on."""
        entry = {"type": "attestation", "environment": self._environment, "at": document["at"]}
        self._client.put_documents(
            INDEX, {f"attestation:{self._environment}:{document['at']}": {**entry, "document": document}}
        )

    def acquire(self, owner: str, now: datetime, ttl: timedelta) -> Lease | None:
        """Take the lease, by compare and set; the other's lease where somebody else holds a valid one."""
        self._ensure_index()
        document_id = f"lease:{self._environment}"
        standing = self._client.get_document(INDEX, document_id)
        if standing and standing.source["owner"] != owner and datetime.fromisoformat(standing.source["expires"]) > now:
            return _lease(standing.source)
        lease = {"type": "lease", "environment": self._environment, "owner": owner, "expires": (now + ttl).isoformat()}
        try:
            self._client.put_document(INDEX, document_id, lease, create=standing is None, replaces=standing)
        except Refused as error:
            if error.status != 409:
                raise
            winner = self._client.get_document(INDEX, document_id)
            return _lease(winner.source) if winner else Lease("somebody", now.isoformat())
        return None

    def release(self, owner: str) -> None:
        """Give the lease back; one that is not ours stays."""
        document_id = f"lease:{self._environment}"
        standing: StoredDocument | None = self._client.get_document(INDEX, document_id)
        if standing and standing.source["owner"] == owner:
            self._client.delete_document(INDEX, document_id, replaces=standing)

    def _ensure_index(self) -> None:
        if not self._client.index_exists(INDEX):
            try:
                self._client.create_index(INDEX, mappings=_MAPPINGS, settings={"auto_expand_replicas": "0-1"})
            except Refused as error:
                if "already_exists" not in error.message:
                    raise

    def _search(self, terms: Mapping[str, str], sort: Sequence[Json] | None = None) -> Iterable[Mapping[str, Json]]:
        query = {"bool": {"filter": [{"term": {name: value}} for name, value in terms.items()]}}
        return self._client.search(INDEX, query=query, sort=sort, size=_PAGE)

    def _head(self, entry: PushEntry) -> Json:
        return {"type": "push", **push_to_json(entry)}

    def _change(self, entry: PushEntry, position: int, result: ChangeResult) -> Json:
        return {"type": "change", "push_id": entry.push_id, "position": position, "result": result_to_json(result)}

    def _object_id(self, result: ChangeResult) -> str:
        change = result.change
        return f"object:{change.space}:{change.kind.value}:{change.key}"

    def _object(self, space: str, one: StateObject) -> Json:
        return {
            "type": "object",
            "environment": self._environment,
            "space": space,
            "kind": one.kind.value,
            "key": one.key,
            "name": one.name,
            "payload": dict(one.payload),
        }


def _lease(source: Mapping[str, Json]) -> Lease:
    return Lease(str(source["owner"]), str(source["expires"]))
