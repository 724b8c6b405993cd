"""What is proved is the repository's rule: what stands in Kibana has to be it, and the local stack is made so first."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.selection import Selection
from entra_deployer.objects.state import RULE, LiveObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Action, Outcome
from entra_deployer.plan.push import PushRequest, push_rules
from entra_deployer.plan.report import Report
from entra_deployer.plan.survey import unlike
from entra_deployer.repository import Compilation, Repository

BROUGHT = "DEP814"


@dataclass(frozen=True)
class StandingRules:
    """The rules as they stand in one space, by rule_id.

    `unlike` are the fields of those that are not as the repository says, `issues` what was done about that.
    """

    rules: dict[str, LiveObject]
    unlike: dict[str, tuple[str, ...]] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()


def read_standing(compilation: Compilation, connection: Connection, space: str) -> dict[str, LiveObject]:
    """The compiled rules as they stand in a space, by rule_id."""
    keys = [compiled.rule.key for compiled in compilation.rules]
    return {live.object.key: live for live in connection.rules(space).by_key(keys)}


def as_in_repository(
    repository: Repository, connection: Connection, compilation: Compilation, space: str, selection: Selection
) -> StandingRules:
    """The standing rules; where the environment is the embedded stack they are brought up to date before."""
    standing = read_standing(compilation, connection, space)
    differing = unlike(compilation, connection, space, standing)
    missing = [rule for rule in compilation.deployable if rule.rule.key not in standing]
    if not connection.environment.embedded or not (differing or missing):
        return StandingRules(standing, differing)
    report = push_rules(repository, connection, PushRequest(selection, keep_going=True))
    standing = read_standing(compilation, connection, space)
    told = (*_brought(report), *_kept_away(report, compilation))
    return StandingRules(standing, unlike(compilation, connection, space, standing), told)


def _brought(report: Report) -> Iterator[Issue]:
    done = [one.change.action for one in report.results if one.outcome is Outcome.APPLIED and one.change.kind == RULE]
    if not done:
        return
    parts = ((Action.CREATE, "made"), (Action.UPDATE, "changed"))
    counts = ", ".join(f"{done.count(action)} {word}" for action, word in parts if action in done)
    message = f"its rules were brought up to date first: {counts}"
    yield Issue(BROUGHT, Level.NOTE, message, report.environment)


def _kept_away(report: Report, compilation: Compilation) -> Iterator[Issue]:
    """Why a rule could not be brought up to date, where the repository alone does not tell."""
    known = {(issue.code, issue.location) for issue in compilation.issues}
    for issue in report.issues:
        is_reason = issue.level is Level.ERROR or issue.subject in report.left_out
        if is_reason and (issue.code, issue.location) not in known:
            yield issue
    for one in report.results:
        if one.outcome is Outcome.FAILED and one.change.kind == RULE:
            yield Issue(BROUGHT, Level.ERROR, f"it could not be written: {one.error}", one.change.name)
