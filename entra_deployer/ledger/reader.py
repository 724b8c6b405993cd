"""What is written down of the pushes to an environment."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Untyped as Json
from entra_deployer.ledger.attestation import VerdictRecord
from entra_deployer.ledger.entry import NumberedPush
from entra_deployer.ledger.journal import FOLDER, EitherJournal
from entra_deployer.ledger.ledger import PushEntry
from entra_deployer.objects.state import Kind, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.index_mapping import Types

NO_BASE = "DEP350"
NO_LEDGER = "DEP351"


class Past:
    """What is written down of the pushes to an environment, wherever this key may read it; `issues` say what is not."""

    def __init__(self, root: Path, connection: Connection) -> None:
        self._environment = connection.environment.name
        self._journal = EitherJournal(connection.ledger(), root, self._environment, self._warn)
        self._known: dict[str, bool] = {}
        self._refused = False

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space."""
        found = self._journal.base(space)
        self._known[space] = bool(found)
        return found

    def types(self, space: str) -> dict[str, Types]:
        """Which types the rules' fields had at their pushes."""
        return dict(self._journal.types(space))

    def entries(self) -> list[PushEntry]:
        """The pushes, newest first, without their changes."""
        return self._journal.entries()

    def with_changes(self, push: NumberedPush) -> NumberedPush:
        """The same push with every change it journalled."""
        return replace(push, entry=self._journal.standing.with_changes(push.entry))

    def last_push(self) -> PushEntry | None:
        """The newest push that is written down."""
        return next(iter(self.entries()), None)

    def verdicts(self) -> list[VerdictRecord]:
        """The verdicts that were reached there."""
        return self._journal.verdicts()

    def remember_attestation(self, document: Json) -> None:
        """Keep what a promotion to there rested on."""
        self._journal.remember_attestation(document)

    @property
    def is_known(self) -> bool:
        """Whether each space that was asked for has a base."""
        return all(self._known.values())

    @property
    def issues(self) -> Iterable[Issue]:
        """What is not known, and what that means."""
        unknown = ", ".join(space for space, known in self._known.items() if not known)
        if self._refused:
            message = f"this key may not read the ledger, and {FOLDER}/ledger of this machine is read instead"
            if unknown:
                message = "this key may not read the ledger: which side changed cannot be told"
            hint = "give it the privilege read on the index entra-deployer-ledger"
            yield Issue(NO_LEDGER, Level.WARNING, message, self._environment, hint=hint)
        elif unknown:
            message = f"no push is written down for the space {unknown}: which side changed cannot be told"
            yield Issue(NO_BASE, Level.NOTE, message, self._environment, hint="a push writes it down")

    def _warn(self, _: str) -> None:
        self._refused = True
