"""Which journal a push writes: the ledger in the target's Elasticsearch, or files where the key may not write there."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import VerdictRecord
from entra_deployer.ledger.file_store import JournalFile
from entra_deployer.ledger.index_store import Ledger
from entra_deployer.ledger.ledger import Journal, PushEntry, PushState
from entra_deployer.objects.state import Kind, StateObject

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
        return self._ask(lambda journal: journal.base(space))

    def entries(self) -> list[PushEntry]:
        """The pushes, newest first, without their changes."""
        return self._ask(lambda journal: journal.entries())

    def begin(self, entry: PushEntry) -> None:
        """Write the journal of a push before its first write."""
        self._ask(lambda journal: journal.begin(entry))

    def remember_objects(self, space: str, objects: Sequence[StateObject]) -> None:
        """Take objects into the base that stand as desired."""
        self._ask(lambda journal: journal.remember_objects(space, objects))

    def types(self, space: str) -> dict[str, Mapping[str, str]]:
        """What was kept of the fields' types in a space, by rule_id and field."""
        return self._ask(lambda journal: journal.types(space))

    def remember_types(self, space: str, types: Mapping[str, Mapping[str, str]]) -> None:
        """Keep which types the fields of rules' sources have."""
        self._ask(lambda journal: journal.remember_types(space, types))

    def remember_verdicts(self, records: Sequence[VerdictRecord]) -> None:
        """Keep verdicts."""
        self._ask(lambda journal: journal.remember_verdicts(records))

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were kept."""
        return self._ask(lambda journal: journal.verdicts())

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to here rested on."""
        self._ask(lambda journal: journal.remember_attestation(document))

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

    def _ask[T](self, ask: Callable[[Journal], T]) -> T:
        """Ask the journal in use, and the files where the ledger refuses."""
        try:
            return ask(self.standing)
        except Refused as error:
            self._fall_back(error)
            return ask(self._file)

    def _fall_back(self, error: Refused) -> None:
        if self._refused or error.status != _FORBIDDEN:
            raise error
        self._refused = True
        self._warn(f"this key may not use the ledger in Elasticsearch: the journal is kept in {FOLDER}/ledger instead")
