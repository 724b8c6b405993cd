"""Rollback: an ordinary plan towards what an earlier push left, applied as any other."""

from dataclasses import dataclass, replace
from pathlib import Path

from entra_deployer.compiler.identity import owner_tag
from entra_deployer.core.errors import UsageError
from entra_deployer.core.issue import Issue, Level
from entra_deployer.hunts.folder import Catalog
from entra_deployer.ledger.entry import NumberedPush
from entra_deployer.ledger.history import DONE, Key, state_after
from entra_deployer.ledger.read_history import number_pushes
from entra_deployer.ledger.reader import Past
from entra_deployer.objects.state import State, StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Plan
from entra_deployer.plan.planner import Existing, Policy, make_plan
from entra_deployer.plan.push import Clock, PushRequest, now, plan_rules, push_rules
from entra_deployer.plan.report import Report
from entra_deployer.plan.survey import read_existing, survey_space
from entra_deployer.repository import read_catalog


@dataclass(frozen=True)
class RollbackRequest:
    """What the user asked for: the number of the push to go back to (None: the one before the last), or only a look."""

    to: int | None = None
    dry_run: bool = False
    lock: bool = True


def roll_back(root: Path, connection: Connection, request: RollbackRequest, clock: Clock = now) -> Report:
    """Bring the environment to what a push left. Raises UsageError for a number that no push has."""
    past = Past(root, connection)
    numbered = number_pushes(past)
    target = _target(numbered, request.to, connection.environment.name)
    pushes = [past.with_changes(push) for push in numbered]
    plan = _plan(root, connection, past, state_after(pushes, target))
    asked = PushRequest(lock=request.lock, note=f"rollback to #{target}")
    if request.dry_run:
        return plan_rules(root, connection, asked, plan=plan)
    return push_rules(root, connection, asked, plan=plan, clock=clock)


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


def _plan(root: Path, connection: Connection, past: Past, wanted: dict[Key, StateObject | None]) -> Plan:
    catalog = _catalog(root)
    spaces = [_space(catalog, connection, past, space, wanted) for space in connection.environment.spaces]
    issue = Issue(
        "DEP375",
        Level.WARNING,
        "the repository says something else now: the next push brings that back",
        connection.environment.name,
        hint="revert the commit too, and `deploy drift` is clean",
    )
    plan = make_plan(connection.environment.name, spaces)
    return replace(plan, issues=(*plan.issues, issue)) if plan.changes else plan


def _catalog(root: Path) -> Catalog:
    """The repository, for what it says of owners; a rollback does not depend on its being in order."""
    return replace(read_catalog(root), issues=())


def _space(
    catalog: Catalog, connection: Connection, past: Past, space: str, wanted: dict[Key, StateObject | None]
) -> tuple[State, Existing, Policy]:
    """What no push touched since is wanted as it stands; the rest as it was, or not at all."""
    survey = survey_space(catalog, connection, space, past.base(space))
    mine = {(kind, key): one for (where, kind, key), one in wanted.items() if where == space}
    tag = owner_tag(space)
    once = State(space, tuple(sorted([*(one for one in mine.values() if one), tag], key=lambda one: one.order)))
    existing = read_existing(connection, once)
    others = [live.object for live in existing.marked if (live.object.kind, live.object.key) not in mine]
    objects = [one for one in once.objects if one != tag or (tag.kind, tag.key) in mine] + others
    desired = State(space, tuple(sorted(objects, key=lambda one: one.order)))
    return desired, existing, replace(survey.policy, prune=True)
