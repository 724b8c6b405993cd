"""A CI pipeline that was written for a repository of hunts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """An environment that changes go through. `variables` are those that its file names as secrets.

    `signing` are those that only a promotion to it needs; `mutates` says that its gates ask for mutation scores.
    """

    name: str
    variables: tuple[str, ...] = ()
    signing: tuple[str, ...] = ()
    mutates: bool = False


@dataclass(frozen=True)
class Pipeline:
    """What was written where, and what is to be set up in the CI's own settings."""

    path: str
    provider: str
    stages: tuple[Stage, ...]
    text: str
