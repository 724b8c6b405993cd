"""Drift: what stands in an environment against what was pushed to it and what the repository says. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.core.errors import ExitCode
from entra_deployer.core.issue import Level
from entra_deployer.ledger.reader import Past
from entra_deployer.objects.state import Kind
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.difference import Difference, DriftReport
from entra_deployer.plan.drift import Seen, find_differences
from entra_deployer.plan.index_mapping import Types, Watched, issues_of_sources, retyped
from entra_deployer.plan.source_fields import watch_sources
from entra_deployer.plan.survey import Survey, survey_space
from entra_deployer.repository import read_catalog


@dataclass(frozen=True)
class Compared:
    """One space: what was read of it, how it differs, and what its rules' sources are like."""

    survey: Survey
    differences: tuple[Difference, ...]
    watched: tuple[Watched, ...] = ()


def find_drift(root: Path, connection: Connection, names: Sequence[str] = ()) -> DriftReport:
    """Compare each space of the environment; with `names` only these hunt folders or rule names."""
    past = Past(root, connection)
    return as_report(compare_spaces(root, connection, past, names), connection, past)


def compare_spaces(root: Path, connection: Connection, past: Past, names: Sequence[str] = ()) -> list[Compared]:
    """Read and compare each space."""
    catalog = read_catalog(root, names)
    found: list[Compared] = []
    for space in connection.environment.spaces:
        survey = survey_space(catalog, connection, space, past.base(space))
        watched = _watch(survey, connection, past.types(space))
        differences = _compare(survey, watched, _sources(survey, root), whole=not names)
        found.append(Compared(survey, tuple(differences), tuple(watched)))
    return found


def as_report(spaces: Sequence[Compared], connection: Connection, past: Past) -> DriftReport:
    """The differences of all spaces, and what could not be told."""
    errors = {issue for one in spaces for issue in one.survey.issues if issue.level is Level.ERROR}
    differences = [difference for one in spaces for difference in one.differences]
    watched = [one for space in spaces for one in space.watched]
    unknown = issues_of_sources(watched, connection.environment.name)
    return DriftReport(
        environment=connection.environment.name,
        stack=connection.stack,
        hunts=max(len(one.survey.compilation.sources) for one in spaces),
        compared=sum(len(one.survey.desired.objects) for one in spaces),
        three_way=past.is_known,
        last_push=past.last_push(),
        differences=tuple(sorted(differences, key=lambda difference: difference.order)),
        issues=tuple(sorted({*errors, *unknown, *past.issues}, key=lambda issue: issue.order)),
    )


def _watch(survey: Survey, connection: Connection, then: dict[str, Types]) -> list[Watched]:
    """The sources of the rules that a push left here. `then` are the types that their fields had at it."""
    base = survey.policy.base
    pushed = [
        base.get((one.kind, one.key), one)
        for one in survey.desired.objects
        if one.kind is Kind.RULE and (one.key in then or (one.kind, one.key) in base)
    ]
    return watch_sources(connection.elastic, connection.version, pushed, then)


def _compare(survey: Survey, watched: Sequence[Watched], sources: dict[str, str], *, whole: bool) -> list[Difference]:
    """The differences of one space."""
    seen = Seen(
        desired=survey.desired,
        existing=survey.existing,
        policy=survey.policy,
        sources=sources,
        whole=whole and not any(issue.level is Level.ERROR for issue in survey.issues),
        retyped={one.rule.key: changed for one in watched if (changed := retyped(one))},
    )
    return find_differences(seen)


def _sources(survey: Survey, root: Path) -> dict[str, str]:
    """The hunt's file of each rule and saved search, by its key, from the project's folder on."""
    files = {source.folder: Path(source.hunt.source) for source in survey.compilation.sources}
    shown = {
        folder: file.relative_to(root).as_posix() if file.is_relative_to(root) else str(file)
        for folder, file in files.items()
    }
    return {one.key: shown[rule.folder] for rule in survey.compilation.rules for one in (rule.rule, rule.search)}


def drift_code(report: DriftReport) -> ExitCode:
    """1 where it could not be told, else 2 for a difference that counts, else 0."""
    if report.failed:
        return ExitCode.FAILED
    return ExitCode.DIFFERENT if report.drifted else ExitCode.OK
