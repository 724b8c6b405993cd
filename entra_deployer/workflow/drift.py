"""Drift: what stands in an environment against what was pushed to it and what the repository says. Reads only."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from entra_deployer.drift import Seen, find_differences
from entra_deployer.errors import ExitCode, Refused
from entra_deployer.model.drift import Difference, DriftReport
from entra_deployer.model.issue import Issue, Level
from entra_deployer.model.ledger import PushEntry
from entra_deployer.model.state import Kind, StateObject
from entra_deployer.workflow.compile import read_catalog
from entra_deployer.workflow.connection import Connection
from entra_deployer.workflow.journal import FOLDER, EitherJournal
from entra_deployer.workflow.source_fields import Types, find_retyped, read_types
from entra_deployer.workflow.survey import Survey, survey_space

NO_BASE = "DEP350"
NO_LEDGER = "DEP351"


@dataclass(frozen=True)
class Compared:
    """One space: what was read of it, and how it differs."""

    survey: Survey
    differences: tuple[Difference, ...]


def find_drift(root: Path, connection: Connection, names: Sequence[str] = ()) -> DriftReport:
    """Compare each space of the environment; with `names` only these hunt folders or rule names."""
    past = Past(root, connection)
    return as_report(compare_spaces(root, connection, past, names), connection, past)


def compare_spaces(root: Path, connection: Connection, past: "Past", names: Sequence[str] = ()) -> list[Compared]:
    """Read and compare each space."""
    catalog = read_catalog(root, names)
    found: list[Compared] = []
    for space in connection.environment.spaces:
        survey = survey_space(catalog, connection, space, past.base(space))
        sources = _sources(survey, root)
        differences = _compare(survey, connection, past.types(space), sources, whole=not names)
        found.append(Compared(survey, tuple(differences)))
    return found


def as_report(spaces: Sequence[Compared], connection: Connection, past: "Past") -> DriftReport:
    """The differences of all spaces, and what could not be told."""
    errors = {issue for one in spaces for issue in one.survey.issues if issue.level is Level.ERROR}
    differences = [difference for one in spaces for difference in one.differences]
    return DriftReport(
        environment=connection.environment.name,
        stack=f"Kibana {connection.version}, {connection.licence}",
        hunts=max(len(one.survey.compilation.sources) for one in spaces),
        compared=sum(len(one.survey.desired.objects) for one in spaces),
        three_way=past.is_known,
        last_push=past.last_push(),
        differences=tuple(sorted(differences, key=lambda difference: difference.order)),
        issues=tuple(sorted({*errors, *past.issues}, key=lambda issue: issue.order)),
    )


def _compare(
    survey: Survey, connection: Connection, then: dict[str, Types], sources: dict[str, str], *, whole: bool
) -> list[Difference]:
    """The differences of one space. `then` are the types that the rules' fields had at their pushes."""
    rules = [one for one in survey.desired.objects if one.kind is Kind.RULE]
    now = read_types(connection.elastic, connection.version, rules)
    seen = Seen(
        desired=survey.desired,
        existing=survey.existing,
        policy=survey.policy,
        sources=sources,
        whole=whole and not any(issue.level is Level.ERROR for issue in survey.issues),
        retyped=find_retyped(then, now, survey.policy.base),
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


class Past:
    """What is written down of the pushes to an environment, wherever this key may read it; `issues` say what is not."""

    def __init__(self, root: Path, connection: Connection) -> None:
        self._environment = connection.environment.name
        self._journal = EitherJournal(connection.ledger(), root, self._environment, self._warn)
        self._known: dict[str, bool] = {}
        self._refused = False

    def base(self, space: str) -> dict[tuple[Kind, str], StateObject]:
        """What the last push left in a space."""
        found = self._journal.base(space)
        self._known[space] = bool(found)
        return found

    def types(self, space: str) -> dict[str, Types]:
        """Which types the rules' fields had at their pushes. To be asked after `base`."""
        return dict(self._journal.standing.types(space))

    def entries(self) -> list[PushEntry]:
        """The pushes, newest first, without their changes."""
        try:
            return self._journal.standing.entries()
        except Refused:
            return []

    def last_push(self) -> PushEntry | None:
        """The newest push that is written down."""
        return next(iter(self.entries()), None)

    @property
    def is_known(self) -> bool:
        """Whether each space that was asked for has a base."""
        return all(self._known.values())

    @property
    def issues(self) -> Iterable[Issue]:
        """What is not known, and what that means."""
        unknown = ", ".join(space for space, known in self._known.items() if not known)
        if self._refused:
            message = f"this key may not read the ledger, and {FOLDER}/ledger of this machine is read instead"
            if unknown:
                message = "this key may not read the ledger: which side changed cannot be told"
            hint = "give it the privilege read on the index entra-deployer-ledger"
            yield Issue(NO_LEDGER, Level.WARNING, message, self._environment, hint=hint)
        elif unknown:
            message = f"no push is written down for the space {unknown}: which side changed cannot be told"
            yield Issue(NO_BASE, Level.NOTE, message, self._environment, hint="a push writes it down")

    def _warn(self, _: str) -> None:
        self._refused = True
