"""What `deploy check` says, as data, and kept by content: where nothing changed nothing is read again.

It stands apart from the checks, which take longer to load than a kept answer to read.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from entra_deployer.core.cache import Cache, digest, tool_digest, user_cache
from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Issue, Level

UNREADABLE = ("DEP001", "DEP002", "DEP009")
"""Codes of files that could not be read: nothing was checked there."""
LARGEST = 1 << 20
"""Bytes of a file: a larger one is no hunt's, and the answer is not kept."""


class Support(StrEnum):
    """Whether a version of the stack can run a query, as far as that is known offline."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Cell:
    """One rule on one version: whether it can run there, and why not, or what is not known."""

    version: str
    support: Support
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class MatrixRow:
    """One rule on all versions that were asked for, in their order."""

    name: str
    folder: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class CheckReport:
    """All issues of some rules, sorted, for one target ("8.19.21, platinum").

    `titles` says in a line what each code that occurs is about. `matrix` is filled where versions were asked for.
    `folders` are those of all hunts that were read.
    """

    target: str
    hunts: int
    rules: int
    issues: tuple[Issue, ...]
    titles: Mapping[str, str] = field(default_factory=dict)
    matrix: tuple[MatrixRow, ...] = ()
    folders: tuple[str, ...] = ()

    def count(self, level: Level) -> int:
        """How many issues are of one level."""
        return sum(issue.level is level for issue in self.issues)


@dataclass(frozen=True)
class Explanation:
    """`good` and `bad` are queries (with the lines of rule.yaml that matter above them); "" where there is none."""

    code: str
    title: str
    text: str
    level: str = ""
    good: str = ""
    bad: str = ""
    silenceable: bool = False


@dataclass(frozen=True)
class Said:
    """What a check said, drawn, and its exit code; where it does not last it told a fault of ours."""

    text: str
    code: ExitCode
    lasts: bool = True


def check_code(report: CheckReport) -> ExitCode:
    """1 where a file could not be read, 2 for any other error, else 0."""
    errors = {issue.code for issue in report.issues if issue.level is Level.ERROR}
    if errors & set(UNREADABLE):
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if errors else ExitCode.OK


def remembered(root: Path, question: Sequence[str], answer: Callable[[], Said], kept: Cache | None = None) -> Said:
    """What was said to a question about the hunts below `root`, anew where a file or this tool has changed.

    `question` is all else that the answer depends on, how it is drawn included.
    """
    kept = kept or user_cache("checks")
    parts = _contents(root, question)
    if parts is None:
        return answer()
    key = digest((tool_digest(), *parts))
    if (known := kept.get(key)) is not None:
        with suppress(ValueError):  # else it was not written by this tool
            code, _, text = known.decode("utf-8", "surrogatepass").partition("\n")
            return Said(text, ExitCode(int(code)))
    said = answer()
    if said.lasts:
        kept.put(key, f"{said.code.value}\n{said.text}".encode("utf-8", "surrogatepass"))
    return said


def _contents(root: Path, question: Sequence[str]) -> list[bytes] | None:
    """The question and every file that may matter to it; None where one cannot be read or is too large."""
    parts = [str(root).encode(), *(word.encode("utf-8", "surrogatepass") for word in question)]
    if any(Path(word).is_file() for word in question):
        return None  # a hunt outside the project
    try:
        for top in ("rules", "deploy"):
            for folder, folders, files in (root / top).walk():
                folders.sort()
                for path in (folder / name for name in sorted(files)):
                    if path.is_dir() or path.stat().st_size > LARGEST:
                        return None  # a link to another folder, or no hunt's file
                    parts += (str(path).encode("utf-8", "surrogateescape"), path.read_bytes())
    except OSError:
        return None
    return parts
