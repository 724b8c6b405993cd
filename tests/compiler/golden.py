"""The golden files of the project's own rules. `python -m tests.compiler.golden` writes them anew: read the diff."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from entra_deployer.compiler.compiled import CompileReport
from entra_deployer.core.target import StackVersion
from entra_deployer.hunts.selection import Selection
from entra_deployer.reports import render
from entra_deployer.reports.documents.compilation import compilation_document
from entra_deployer.repository import OFFLINE, Repository

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden" / "compiled"
OLD = replace(OFFLINE, version=StackVersion(8, 12, 2), license="basic")


def renderings() -> Iterator[tuple[str, str]]:
    """The name and the text of each golden file."""
    for folder in sorted(path.name for path in (ROOT / "rules").iterdir() if path.is_dir()):
        now, old = (_report(Repository(ROOT).compile(target, Selection((folder,)))) for target in (OFFLINE, OLD))
        yield f"{folder}.json", render(compilation_document(now), "json")
        yield f"{folder}.explain.txt", render(compilation_document(now, explain=True), "text", width=120)
        yield f"{folder}.8.12-basic.txt", render(compilation_document(old, explain=False), "text", width=120)


def _report(compilation):
    issues = tuple(replace(issue, location=_within(issue.location)) for issue in compilation.issues)
    return CompileReport(f"{compilation.target.version}, {compilation.target.license}", compilation.rules, issues)


def _within(place):
    """The place as it is wherever the repository stands."""
    return place and replace(place, path=Path(place.path).relative_to(ROOT).as_posix())


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name, text in renderings():
        (GOLDEN / name).write_text(text, "utf-8")
