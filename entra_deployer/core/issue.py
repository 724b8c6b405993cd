"""What a reader or a check has to say about a hunt, a rule or a file. (`Severity` is a word of the rule's.)"""

from dataclasses import dataclass
from enum import StrEnum

from entra_deployer.core.errors import Location, fault_of


class Level(StrEnum):
    """How much an issue weighs: an error blocks its rule, a warning is shown, a note explains."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Issue:
    """One thing to know about one place.

    `code` is stable (`DEP012`; `deploy explain DEP012` tells more), `subject` the hunt's folder or the rule's name,
    `hint` the next step.
    """

    code: str
    level: Level
    message: str
    subject: str = ""
    location: Location | None = None
    hint: str | None = None

    @property
    def order(self) -> tuple[str, int, int, str, str, str, str, str]:
        """What issues are sorted by, everywhere: place, code, text, next step; only equal issues have equal orders."""
        place = self.location or Location(self.subject)
        found = (place.path, place.line, place.column, self.code, self.message, self.hint or "")
        return (*found, self.level.value, self.subject)


def failure(error: Exception, subject: str, place: Location | None = None, level: Level = Level.ERROR) -> Issue:
    """That one hunt provoked what nobody expected, a fault of ours included: it is left out and the others go on."""
    message = f"could not be analysed: {fault_of(error)}"
    return Issue("DEP009", level, message, subject, place, "a fault of entra-deployer's: please report it")
