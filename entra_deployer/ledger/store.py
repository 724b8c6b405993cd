"""Where the ledger's documents are kept: an index of the target's own Elasticsearch, or files of this machine.

Both hold the same documents, told apart by `type`: `push` (one a push), `change` (one an object of a push, with its
before- and after-image), `object` (what the last push left of an object: the base of the next plan), `types` (which
types the fields that a rule reads had at its push), `verdict` (one a rule and version of Kibana), `attestation` (one a
promotion); in the index, `lease` too: the lock of a space.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Protocol

from entra_deployer.core.errors import InputError, Refused
from entra_deployer.core.files import read_bytes, write_text
from entra_deployer.core.json import DoesNotFit, Json, as_list, canonical, decode_json, encode_json
from entra_deployer.stack.elasticsearch import ElasticClient, StoredDocument
from entra_deployer.stack.privileges import LEDGER as INDEX

type Document = Mapping[str, Json]
type Terms = Mapping[str, str | Sequence[str]]
"""A field of a document and the value that it must have, or the values of which it must have one."""

_KEYWORD = {"type": "keyword"}
_MAPPINGS: Mapping[str, Json] = {
    "dynamic": False,
    "properties": {
        **dict.fromkeys(("type", "push_id", "environment", "space", "kind", "key", "state", "owner"), _KEYWORD),
        "at": {"type": "date"},
        "position": {"type": "integer"},
    },
}


class Store(Protocol):
    """Keeps documents by id. A document is written whole; what was written is found at once."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        ...

    def find(self, type_: str, terms: Terms) -> dict[str, Document]:
        """All documents of a type that have these values, by id; {} where nothing was ever written."""
        ...

    def find_of(self, types: Collection[str], spaces: Sequence[str], environment: str) -> dict[str, bytes]:
        """All documents of these types that are of one of the spaces, as JSON texts by id.

        Those of an older version, which did not say where, are of the environment of that name.
        """
        ...

    def put(self, *documents: Mapping[str, Document], gone: Collection[str] = ()) -> None:
        """Remove the documents of some ids, then write others: of several mappings each once all before it is written.

        Those that are gone already are as good.
        """
        ...


class IndexStore:
    """The index. Raises Refused where the key may not read or write it."""

    def __init__(self, client: ElasticClient) -> None:
        self._client = client
        self._known = False

    @property
    def place(self) -> str:
        """The URL of the index."""
        return f"{self._client.address}/{INDEX}"

    def find(self, type_: str, terms: Terms) -> dict[str, Document]:
        """All documents, however many, in pages."""
        wanted: list[Json] = [{"term": {"type": type_}}]
        for name, value in terms.items():
            wanted.append({"terms": {name: [value] if isinstance(value, str) else list(value)}})
        return self._client.search_every(INDEX, query={"bool": {"filter": wanted}})

    def find_of(self, types: Collection[str], spaces: Sequence[str], environment: str) -> dict[str, bytes]:
        """All of them by one question, however many, in pages."""
        older = {"filter": {"term": {"environment": environment}}, "must_not": {"exists": {"field": "space"}}}
        ours: list[Json] = [{"terms": {"space": list(spaces)}}, {"bool": older}]
        wanted: list[Json] = [{"terms": {"type": sorted(types)}}, {"bool": {"should": ours}}]
        return self._client.search_written(INDEX, query={"bool": {"filter": wanted}})

    def put(self, *documents: Mapping[str, Document], gone: Collection[str] = ()) -> None:
        """Write documents; the index is made at the first."""
        if gone or any(documents):
            self.ensure_index()
            self._client.put_documents(INDEX, *documents, gone=gone)

    def get_lock(self, document_id: str) -> StoredDocument | None:
        """A lock's document as it is now."""
        return self._client.get_document(INDEX, document_id)

    def put_lock(self, document_id: str, source: Document, *, replaces: StoredDocument | None) -> StoredDocument:
        """Write a lock's document over the version that was read; Refused with 409 where another stands."""
        return self._client.put_document(INDEX, document_id, source, create=replaces is None, replaces=replaces)

    def delete_lock(self, document_id: str, *, replaces: StoredDocument) -> None:
        """Delete a lock's document; Refused with 409 where another version stands."""
        self._client.delete_document(INDEX, document_id, replaces=replaces)

    def ensure_index(self) -> None:
        """Make the index where there is none: of one shard, so that its documents have one order.

        It is hidden: a rule that reads `*` does not read what was pushed. An older one is hidden now, by who may.
        """
        if self._known:
            return
        hidden = self._client.is_hidden(INDEX)
        if hidden is None:
            self._make_index()
        elif not hidden:
            self._hide_index()
        self._known = True

    def _make_index(self) -> None:
        settings: Mapping[str, Json] = {"number_of_shards": 1, "auto_expand_replicas": "0-1", "hidden": True}
        try:
            self._client.create_index(INDEX, mappings=_MAPPINGS, settings=settings)
        except Refused as error:
            if "already_exists" not in error.message:
                raise

    def _hide_index(self) -> None:
        try:
            self._client.hide_index(INDEX)
        except Refused as error:
            if error.status != 403:
                raise


