"""`deploy check`: what is wrong with rules, offline."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from entra_deployer.commands import project
from entra_deployer.commands.options import (
    ChangedSinceOption,
    FormatOption,
    HuntsArgument,
    LicenseOption,
    StackOption,
    TagOption,
    selected,
    stack_versions,
    target_for,
)
from entra_deployer.commands.terminal import coloured, drawn, say, told_in, width
from entra_deployer.reports import TEXT

if TYPE_CHECKING:
    from pathlib import Path

    from entra_deployer.api import CheckReport, Said
    from entra_deployer.core.issue import Issue
    from entra_deployer.core.target import StackVersion
    from entra_deployer.hunts.selection import Selection
    from entra_deployer.reports.document import Document


def check(
    hunt: HuntsArgument = None,
    tag: TagOption = None,
    changed_since: ChangedSinceOption = None,
    stack: StackOption = None,
    license: LicenseOption = "platinum",  # noqa: A002 - Elastic's word
    notes: Annotated[bool, typer.Option("--notes", help="Show the notes too, not their number alone.")] = False,
    engine: Annotated[
        bool, typer.Option("--engine", help="Ask the embedded Elasticsearch about each query too, on empty indices.")
    ] = False,
    form: FormatOption = TEXT,
) -> None:
    """Check rules without any server.

    They are checked for each version that an environment states. With several versions, `--stack 8.15,8.19,9.4`, a
    table shows which can run what.
    """
    from entra_deployer.api import remembered

    def said() -> "Said":
        from entra_deployer.api import Said, check_code
        from entra_deployer.reports.documents.checks import check_document

        look = _check_on_engine if engine else _check
        report = look(top, selected(hunt, tag, changed_since), stack, license)
        text = drawn(check_document(report, notes=notes or form != TEXT), form)
        return Said(text, check_code(report), lasts=not any(one.code == "DEP009" for one in report.issues))

    with told_in(form, partial(_unable, stack or "")):
        top = project.root()
        changed = _changed(top, changed_since) if changed_since else ()
        asked = (*(f"--tag {one}" for one in tag or ()), *(f"--changed {one}" for one in changed), changed_since or "")
        how = (form, f"--notes {notes}", f"{width()} columns", f"colour {coloured()}")
        found = said() if engine else remembered(top, (*how, stack or "", license, *(hunt or ()), *asked), said)
    say(found.text)
    raise typer.Exit(found.code)


def _changed(top: "Path", since: str) -> tuple[str, ...]:
    """The files of hunts that have changed since a commit."""
    from entra_deployer.core.files import RULES_FOLDER
    from entra_deployer.core.git import changed_files

    return changed_files(top / RULES_FOLDER, since)


def _unable(target: str, issues: "tuple[Issue, ...]") -> "Document":
    from entra_deployer.api import CheckReport
    from entra_deployer.reports.documents.checks import check_document

    return check_document(CheckReport(target, 0, 0, issues))


def _check(top: "Path", selection: "Selection", stack: str | None, license: str) -> "CheckReport":  # noqa: A002
    from entra_deployer.api import Repository, check_rules, stated_versions

    asked = stack_versions(stack)
    versions: list[StackVersion | None] = [*(asked or stated_versions(top))] or [None]
    targets = [target_for(version, license) for version in versions]
    return check_rules(Repository(top), selection, targets, asked if len(asked) > 1 else ())


def _check_on_engine(top: "Path", selection: "Selection", stack: str | None, license: str) -> "CheckReport":  # noqa: A002
    """What is found offline, and what the embedded Elasticsearch says of the queries as they are compiled for it."""
    from entra_deployer.api import Repository, check_on_engine

    report = _check(top, selection, stack, license)
    with project.on("local", "asking Elasticsearch about the queries of") as (_, connection):
        elastic = connection.elastic
        rules = Repository(top).compile(target_for(elastic.version(), license), selection).rules
        return check_on_engine(elastic, rules, elastic.version(), report)
