"""The ledger of an environment: one façade over its stores. What it holds is told in `ledger.store`.

In the target's own index the space is the key: a cluster that was restored from a snapshot keeps its history. Files of
this machine are kept by the cluster's own id. The environment's name is a label. As long as the index lets us, it is
used; from the first refusal on, the files are.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

import msgspec
from msgspec import Struct, field

from entra_deployer.core.errors import InputError, Refused
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import (
    DoesNotFit,
    Json,
    Misfit,
    decode,
    decode_each,
    decode_json,
    decode_texts,
    encode_json,
)
from entra_deployer.ledger.store import Document, Store, Terms
from entra_deployer.objects import KINDS
from entra_deployer.objects.state import Key, StateObject
from entra_deployer.plan.journal import Base, Past, PushEntry, PushState, Types
from entra_deployer.plan.plan import Action, ChangeResult, Outcome
from entra_deployer.plan.serial import result_from_json, result_to_json

FOLDER = ".deploy"
"""The folder of a project for what is of this machine alone."""

NO_LEDGER = "DEP320"
_FORBIDDEN = 403
_LONGEST = 200
"""Bytes of a key that an id holds as it is."""


class _ObjectDocument(Struct, frozen=True):
    kind: str
    key: str
    name: str
    payload: Mapping[str, Json]
    space: str = ""


class _ObjectHead(Struct, frozen=True):
    """An object whose payload is still as it is written."""

    kind: str
    key: str
    name: str
    payload: msgspec.Raw
    space: str = ""


class _WrittenObject(Struct, frozen=True, dict=True):
    """An object in a store, as it is written there."""

    store: Store
    document_id: str
    head: _ObjectHead

    @cached_property
    def object(self) -> StateObject:
        """The object. Raises InputError, with the document's place, where its payload is none."""
        head = self.head
        try:
            (payload,) = decode_texts((bytes(head.payload),), dict[str, Json])
            return StateObject(head.kind, head.key, head.name, payload)
        except DoesNotFit as error:
            raise _nonsense(self.store, self.document_id, error) from error

    def is_to_the_letter(self, one: StateObject) -> bool:
        """Whether an object would be written in the very same way; what an older version wrote is in another order."""
        return one.name == self.head.name and encode_json(one.payload, ordered=True) == bytes(self.head.payload)


class _AnyDocument(Struct, frozen=True):
    type: str = ""


class _TypesDocument(Struct, frozen=True):
    key: str
    types: Mapping[str, str]
    space: str = ""


class _PushDocument(Struct, frozen=True):
    push_id: str
    environment: str
    at: str
    by: str
    commit: str
    state: PushState
    note: str = ""
    space: list[str] = field(default_factory=list)
    lock: str = ""


class _ChangeDocument(Struct, frozen=True):
    position: int
    result: Mapping[str, Json]


class _VerdictDocument(Struct, frozen=True):
    record: Mapping[str, Json]


class _AttestationDocument(Struct, frozen=True):
    document: Mapping[str, Json]


type _Find = Callable[[Store], dict[str, bytes]]
type _Ask = Callable[[_Find], dict[str, bytes]]
"""Puts a question to a store."""


