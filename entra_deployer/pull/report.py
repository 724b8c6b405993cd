"""What a pull brought from Kibana into the repository's files, and what it left."""

from dataclasses import dataclass

from entra_deployer.core.issue import Issue, Level


@dataclass(frozen=True)
class FileEdit:
    """A file of the project before and after, its path from the project's folder on; "" where there is no file."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Brought:
    """One field of a rule or saved search, or a whole rule (`field` is ""), that now stands in `path`."""

    object_kind: str
    name: str
    space: str
    field: str
    path: str
    by: str = ""
    at: str = ""


@dataclass(frozen=True)
class PullReport:
    """The outcome of a pull. `written` is False where the edits are only shown."""

    environment: str
    stack: str = ""
    edits: tuple[FileEdit, ...] = ()
    brought: tuple[Brought, ...] = ()
    issues: tuple[Issue, ...] = ()
    written: bool = False

    @property
    def failed(self) -> bool:
        """Whether something could not be brought that should have been."""
        return any(issue.level is Level.ERROR for issue in self.issues)
