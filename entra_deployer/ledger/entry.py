"""The pushes to an environment, in their order."""

from dataclasses import dataclass

from entra_deployer.core.issue import Issue
from entra_deployer.ledger.ledger import PushEntry


@dataclass(frozen=True)
class NumberedPush:
    """A push with its changes and its number: 1 is the environment's first."""

    number: int
    entry: PushEntry


@dataclass(frozen=True)
class History:
    """Pushes, the newest first; `rule` is what they were chosen by ("" for all), `older` how many are not told.

    `stack` says where the environment is.
    """

    environment: str
    pushes: tuple[NumberedPush, ...] = ()
    rule: str = ""
    older: int = 0
    issues: tuple[Issue, ...] = ()
    stack: str = ""
