"""GitHub Actions by the commit that a tag stands for, as far as git can say it."""

import re
from collections.abc import Callable
from pathlib import Path

from entra_deployer.core.errors import UsageError
from entra_deployer.core.git import answer_of

type AskCommit = Callable[[str, str], str | None]
"""(repository like "actions/checkout", tag or branch like "v4") -> its commit, or None where nobody can say."""

_ACTION = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:/[\w.-]+)*@(?P<ref>[\w./-]+)", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TIMEOUT = 10
"""Seconds for one question to github.com."""


class Pins:
    """Turns `owner/repository@tag` into `owner/repository@commit # tag`, and remembers which stayed with their tag.

    It asks once for each, and no further once nobody answered.
    """

    def __init__(self, ask: AskCommit) -> None:
        self._ask = ask
        self._pinned: dict[str, str] = {}
        self.by_tag: list[str] = []

    @property
    def by_commit(self) -> bool:
        """Whether any action is pinned by its commit."""
        return any(pinned != action for action, pinned in self._pinned.items())

    def uses(self, action: str) -> str:
        """What stands behind `uses:` for an action. Raises UsageError for what is none."""
        if re.fullmatch(r"\./[\w./-]*", action):
            return action  # a folder of the repository itself
        parts = _ACTION.fullmatch(action)
        if not parts:
            raise UsageError(f"{action!r} is not an action", hint="it looks like OWNER/REPO@REF")
        if _COMMIT.fullmatch(parts["ref"]):
            return action
        if action not in self._pinned:
            self._pinned[action] = self._pin(action, parts["repository"], parts["ref"])
        return self._pinned[action]

    def _pin(self, action: str, repository: str, ref: str) -> str:
        commit = None if self.by_tag else self._ask(repository, ref)
        if commit is None:
            self.by_tag.append(action)
            return action
        return f"{action.removesuffix(ref)}{commit} # {ref}"


def ask_github(repository: str, ref: str) -> str | None:
    """The commit of a tag or a branch, by `git ls-remote`; None without git, without an answer, without such a ref."""
    names = [f"refs/tags/{ref}^{{}}", f"refs/tags/{ref}", f"refs/heads/{ref}"]  # a tag with a message is not its commit
    listing = answer_of(Path(), "ls-remote", f"https://github.com/{repository}", *names, seconds=_TIMEOUT)
    return commit_of(listing, names)


def commit_of(listing: str, names: list[str]) -> str | None:
    """The commit of the first of `names` that `git ls-remote` lists."""
    commits = {name: commit for commit, _, name in (line.partition("\t") for line in listing.splitlines())}
    return next((commits[name] for name in names if _COMMIT.fullmatch(commits.get(name, ""))), None)