class FileStore:
    """Files in `folder`: one for each push with its changes, and one for each other type.

    `older` is a folder of an older version, whose documents are taken over at the first look.
    """

    def __init__(self, folder: Path, older: Path) -> None:
        self._folder = folder
        self._older = older

    @property
    def place(self) -> str:
        """The folder."""
        return str(self._folder)

    def find(self, type_: str, terms: Terms) -> dict[str, Document]:
        """All documents of a type in the files that may hold it."""
        self._take_over()
        if type_ in ("push", "change"):
            push = terms.get("push_id")
            names = (
                [f"push-{push}.json"]
                if isinstance(push, str)
                else sorted(p.name for p in self._folder.glob("push-*.json"))
            )
        else:
            names = [f"{type_}.json"]
        return {
            key: document
            for name in names
            for key, document in self._read(name).items()
            if document.get("type") == type_ and _matches(document, terms)
        }

    def find_of(self, types: Collection[str], spaces: Sequence[str], environment: str) -> dict[str, bytes]:
        """All of them, from their files."""
        found: dict[str, Document] = {}
        for type_ in types:
            older = self.find(type_, {"environment": environment})
            found |= self.find(type_, {"space": spaces})
            found |= {key: one for key, one in older.items() if not one.get("space")}
        return {key: encode_json(one) for key, one in found.items()}

    def put(self, *documents: Mapping[str, Document], gone: Collection[str] = ()) -> None:
        """Write each file whole or not at all, and on the disk before we go on."""
        self._take_over()
        for name, some in _by_file({key: {} for key in gone}).items():
            self._write(name, {key: one for key, one in self._read(name).items() if key not in some})
        for part in documents:
            for name, some in _by_file(part).items():
                self._write(name, {**self._read(name), **some})

    def _read(self, name: str) -> dict[str, Document]:
        path = self._folder / name
        if not path.exists():
            return {}
        return dict(read_document(path, dict[str, dict[str, Json]]))

    def _write(self, name: str, documents: Mapping[str, Document]) -> None:
        write_text(self._folder / name, canonical(documents), private=True)

    def _take_over(self) -> None:
        if not self._folder.exists() and self._older.is_dir():
            self._folder.mkdir(parents=True)
            for name, some in _by_file(dict(_of_older_version(self._older))).items():
                self._write(name, some)


class ClusterFiles:
    """Files below `folder` whose place only the cluster can name: it is not asked before one was ever written."""

    def __init__(self, folder: Path, store: Callable[[], FileStore]) -> None:
        self._folder = folder
        self._make = store

    @cached_property
    def _store(self) -> FileStore:
        return self._make()

    @property
    def place(self) -> str:
        """The folder."""
        return self._store.place

    def find(self, type_: str, terms: Terms) -> dict[str, Document]:
        """As a FileStore does."""
        return self._store.find(type_, terms) if self._folder.exists() else {}

    def find_of(self, types: Collection[str], spaces: Sequence[str], environment: str) -> dict[str, bytes]:
        """As a FileStore does."""
        return self._store.find_of(types, spaces, environment) if self._folder.exists() else {}

    def put(self, *documents: Mapping[str, Document], gone: Collection[str] = ()) -> None:
        """As a FileStore does."""
        self._store.put(*documents, gone=gone)


def read_document[T](path: Path, kind: type[T]) -> T:
    """A JSON file as a type. Raises InputError, with the path, for one that is none or something else."""
    try:
        return decode_json(read_bytes(path), kind)
    except DoesNotFit as error:
        hint = "restore it, or delete it if its push is over"
        raise InputError(f"{path} is not a document of the ledger: {error}", hint=hint) from error


def _by_file(documents: Mapping[str, Document]) -> dict[str, dict[str, Document]]:
    """The documents by the file that holds them, which their ids tell."""
    found: dict[str, dict[str, Document]] = {}
    for key, document in documents.items():
        type_, _, rest = key.partition(":")
        name = f"push-{rest.partition(':')[0]}.json" if type_ in ("push", "change") else f"{type_}.json"
        found.setdefault(name, {})[key] = document
    return found


def _matches(document: Document, terms: Terms) -> bool:
    return all(_values(document.get(name)) & _values(value) for name, value in terms.items())


def _values(value: Json) -> set[str]:
    if value is None:
        return set()
    return {str(item) for item in value} if isinstance(value, list | tuple) else {str(value)}


def _of_older_version(folder: Path) -> Iterator[tuple[str, Document]]:
    """The documents of the files that an older version wrote for an environment, each with its id."""
    label = {"environment": folder.name}
    for path in sorted(folder.glob("push-*.json")):
        push = dict(read_document(path, dict[str, Json]))
        push_id = push.get("push_id", path.stem.removeprefix("push-"))
        for position, result in enumerate(as_list(push.pop("results", None))):
            change = {"type": "change", "push_id": push_id, "position": position, "result": result}
            yield f"change:{push_id}:{position}", change
        yield f"push:{push_id}", {"type": "push", **push}
    for name, one in _older(folder, "objects.json"):
        yield f"object:{name}", {"type": "object", **label, **one}
    for space, some in _older(folder, "types.json"):
        for key, types in some.items():
            yield f"types:{space}:{key}", {"type": "types", **label, "space": space, "key": key, "types": types}
    for name, record in _older(folder, "verdicts.json"):
        yield (
            f"verdict:{folder.name}:{name}",
            {"type": "verdict", **label, "key": record.get("rule_id"), "record": record},
        )
    for path in sorted(folder.glob("attestation-*.json")):
        kept = read_document(path, dict[str, Json])
        at = kept.get("at")
        yield f"attestation:{folder.name}:{at}", {"type": "attestation", **label, "at": at, "document": kept}


def _older(folder: Path, name: str) -> Iterator[tuple[str, Document]]:
    path = folder / name
    if path.exists():
        yield from read_document(path, dict[str, dict[str, Json]]).items()
