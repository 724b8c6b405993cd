"""What git knows of the checkout: the only user of its command."""

import os
import shutil
import subprocess
from pathlib import Path

from entra_deployer.core.errors import UsageError

_SECONDS = 30


def commit_of(root: Path) -> str:
    """The commit that the repository stands at, with a + where files differ from it; "" where there is no git."""
    _, commit = _ask(root, "rev-parse", "HEAD")
    return f"{commit}+" if commit and _ask(root, "status", "--porcelain", "--", ".")[1] else commit


def is_older_checkout(root: Path, pushed: str) -> bool:
    """Whether the repository stands at an ancestor of a commit that was pushed; False where git cannot tell."""
    commit = pushed.removesuffix("+")
    _, head = _ask(root, "rev-parse", "HEAD")
    return bool(commit and head) and head != commit and _ask(root, "merge-base", "--is-ancestor", head, commit)[0]


def changed_files(root: Path, since: str) -> tuple[str, ...]:
    """The files below `root`, as paths from there, that were changed, made or removed since a commit, branch or tag.

    Since this branch left it, that is: what others did there meanwhile does not count. Changes that are not committed
    do. Raises UsageError where git does not know it, or there is no git.
    """
    hint = "fetch it, and the history up to it: git fetch --unshallow, or fetch-depth: 0 in a pipeline"
    if not _ask(root, "rev-parse", "--is-inside-work-tree")[0]:
        raise UsageError("git does not know this folder", hint="leave --changed-since out, or work in a clone")
    known, commit = _ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{since}^{{commit}}")
    if not known:
        raise UsageError(f"git knows no commit {since!r} here", hint=hint)
    forked, base = _ask(root, "merge-base", commit, "HEAD")
    if not forked:
        raise UsageError(f"{since!r} and this branch have no commit in common here", hint=hint)
    found: set[str] = set()
    for command in (
        ("diff", "--name-only", "--no-renames", "--relative", "-z", base, "--", "."),
        ("ls-files", "--others", "--exclude-standard", "-z", "--", "."),
    ):
        done, names = _ask(root, *command)
        if not done:
            raise UsageError(f"git cannot tell what has changed since {since!r}", hint="does `git status` work here?")
        found.update(name for name in names.split("\0") if name)
    return tuple(sorted(found))


def export(root: Path, commit: str, folder: str, into: Path) -> None:
    """Write a folder below `root`, as it was at a commit, branch or tag, into another one; nothing where it was not.

    Raises UsageError where git does not know it, or there is no git.
    """
    import tarfile  # noqa: PLC0415 - hardly a command needs it

    if not _ask(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}")[0]:
        raise UsageError(f"git knows no commit {commit!r} here", hint="fetch it: a commit, a branch or a tag of git")
    if not _ask(root, "cat-file", "-e", f"{commit}:./{folder}")[0]:
        return
    archive = into / ".archive.tar"
    done, _ = _ask(root, "archive", "--format=tar", f"--output={archive.resolve()}", commit, "--", folder)
    if not done:
        raise UsageError(f"git cannot tell what {folder}/ was at {commit!r}", hint="does `git status` work here?")
    with tarfile.open(archive) as found:
        found.extractall(into, filter="data")
    archive.unlink()


def answer_of(folder: Path, *arguments: str, seconds: float = _SECONDS) -> str:
    """What git says in a folder; "" where there is no git, it says no, or nothing in time."""
    return _ask(folder, *arguments, seconds=seconds)[1]


def _ask(root: Path, *arguments: str, seconds: float = _SECONDS) -> tuple[bool, str]:
    """Whether git says yes, and what; no and "" where there is no git."""
    git = shutil.which("git")
    if not git:
        return False, ""
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            [git, *arguments], cwd=root, env=environment, capture_output=True, timeout=seconds, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return False, ""
    return True, done.stdout.decode("utf-8", "surrogateescape").strip()
