"""What is live of ours: the rules that bear our mark, and those that a push left there and that lost it since."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from entra_deployer.compiler.identity import pinned_rule_id
from entra_deployer.core.errors import UnknownName
from entra_deployer.core.text import did_you_mean
from entra_deployer.core.time import parse_moment
from entra_deployer.hunts.selection import means
from entra_deployer.objects.state import RULE, LiveObject
from entra_deployer.objects.tag import mark_of
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.live_rule import Inventory, LastRun, LiveRule
from entra_deployer.repository import Repository

type Clock = Callable[[], datetime]


def list_rules(connection: Connection, clock: Clock) -> Inventory:
    """All rules of ours in each space of the environment. Reads only."""
    environment = connection.environment
    rules = [live_rule(space, live) for space in environment.spaces for live in our_rules(connection, space)]
    return Inventory(
        environment=environment.name,
        at=clock(),
        stack=connection.stack,
        rules=tuple(sorted(rules, key=lambda rule: rule.order)),
        issues=tuple(connection.journal.issues),
    )


def only_named(inventory: Inventory, repository: Repository, names: Sequence[str]) -> Inventory:
    """The rules with one of the names or rule_ids, or of such a hunt's name or folder; patterns of these too.

    Raises UnknownName for a name that neither a live rule nor a hunt has.
    """
    called: dict[str, set[str]] = {}
    for source in repository.catalog().sources:
        for query in source.queries:
            called[pinned_rule_id(source.hunt, query)] = {source.folder, source.hunt.name}
    hunts = set().union(*called.values())
    own = {rule: called.get(rule.rule_id, set()) | {rule.name, rule.rule_id} for rule in inventory.rules}
    known = hunts.union(*own.values())
    for name in names:
        if not means(name, known):
            raise UnknownName("rule", name, f"no rule is named {name!r}", hint=did_you_mean(name, sorted(known)))
    rules = tuple(rule for rule in inventory.rules if any(means(name, own[rule]) for name in names))
    return replace(inventory, rules=rules)


def our_rules(connection: Connection, space: str) -> list[LiveObject]:
    """The rules of ours in a space: by their tag, and by the ledger where somebody took the tag away."""
    handler = connection.rules(space)
    marked = [live for live in handler.marked(mark_of(space)) if not live.immutable]
    seen = {live.object.key for live in marked}
    pushed = [key for kind, key in connection.journal.base(space) if kind == RULE and key not in seen]
    return marked + (handler.by_key(pushed) if pushed else [])


def live_rule(space: str, live: LiveObject) -> LiveRule:
    """What a person wants to know of a rule that stands."""
    payload = live.object.payload
    return LiveRule(
        space=space,
        rule_id=live.object.key,
        name=live.object.name,
        enabled=bool(payload.get("enabled")),
        severity=str(payload.get("severity", "")),
        interval=str(payload.get("interval", "")),
        revision=int(live.revision) if live.revision.isdecimal() else None,
        changed_at=parse_moment(live.updated_at),
        changed_by=live.updated_by,
        last_run=_last_run(live),
    )


def _last_run(live: LiveObject) -> LastRun | None:
    run = live.execution
    if run is None or (at := parse_moment(run.date)) is None:
        return None
    return LastRun(at, run.status, " ".join(run.message.split()))
