"""How the long steps of a first start tell how far they are."""

from typing import Protocol


class Progress(Protocol):
    """Called as a step advances: its name in the user's words, how much of how much; a total of 0 is "not known"."""

    def __call__(self, step: str, done: int = 0, total: int = 0) -> None:
        """Tell."""
        ...


def silent(step: str, done: int = 0, total: int = 0) -> None:
    """The Progress of nobody who looks."""
