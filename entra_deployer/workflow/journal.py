"""Which journal a push writes: the ledger in the target's Elasticsearch, or files where the key may not write there."""

from collections.abc import Callable, Sequence
from pathlib import Path

from entra_deployer.elastic.ledger import Ledger
from entra_deployer.errors import Refused
from entra_deployer.journal_file import JournalFile
from entra_deployer.model.attestation import VerdictRecord
from entra_deployer.model.ledger import Journal, PushEntry, PushState
from entra_deployer.model.state import Kind, StateObject
from entra_deployer.model.values import Json

FOLDER = ".deploy"
"""The folder of a project for what is of this machine alone."""

_FORBIDDEN = 403


class EitherJournal:
    """The ledger as long as it lets us; from the first refusal on, files. `warn` is told of it once."""

    def __init__(self, ledger: Ledger, root: Path, environment: str, warn: Callable[[str], None]) -> None:
        self._ledger = ledger
        self._file = JournalFile(root / FOLDER / "ledger" / environment, environment)
        self._refused = False
        self._warn = warn

    @property
    def standing(self) -> Journal:
        """The one in use."""
        return self._file if self._refused else self._ledger

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space."""
        try:
            return self.standing.base(space)
        except Refused as error:
            self._fall_back(error)
            return self._file.base(space)

    def entries(self) -> list[PushEntry]:
        """The pushes, newest first, without their changes."""
        try:
            return self.standing.entries()
        except Refused as error:
            self._fall_back(error)
            return self._file.entries()

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push before its first write."""
        try:
            self.standing.begin(entry)
        except Refused as error:
            self._fall_back(error)
            self._file.begin(entry)

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired."""
        try:
            self.standing.remember_objects(space, objects)
        except Refused as error:
            self._fall_back(error)
            self._file.remember_objects(space, objects)

    def remember_verdicts(self, records: Sequence[VerdictRecord]) -> None:
        """Keep verdicts."""
        try:
            self.standing.remember_verdicts(records)
        except Refused as error:
            self._fall_back(error)
            self._file.remember_verdicts(records)

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were kept."""
        try:
            return self.standing.verdicts()
        except Refused as error:
            self._fall_back(error)
            return self._file.verdicts()

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to here rested on."""
        try:
            self.standing.remember_attestation(document)
        except Refused as error:
            self._fall_back(error)
            self._file.remember_attestation(document)

    def interrupted(self) -> list[tuple[Journal, PushEntry]]:
        """The pushes that began and never ended, oldest first, each with the journal that knows it."""
        found: list[tuple[Journal, PushEntry]] = [
            (self._file, one) for one in self._file.entries(state=PushState.STARTED)
        ]
        if not self._refused:
            try:
                found += ((self._ledger, one) for one in self._ledger.entries(state=PushState.STARTED))
            except Refused as error:
                self._fall_back(error)
        return sorted(found, key=lambda pair: (pair[1].at, pair[1].push_id))

    def _fall_back(self, error: Refused) -> None:
        if self._refused or error.status != _FORBIDDEN:
            raise error
        self._refused = True
        self._warn(f"this key may not use the ledger in Elasticsearch: the journal is kept in {FOLDER}/ledger instead")