class Ledger:
    """What is written down of the pushes to some spaces. Raises Refused where neither store can be used.

    `index` and `files` are the two stores; `is_running` tells of a lock's owner whether that lock stands yet.
    """

    def __init__(
        self,
        environment: str,
        spaces: Sequence[str],
        index: Store,
        files: Callable[[], Store],
        is_running: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._environment = environment
        self._spaces = tuple(spaces)
        self._index = index
        self._make_files = files
        self._is_running = is_running
        self._refused = False
        self._homes: dict[str, Store] = {}

    @property
    def issues(self) -> Iterator[Issue]:
        """What everybody should know: that the ledger in Elasticsearch is closed to this key."""
        if self._refused:
            message = "this key may not use the ledger in Elasticsearch"
            message += f": the journal is kept in {FOLDER}/ledger instead"
            hint = "give it the privileges read and write on the index entra-deployer-ledger"
            yield Issue(NO_LEDGER, Level.WARNING, message, self._environment, hint=hint)

    @property
    def is_refused(self) -> bool:
        """Whether the files take the place of the index."""
        return self._refused

    # -- what planning has to know -------------------------------------------------------------------------------------

    def past(self) -> Past:
        """The bases, the types and the pushes, by one question to the index."""
        found = self._ask(lambda store: store.find_of(("object", "types", "push"), self._spaces, self._environment))
        store = self._store
        texts = _by_type(store, found)
        objects = _written_objects(store, texts.get("object", {}))
        types = [one for _, one in _read(store, texts.get("types", {}), _TypesDocument)]
        pushes = self._entries(store, texts.get("push", {}))
        if not self._refused:
            objects = [*self._objects_in_files(), *objects]
        return Past(
            bases={space: Base(_of_space(objects, space)) for space in self._spaces},
            types={space: {one.key: one.types for one in types if one.space == space} for space in self._spaces},
            entries=_newest_first(pushes),
            interrupted=self._cut_off([*pushes, *(() if self._refused else self._pushes_in_files())]),
        )

    def _objects_in_files(self) -> list[_WrittenObject]:
        """What pushes of this machine left while the index was closed to its key."""
        return _written_objects(self._files, self._files.find_of(("object",), self._spaces, self._environment))

    # -- the base ------------------------------------------------------------------------------------------------------

    def base(self, space: str) -> dict[Key, StateObject]:
        """What the last push left in a space; {} before the first."""
        found = _base(one for _, one in self._find("object", {"space": space}, _ObjectDocument))
        return found if self._refused else {**Base(_of_space(self._objects_in_files(), space)), **found}

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired though no push brought them there: a pull did, say."""
        self._put({_object_id(space, one.at): self._object(space, one) for one in objects})

    def types(self, space: str) -> dict[str, Types]:
        """By rule_id, which types the fields of its source had at its push."""
        return {one.key: one.types for _, one in self._find("types", {"space": space}, _TypesDocument)}

    def remember_types(self, space: str, types: Mapping[str, Types]) -> None:
        """Keep which types the fields of rules' sources have."""
        known = self.types(space) if types else {}
        self._put(self._types(space, {key: some for key, some in types.items() if known.get(key) != dict(some)}))

    def _types(self, space: str, types: Mapping[str, Types]) -> dict[str, Document]:
        return {
            f"types:{space}:{_short(key)}": self._labelled("types", {"space": space, "key": key, "types": dict(some)})
            for key, some in types.items()
        }

    # -- pushes --------------------------------------------------------------------------------------------------------

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push: after this, and not before, its first write may happen."""
        self._put(_changes(entry), _headed(entry))
        self._homes[entry.push_id] = self._store

    def finish(self, entry: PushEntry, types: Mapping[str, Mapping[str, Types]] | None = None) -> None:
        """Write every outcome, the new base, the types by space and rule_id, and only then that the push is over."""
        documents: dict[str, Document] = dict(_changes(entry))
        for space, some in (types or {}).items():
            documents |= self._types(space, some)
        gone: list[str] = []
        for change in (result.change for result in entry.results if result.outcome is Outcome.APPLIED):
            if change.base:
                documents[_object_id(change.space, change.at)] = self._object(change.space, change.base)
            elif change.action is Action.DELETE and not change.doubled:
                gone.append(_object_id(change.space, change.at))
        self._at_home(entry, lambda store: store.put(documents, _headed(entry), gone=gone))
        if gone and not self._refused and (left := self._files.find("object", {}).keys() & gone):
            self._files.put(gone=left)

    def mark(self, entry: PushEntry, state: PushState) -> None:
        """Say of an older push what became of it."""
        document = _headed(replace(entry, state=state))
        self._at_home(entry, lambda store: store.put(document))

    def entries(self) -> list[PushEntry]:
        """The pushes to the spaces of this environment, newest first, without their changes."""
        return _newest_first(self._pushes(self._ask))

    def with_changes(self, entry: PushEntry) -> PushEntry:
        """The same push with every change it journalled."""
        store = self._home(entry)
        found = _decoded(store, store.find("change", {"push_id": entry.push_id}), _ChangeDocument)
        in_order = sorted((one for _, one in found), key=lambda one: one.position)
        return replace(entry, results=tuple(self._result(store, one) for one in in_order))

    def interrupted(self) -> list[PushEntry]:
        """The pushes that began, never ended, and do not run any more, oldest first, without their changes."""
        found = self._pushes_in_files()
        if not self._refused:
            try:
                found += self._pushes(lambda ask: ask(self._index))
            except Refused as error:
                self._fall_back(error)
        return self._cut_off(found)

    def _pushes_in_files(self) -> list[PushEntry]:
        return list(self._pushes(lambda ask: ask(self._files)))

    def _cut_off(self, entries: Iterable[PushEntry]) -> list[PushEntry]:
        cut_off = [entry for entry in entries if entry.state is PushState.STARTED]
        cut_off = [entry for entry in cut_off if not (entry.lock and self._is_running(entry.lock))]
        return sorted(cut_off, key=lambda entry: (entry.at, entry.push_id))

    def _pushes(self, ask: _Ask) -> Iterator[PushEntry]:
        """Those that wrote to a space of ours; of an older version's, which did not say where, those of our name."""
        used: list[Store] = []

        def find(store: Store) -> dict[str, bytes]:
            used.append(store)
            return store.find_of(("push",), self._spaces, self._environment)

        texts = ask(find)
        yield from self._entries(used[-1], texts)

    def _entries(self, store: Store, texts: Mapping[str, bytes]) -> list[PushEntry]:
        """The pushes to our spaces, and those of our name that do not say where, among all that a store found."""
        found: list[PushEntry] = []
        for _, one in _read(store, texts, _PushDocument):
            if one.space and not set(one.space) & set(self._spaces):
                continue
            self._homes[one.push_id] = store
            head = (one.push_id, one.environment, one.at, one.by, one.commit, one.state, ())
            found.append(PushEntry(*head, note=one.note, spaces=tuple(one.space), lock=one.lock))
        return found

    def _result(self, store: Store, one: _ChangeDocument) -> ChangeResult:
        try:
            return result_from_json(one.result)
        except DoesNotFit as error:
            raise _nonsense(store, "a change", error) from error

    # -- promotions ----------------------------------------------------------------------------------------------------

    def verdicts(self) -> list[Mapping[str, Json]]:
        """The records of verdicts that were kept."""
        return [one.record for one in self._of_target("verdict", _VerdictDocument)]

    def remember_verdicts(self, records: Sequence[Mapping[str, Json]]) -> None:
        """Keep records of verdicts: of each rule the newest for each Kibana. They are reached in the first space."""
        space = self._spaces[0]
        self._put(
            {
                f"verdict:{space}:{_short(str(record['rule_id']))}:{record['kibana']}": self._labelled(
                    "verdict", {"space": space, "key": record["rule_id"], "at": record["at"], "record": dict(record)}
                )
                for record in records
            }
        )

    def attestations(self) -> list[Mapping[str, Json]]:
        """What promotions to here rested on, oldest first."""
        found = [one.document for one in self._of_target("attestation", _AttestationDocument)]
        return sorted(found, key=lambda document: str(document.get("at", "")))

    def remember_attestation(self, document: Mapping[str, Json]) -> None:
        """Keep what a promotion to here rests on; one of the same "at" is replaced."""
        fields = {"space": list(self._spaces), "at": document["at"], "document": dict(document)}
        self._put({f"attestation:{self._spaces[0]}:{document['at']}": self._labelled("attestation", fields)})

    def _of_target[T](self, type_: str, kind: type[T]) -> list[T]:
        found = self._find(type_, {"space": self._spaces}, kind)
        older = self._find(type_, {"environment": self._environment}, kind, without="space")
        return [one for _, one in [*older, *found]]

    # -- the two stores ------------------------------------------------------------------------------------------------

    @property
    def _store(self) -> Store:
        return self._files if self._refused else self._index

    @cached_property
    def _files(self) -> Store:
        return self._make_files()

    def _home(self, entry: PushEntry) -> Store:
        """The store that knows a push."""
        return self._homes.get(entry.push_id, self._store)

    def _at_home(self, entry: PushEntry, write: Callable[[Store], None]) -> None:
        """Write to the store that knows a push."""
        if entry.push_id in self._homes:
            write(self._homes[entry.push_id])
        else:
            self._ask(write)

    def _put(self, *documents: Mapping[str, Document]) -> None:
        if any(documents):
            self._ask(lambda store: store.put(*documents))

    def _find[T](self, type_: str, terms: Terms, kind: type[T], *, without: str = "") -> list[tuple[str, T]]:
        documents = self._ask(lambda store: store.find(type_, terms))
        documents = {key: one for key, one in documents.items() if not (without and one.get(without))}
        return _decoded(self._store, documents, kind)

    def _ask[T](self, ask: Callable[[Store], T]) -> T:
        """Ask the store in use, and the files where the index refuses."""
        try:
            return ask(self._store)
        except Refused as error:
            self._fall_back(error)
            return ask(self._files)

    def _fall_back(self, error: Refused) -> None:
        if self._refused or error.status != _FORBIDDEN:
            raise error
        self._refused = True

    # -- documents -----------------------------------------------------------------------------------------------------

    def _labelled(self, type_: str, fields: Document) -> Document:
        return {"type": type_, "environment": self._environment, **fields}

    def _object(self, space: str, one: StateObject) -> Document:
        what: Document = {"kind": one.kind, "key": one.key, "name": one.name, "payload": dict(one.payload)}
        return self._labelled("object", {"space": space, **what})


def _base(documents: Iterable[_ObjectDocument]) -> dict[Key, StateObject]:
    return {
        (one.kind, one.key): StateObject(one.kind, one.key, one.name, one.payload)
        for one in documents
        if one.kind in KINDS
    }


def _of_space(objects: Iterable[_WrittenObject], space: str) -> dict[Key, _WrittenObject]:
    return {(one.head.kind, one.head.key): one for one in objects if one.head.space == space and one.head.kind in KINDS}


def _newest_first(entries: Iterable[PushEntry]) -> list[PushEntry]:
    return sorted(entries, key=lambda entry: (entry.at, entry.push_id), reverse=True)


def _object_id(space: str, at: Key) -> str:
    kind, key = at
    return f"object:{space}:{kind}:{_short(key)}"


def _short(key: str) -> str:
    """A key as a part of a document's id, which Elasticsearch bounds to 512 bytes."""
    whole = key.encode("utf-8", "surrogatepass")
    return key if len(whole) <= _LONGEST else f"sha256:{hashlib.sha256(whole).hexdigest()}"


def _headed(entry: PushEntry) -> dict[str, Document]:
    return {f"push:{entry.push_id}": _head(entry)}


def _head(entry: PushEntry) -> Document:
    return {
        "type": "push",
        "push_id": entry.push_id,
        "environment": entry.environment,
        "at": entry.at,
        "by": entry.by,
        "commit": entry.commit,
        "state": entry.state.value,
        "note": entry.note,
        "space": list(entry.spaces),
        "lock": entry.lock,
    }


def _changes(entry: PushEntry) -> dict[str, Document]:
    return {
        f"change:{entry.push_id}:{position}": {
            "type": "change",
            "push_id": entry.push_id,
            "position": position,
            "result": result_to_json(result),
        }
        for position, result in enumerate(entry.results)
    }


def _decoded[T](store: Store, documents: Mapping[str, Document], kind: type[T]) -> list[tuple[str, T]]:
    """Documents as a type. Raises InputError, with the document's place, for one that is something else."""
    with suppress(DoesNotFit):
        return list(zip(documents, decode_each(documents.values(), kind), strict=True))
    found: list[tuple[str, T]] = []
    for key, document in documents.items():
        try:
            found.append((key, decode(document, kind)))
        except DoesNotFit as error:
            raise _nonsense(store, key, error) from error
    return found


def _by_type(store: Store, texts: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    found: dict[str, dict[str, bytes]] = {}
    for key, one in _read(store, texts, _AnyDocument):
        found.setdefault(one.type, {})[key] = texts[key]
    return found


def _written_objects(store: Store, texts: Mapping[str, bytes]) -> list[_WrittenObject]:
    """Objects whose payloads nobody has looked into yet. Raises InputError as `_read` does."""
    heads = [one for _, one in _read(store, texts, _ObjectHead, judged_as=_ObjectDocument)]
    for key, head in zip(texts, heads, strict=True):
        if bytes(head.payload)[:1] != b"{":
            raise _nonsense(store, key, DoesNotFit([Misfit(("payload",), "must be a mapping")]))
    return [_WrittenObject(store, key, head) for key, head in zip(texts, heads, strict=True)]


def _read[T](
    store: Store, texts: Mapping[str, bytes], kind: type[T], *, judged_as: type | None = None
) -> list[tuple[str, T]]:
    """JSON texts as a type. Raises InputError, with the document's place, for one that is something else.

    What is wrong with it is told by `judged_as`, where `kind` leaves a part unread.
    """
    with suppress(DoesNotFit):
        return list(zip(texts, decode_texts(texts.values(), kind), strict=True))
    found: list[tuple[str, T]] = []
    for key, text in texts.items():
        try:
            decode_json(text, judged_as or kind)
            found.append((key, decode_texts((text,), kind)[0]))
        except DoesNotFit as error:
            raise _nonsense(store, key, error) from error
    return found


def _nonsense(store: Store, key: str, error: DoesNotFit) -> InputError:
    hint = "somebody else wrote it, or it is broken: delete it there, and the next push starts anew from what stands"
    return InputError(f"{store.place}: {key} is not a document of the ledger: {error}", hint=hint)
