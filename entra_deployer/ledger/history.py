"""The pushes to an environment in their order, numbered, and what they left at any of them."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, replace

from entra_deployer.compiler.identity import pinned_rule_id, rule_name, search_id
from entra_deployer.core.errors import InputError, UnknownName
from entra_deployer.core.issue import Issue
from entra_deployer.core.text import did_you_mean
from entra_deployer.objects.state import StateObject
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.journal import Journal, PushEntry, PushState
from entra_deployer.plan.plan import Change, Outcome
from entra_deployer.repository import Repository

MOST = 20
"""How many pushes are told where nobody asks for more."""

type Place = tuple[str, str, str]
"""Space, kind and key of an object."""

DONE = (PushState.FINISHED, PushState.RECOVERED)
"""States of pushes whose outcomes are known and stand."""


@dataclass(frozen=True)
class NumberedPush:
    """A push with its changes and its number: 1 is the environment's first."""

    number: int
    entry: PushEntry


@dataclass(frozen=True)
class History:
    """Pushes, the newest first; `rule` is what they were chosen by ("" for all), `older` how many are not told.

    `stack` says where the environment is.
    """

    environment: str
    pushes: tuple[NumberedPush, ...] = ()
    rule: str = ""
    older: int = 0
    issues: tuple[Issue, ...] = ()
    stack: str = ""


def read_history(repository: Repository, connection: Connection, rule: str = "", most: int = MOST) -> History:
    """The newest pushes, or the newest that touched a rule: its name, its rule_id or the folder of its hunt.

    Raises UnknownName for a rule that neither a push nor the repository knows.
    """
    journal, name, address = connection.journal, connection.environment.name, connection.environment.address
    numbered = number_pushes(journal)
    if not rule:
        told = tuple(with_changes(journal, push) for push in numbered[:most])
        older = len(numbered) - len(told)
        return History(name, told, older=older, issues=tuple(journal.issues), stack=address)
    wanted = _names_of(repository, connection, rule)
    whole = [with_changes(journal, push) for push in numbered]
    found = [push for push in (_only(push, wanted) for push in whole) if push.entry.results]
    if not found and wanted == {rule}:
        known = sorted({result.change.name for push in whole for result in push.entry.results})
        message = f"no push to {name} touched a rule {rule!r}"
        raise UnknownName("rule", rule, message, hint=did_you_mean(rule, known) if known else None)
    return History(name, tuple(found[:most]), rule, max(0, len(found) - most), tuple(journal.issues), address)


def number_pushes(journal: Journal) -> list[NumberedPush]:
    """The environment's pushes without their changes, the newest first; its first has the number 1."""
    entries = journal.entries()
    return [NumberedPush(len(entries) - position, entry) for position, entry in enumerate(entries)]


def with_changes(journal: Journal, push: NumberedPush) -> NumberedPush:
    """The same push with every change it journalled."""
    return replace(push, entry=journal.with_changes(push.entry))


def _names_of(repository: Repository, connection: Connection, rule: str) -> set[str]:
    """What the rules of a folder, and their searches, are called; a name or a rule_id is itself."""
    try:
        sources = [source for source in repository.catalog().sources if source.folder == rule]
    except InputError:
        sources = []
    found = {rule}
    for source in sources:
        for query in source.queries:
            found |= {pinned_rule_id(source.hunt, query), rule_name(source.hunt, query)}
            found |= {search_id(source.hunt, query.key, space) for space in connection.environment.spaces}
    return found


def _only(push: NumberedPush, wanted: Set[str]) -> NumberedPush:
    results = tuple(one for one in push.entry.results if one.change.key in wanted or one.change.name in wanted)
    return replace(push, entry=replace(push.entry, results=results))


# -- what they left --------------------------------------------------------------------------------------------------


def applied(push: NumberedPush) -> Iterable[Change]:
    """The changes that a push made; the removal of a double changes nothing of what stands under its key."""
    if push.entry.state not in DONE:
        return ()
    results = push.entry.results
    return (one.change for one in results if one.outcome is Outcome.APPLIED and not one.change.doubled)


def state_after(pushes: Sequence[NumberedPush], number: int) -> dict[Place, StateObject | None]:
    """The objects that pushes behind `number` touched, each as the push `number` left it; None where it was not there.

    `pushes` are all of the environment, in any order. What a later push found and no earlier one had made (it was taken
    over) is as it was found.
    """
    wanted: dict[Place, StateObject | None] = {}
    for push in sorted(pushes, key=lambda push: push.number):
        for change in applied(push):
            place = _place(change)
            if push.number <= number:
                wanted[place] = change.base
            elif place not in wanted:
                wanted[place] = change.existing.object if change.existing else None
    touched = {_place(change) for push in pushes if push.number > number for change in applied(push)}
    return {place: one for place, one in wanted.items() if place in touched}


def state_before(pushes: Sequence[NumberedPush], number: int) -> dict[Place, StateObject | None]:
    """The objects that the push `number` and those behind it touched, each as the first of them found it in Kibana.

    This holds what was edited in Kibana, too, and overwritten by a push.
    """
    found: dict[Place, StateObject | None] = {}
    for push in sorted(pushes, key=lambda push: push.number):
        for change in applied(push) if push.number >= number else ():
            found.setdefault(_place(change), change.existing.object if change.existing else None)
    return found


def _place(change: Change) -> Place:
    return (change.space, change.kind, change.key)
