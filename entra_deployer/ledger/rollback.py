"""Rollback: an ordinary plan towards what an earlier push left, or found, applied as any other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from entra_deployer.core.errors import UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.ledger.history import (
    DONE,
    NumberedPush,
    Place,
    number_pushes,
    state_after,
    state_before,
    with_changes,
)
from entra_deployer.objects.state import State, StateObject
from entra_deployer.objects.tag import owner_tag
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Plan
from entra_deployer.plan.planner import Existing, Policy, in_order, make_plan
from entra_deployer.plan.push import Clock, PushRequest, now, plan_rules, push_rules
from entra_deployer.plan.report import Report
from entra_deployer.plan.survey import read_existing, survey_space
from entra_deployer.repository import Repository

NOT_LASTING = "DEP375"


@dataclass(frozen=True)
class RollbackRequest:
    """What the user asked for: the number of the push to go back to (None: the one before the last), or only a look.

    `before` is the number of a push instead: what it and all later ones found is brought back, edits that were made in
    Kibana and overwritten among it. `overwrite` takes back what was edited in Kibana since the last push.
    `agree` is shown the plan before the first write and says why not, or "".
    """

    to: int | None = None
    dry_run: bool = False
    lock: bool = True
    before: int | None = None
    overwrite: bool = False
    agree: Callable[[Report], str] = lambda _: ""


def roll_back(repository: Repository, connection: Connection, request: RollbackRequest, clock: Clock = now) -> Report:
    """Bring the environment to what a push left or found. Raises UsageError for a number that no push has."""
    numbered = number_pushes(connection.journal)
    if request.before is not None:
        _check_before(numbered, request.before, connection.environment.name)
        note, number = f"rollback to before #{request.before}", request.before
    else:
        number = _target(numbered, request.to, connection.environment.name)
        note = f"rollback to #{number}"
    pushes = [with_changes(connection.journal, push) for push in numbered]
    wanted = (state_after if request.before is None else state_before)(pushes, number)
    plan = _plan(repository, connection, wanted, overwrite=request.overwrite)
    asked = PushRequest(lock=request.lock, note=note, agree=request.agree)
    if request.dry_run:
        return plan_rules(repository, connection, asked, plan=plan)
    return push_rules(repository, connection, asked, plan=plan, clock=clock)


def _check_before(pushes: list[NumberedPush], number: int, environment: str) -> None:
    if number not in [push.number for push in pushes if push.entry.state in DONE]:
        raise UsageError(
            f"there is no push #{number} to go back to before", hint=f"deploy history {environment} lists them"
        )


def _target(pushes: list[NumberedPush], wanted: int | None, environment: str) -> int:
    done = [push.number for push in pushes if push.entry.state in DONE]
    if not done:
        raise UsageError(f"the ledger knows of no push to {environment}", hint="there is nothing to go back to")
    if wanted is None:
        return max((number for number in done if number < max(done)), default=0)
    if wanted not in (0, *done) or wanted == max(done):
        hint = f"deploy history {environment} lists them"
        if wanted == max(done):
            raise UsageError(f"#{wanted} is the last push: the environment is there", hint=hint)
        raise UsageError(f"there is no push #{wanted} to go back to", hint=hint)
    return wanted


def _plan(
    repository: Repository, connection: Connection, wanted: Mapping[Place, StateObject | None], *, overwrite: bool
) -> Plan:
    spaces = [
        _space(repository, connection, space, wanted, overwrite=overwrite) for space in connection.environment.spaces
    ]
    issue = Issue(
        NOT_LASTING,
        Level.WARNING,
        "the repository says something else now: the next push brings that back",
        connection.environment.name,
        hint="revert the commit too, and `deploy drift` is clean",
    )
    plan = make_plan(connection.environment.name, spaces)
    return plan.with_issues([issue]) if plan.changes else plan


def _space(
    repository: Repository,
    connection: Connection,
    space: str,
    wanted: Mapping[Place, StateObject | None],
    *,
    overwrite: bool,
) -> tuple[State, Existing, Policy]:
    """What no push touched since is wanted as it stands; the rest as it was, or not at all.

    The repository is asked for what it says of owners alone: a rollback does not depend on its being in order.
    """
    survey = survey_space(repository, connection, space, connection.journal.past)
    mine = {(kind, key): one for (where, kind, key), one in wanted.items() if where == space}
    tag = owner_tag(space)
    once = State(space, in_order([*(one for one in mine.values() if one and one.at != tag.at), tag]))
    existing = read_existing(connection, once)
    others = [live.object for live in existing.marked if live.object.at not in mine]
    objects = [one for one in once.objects if one.at != tag.at or tag.at in mine] + others
    desired = State(space, in_order({one.at: one for one in objects}.values()))
    policy = replace(survey.policy, prune=True, overwrite=overwrite)
    return desired, existing, policy
