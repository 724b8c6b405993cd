"""The ledger as files of this machine, for a key that may not write to the target's Elasticsearch."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import VerdictRecord, record_from_json, record_to_json
from entra_deployer.ledger.ledger import PushEntry, PushState
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.plan.plan import Action, Outcome
from entra_deployer.plan.serial import push_from_json, push_to_json, result_from_json, result_to_json


class JournalFile:
    """The pushes of one environment, one file each, and what they left, in `folder`. It does what the ledger does."""

    def __init__(self, folder: Path, environment: str) -> None:
        self._folder = folder
        self._environment = environment

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space, by kind and key; {} before the first."""
        found = self._read(self._folder / "objects.json", {})
        return {
            (Kind(item["kind"]), item["key"]): StateObject(
                Kind(item["kind"]), item["key"], item["name"], item["payload"]
            )
            for item in found.values()
            if item["space"] == space
        }

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push: after this, and not before, its first write may happen."""
        self._write(self._path(entry), _to_json(entry))

    def finish(self, entry: PushEntry) -> None:
        """Write every outcome and the new base."""
        objects = dict(self._read(self._folder / "objects.json", {}))
        for result in entry.results:
            change = result.change
            name = f"{change.space}:{change.kind.value}:{change.key}"
            if result.outcome is not Outcome.APPLIED:
                continue
            if change.action is Action.DELETE:
                objects.pop(name, None)
            elif change.base:
                objects[name] = _object(change.space, change.base)
        self._write(self._folder / "objects.json", objects)
        self._write(self._path(entry), _to_json(entry))

    def mark(self, entry: PushEntry, state: PushState) -> None:
        """Say of an older push what became of it."""
        self._write(self._path(entry), _to_json(replace(self.with_changes(entry), state=state)))

    def entries(self, *, state: PushState | None = None) -> list[PushEntry]:
        """The pushes to this environment, newest first, without their changes."""
        found = [_from_json(self._read(path, None)) for path in self._folder.glob("push-*.json")]
        found = [replace(entry, results=()) for entry in found if state in (None, entry.state)]
        return sorted(found, key=lambda entry: (entry.at, entry.push_id), reverse=True)

    def with_changes(self, entry: PushEntry) -> PushEntry:
        """The same push with every change it journalled."""
        return _from_json(self._read(self._path(entry), None))

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired though no push brought them there: a pull did, say."""
        kept = self._read(self._folder / "objects.json", {})
        new = {f"{space}:{one.kind.value}:{one.key}": _object(space, one) for one in objects}
        self._write(self._folder / "objects.json", {**kept, **new})

    def remember_types(self, space: str, types: Mapping[str, Mapping[str, str]]) -> None:
        """Keep, by rule_id and field, which types the fields of the rules' sources had at their push."""
        kept = self._read(self._folder / "types.json", {})
        self._write(self._folder / "types.json", {**kept, space: {**kept.get(space, {}), **types}})

    def types(self, space: str) -> dict[str, Mapping[str, str]]:
        """What was kept of the fields' types in a space, by rule_id and field."""
        return dict(self._read(self._folder / "types.json", {}).get(space, {}))

    def remember_verdicts(self, records: Sequence[VerdictRecord]) -> None:
        """Keep verdicts: of each rule the newest one for each version of Kibana."""
        kept = self._read(self._folder / "verdicts.json", {})
        new = {f"{record.rule_id}:{record.kibana}": record_to_json(record) for record in records}
        self._write(self._folder / "verdicts.json", {**kept, **new})

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were kept."""
        return [record_from_json(item) for item in self._read(self._folder / "verdicts.json", {}).values()]

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to here rested on."""
        name = document["at"].replace(":", "")
        self._write(self._folder / f"attestation-{name}.json", document)

    def _path(self, entry: PushEntry) -> Path:
        return self._folder / f"push-{entry.push_id}.json"

    def _read(self, path: Path, default: Json) -> Json:
        if default is not None and not path.exists():
            return default
        try:
            return json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            hint = "delete it if its push is over"
            raise InputError("the journal cannot be read", location=Location(str(path)), hint=hint) from error

    def _write(self, path: Path, value: Json) -> None:
        """Whole or not at all, and on the disk before we go on."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            with partial.open("w", encoding="utf-8") as file:
                json.dump(value, file, ensure_ascii=False, sort_keys=True)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as error:
            reason = error.strerror or "I/O error"
            raise InputError(f"the journal cannot be written: {reason}", location=Location(str(path))) from error


def _object(space: str, one: StateObject) -> Json:
    where = {"space": space, "kind": one.kind.value, "key": one.key, "name": one.name}
    return {**where, "payload": dict(one.payload)}


def _to_json(entry: PushEntry) -> Json:
    return {**push_to_json(entry), "results": [result_to_json(result) for result in entry.results]}


def _from_json(value: Mapping[str, Json]) -> PushEntry:
    return replace(push_from_json(value), results=tuple(result_from_json(item) for item in value["results"]))
