"""Does a piece of work again for the hunts whose files were saved."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Never

from entra_deployer.commands.serve import version_of
from entra_deployer.commands.terminal import note
from entra_deployer.core.errors import DeployError, UsageError

_PAUSE = 0.5
"""Seconds between two looks."""

type Versions = Mapping[str, str]
"""What stands for the files of each hunt's folder."""


def keep_watching(
    look: Callable[[], Versions],
    work: Callable[[tuple[str, ...]], None],
    wait: Callable[[], None],
    asked_for: Callable[[tuple[str, ...]], tuple[str, ...]] = lambda folders: folders,
) -> Never:
    """Work for all (), then for those folders of which a file was saved, whenever one was.

    `asked_for` tells which of some folders are anybody's business: of the others nothing is said. What could not be
    done is told, and the next change tries again; wrong usage ends it.
    """

    def again(folders: tuple[str, ...]) -> None:
        if mine := asked_for(folders):
            note(f"changed: {', '.join(mine)}")
            work(mine)

    before = look()
    _guarded(work, ())
    while True:
        wait()
        now = look()
        if now == before:
            continue
        while (settled := _after(wait, look)) != now:  # an editor writes a file in several steps
            now = settled
        if changed := tuple(sorted(name for name in now if now[name] != before.get(name))):
            _guarded(again, changed)
        before = now


def _after(wait: Callable[[], None], look: Callable[[], Versions]) -> Versions:
    wait()
    return look()


def _guarded(work: Callable[[tuple[str, ...]], None], folders: tuple[str, ...]) -> None:
    try:
        work(folders)
    except UsageError:
        raise
    except DeployError as error:
        note(f"error: {error}")


def hunts_of(rules: Path) -> Versions:
    """The hunts below rules/, each with what stands for its files."""
    return {path.name: version_of([path]) for path in sorted(rules.iterdir()) if path.is_dir()}


def pause() -> None:
    """Wait a little."""
    time.sleep(_PAUSE)
