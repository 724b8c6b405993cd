"""What stops a run, where, and what to do next.

The tree (an expected bad outcome that does not stop a run is data: an Issue, a Verdict, a blocker in the Plan)::

    DeployError
    +-- UsageError          the command line asks for what does not exist                     64
    |   +-- UnknownName     a name of an environment or a rule that there is not              64
    +-- InputError          a file of the user's is missing, unreadable or malformed           1
    +-- SecretError         a variable that should hold a secret is not set                    1
    +-- Unreachable         no answer: refused, timed out, TLS, not ready                      1
    |   +-- AnswerLost      a write was sent and its outcome is not known                      1
    +-- Refused             an answer that says no: authentication, privilege, bad request     1
    +-- LockLost            somebody else has the lock now: nothing more may be written        1
    +-- UnsupportedVersion  a stack that this tool does not know                               1
    +-- LocalStackError     the embedded stack cannot be set up or started                     1

Foreign exceptions (requests, elasticsearch, yaml, tomllib, OSError) are translated where they arise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process says to the shell; each command's help names those it uses."""

    OK = 0
    FAILED = 1
    DIFFERENT = 2
    PARTLY = 3
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file: 1-based line and column, 0 where they are not known."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        """The form that editors and terminals make clickable: path:line:column."""
        if not self.line:
            return self.path
        return f"{self.path}:{self.line}:{self.column or 1}"


class DeployError(Exception):
    """Something that stops the run, in one line, with its place and the next step."""

    exit_code = ExitCode.FAILED

    def __init__(self, message: str, *, location: Location | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.location = location
        self.hint = hint

    def __str__(self) -> str:
        """One line: where, what, and what to do."""
        place = f"{self.location}: " if self.location else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.message}{hint}"


class UsageError(DeployError):
    """The command line asks for something that does not exist."""

    exit_code = ExitCode.USAGE


class UnknownName(UsageError):
    """A name that nothing has. `kind` says of what it should have been one: "environment" or "rule"."""

    def __init__(self, kind: str, name: str, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.name = name


class InputError(DeployError):
    """A file of the user's is missing, unreadable or malformed."""


class SecretError(DeployError):
    """A variable that should hold a secret is not set; its value never appears in a message."""


class Unreachable(DeployError):
    """A server gave no answer: refused, timed out, broken TLS, or not ready yet."""


class AnswerLost(Unreachable):
    """A write was sent and its answer never came: read before you write again."""


class Refused(DeployError):
    """A server answered no. `status` is its HTTP status, `attributes` what its answer holds for programs."""

    def __init__(
        self, message: str, *, status: int, hint: str | None = None, attributes: Mapping[str, object] | None = None
    ) -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.attributes = attributes or {}


class LockLost(DeployError):
    """The lock that parts two pushes is not ours any more: nothing further may be written."""


class UnsupportedVersion(DeployError):
    """The stack is of a version that this tool does not know."""


class LocalStackError(DeployError):
    """The embedded stack cannot be set up, started or stopped."""


def fault_of(error: Exception) -> str:
    """What nobody expected: the exception's kind and where in our code. Its text is left out, it may hold secrets."""
    trace, place = error.__traceback__, ""
    while trace:
        before, package, module = trace.tb_frame.f_code.co_filename.rpartition("entra_deployer")
        if package and before:
            place = f" at {module.lstrip('/')}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"
