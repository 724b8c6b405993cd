"""`deploy check`: what the readers, the compiler and the checks have to say of rules, offline."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from entra_deployer import facts
from entra_deployer.checks.codes import title
from entra_deployer.checks.report import Cell, CheckReport, MatrixRow, Support
from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.target import StackVersion, Target
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.features import features
from entra_deployer.hunts.folder import Catalog, RuleSource
from entra_deployer.repository import Compilation, compile_catalog, read_catalog

UNREADABLE = ("DEP001", "DEP002")
"""Codes of files that could not be read: nothing was checked there."""
CANNOT_RUN = ("DEP007", "DEP010", "DEP011", "DEP012")
"""Codes of a query that a version does not take, or that is not meant for it."""


def check_rules(
    root: Path, names: Sequence[str], targets: Sequence[Target], versions: Sequence[StackVersion] = ()
) -> CheckReport:
    """All issues of the named rules (all where none is named) for any of `targets`, and their support by `versions`.

    Those of their detection tests are among them.
    """
    catalog = read_catalog(root, names)
    compilations = [compile_catalog(catalog, target) for target in targets]
    found = {issue for one in compilations for issue in (*one.issues, *one.findings)}
    found |= {issue for source in catalog.sources for issue in source.test_issues}
    issues = tuple(sorted(found, key=lambda issue: issue.order))
    newest = compilations[-1]
    return CheckReport(
        target=f"{', '.join(str(target.version) for target in targets)}, {newest.target.licence}",
        hunts=len(catalog.sources),
        rules=len(newest.rules),
        issues=issues,
        titles={issue.code: title(issue.code) for issue in issues},
        matrix=_matrix(catalog, newest.target, versions),
        folders=tuple(source.folder for source in catalog.sources),
    )


def check_code(report: CheckReport) -> ExitCode:
    """1 where a file could not be read, 2 for any other error, else 0."""
    errors = {issue.code for issue in report.issues if issue.level is Level.ERROR}
    if errors & set(UNREADABLE):
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if errors else ExitCode.OK


def _matrix(catalog: Catalog, target: Target, versions: Sequence[StackVersion]) -> tuple[MatrixRow, ...]:
    compiled = [compile_catalog(catalog, replace(target, version=version)) for version in versions]
    if not compiled:
        return ()
    return tuple(
        MatrixRow(source.hunt.name, source.folder, tuple(_cell(source, compilation) for compilation in compiled))
        for source in catalog.sources
    )


def _cell(source: RuleSource, compilation: Compilation) -> Cell:
    """Whether one version can run all rules of a hunt."""
    version = compilation.target.version
    name = f"{version.major}.{version.minor}"
    if refused := _refusals(source, compilation):
        return Cell(name, Support.NO, refused)
    unknown = _unknown(source, version)
    return Cell(name, Support.UNKNOWN if unknown else Support.YES, unknown)


def _refusals(source: RuleSource, compilation: Compilation) -> tuple[str, ...]:
    issues: list[Issue] = [
        issue
        for issue in {*compilation.issues, *compilation.findings}
        if issue.subject == source.folder and issue.code in CANNOT_RUN
    ]
    ordered = sorted(issues, key=lambda issue: issue.order)
    said = [f"{issue.message} ({issue.hint})" if issue.code == "DEP012" else issue.message for issue in ordered]
    return tuple(dict.fromkeys(said))


def _unknown(source: RuleSource, version: StackVersion) -> tuple[str, ...]:
    """What the queries use of which nobody knows whether the version has it."""
    cache = syntax_cache()
    if version >= facts.FUNCTIONS_PARSED:
        return ()
    trees = [cache.parse(query.text, version).tree for query in source.hunt.queries]
    found = [feature.name for tree in trees if tree for feature in features(tree) if feature.available(version) is None]
    return tuple(dict.fromkeys(found))
