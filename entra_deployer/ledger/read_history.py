"""The pushes that the ledger knows, numbered."""

from collections.abc import Set
from dataclasses import replace
from pathlib import Path

from entra_deployer.compiler.identity import pinned_rule_id, rule_name, search_id
from entra_deployer.core.errors import InputError, UnknownName
from entra_deployer.core.text import did_you_mean
from entra_deployer.ledger.entry import History, NumberedPush
from entra_deployer.ledger.reader import Past
from entra_deployer.plan.connection import Connection
from entra_deployer.plan.plan import Change
from entra_deployer.repository import read_catalog

MOST = 20
"""How many pushes are told where nobody asks for more."""


def read_history(root: Path, connection: Connection, rule: str = "", most: int = MOST) -> History:
    """The newest pushes, or the newest that touched a rule: its name, its rule_id or the folder of its hunt.

    Raises UnknownName for a rule that neither a push nor the repository knows.
    """
    past, environment = Past(root, connection), connection.environment
    numbered = number_pushes(past)
    if not rule:
        told = tuple(past.with_changes(push) for push in numbered[:most])
        older = len(numbered) - len(told)
        return History(environment.name, told, older=older, issues=tuple(past.issues), stack=environment.address)
    wanted = _names_of(root, connection, rule)
    whole = [past.with_changes(push) for push in numbered]
    found = [push for push in (_only(push, wanted) for push in whole) if push.entry.results]
    if not found and wanted == {rule}:
        known = sorted({result.change.name for push in whole for result in push.entry.results})
        message = f"no push to {environment.name} touched a rule {rule!r}"
        raise UnknownName("rule", rule, message, hint=did_you_mean(rule, known) if known else None)
    told = tuple(found[:most])
    older, issues = len(found) - len(told), tuple(past.issues)
    return History(environment.name, told, rule, older, issues, environment.address)


def number_pushes(past: Past) -> list[NumberedPush]:
    """The environment's pushes without their changes, the newest first; its first has the number 1."""
    entries = past.entries()
    return [NumberedPush(len(entries) - position, entry) for position, entry in enumerate(entries)]


def _names_of(root: Path, connection: Connection, rule: str) -> set[str]:
    """What the rules of a folder, and their searches, are called; a name or a rule_id is itself."""
    try:
        sources = [source for source in read_catalog(root).sources if source.folder == rule]
    except InputError:
        sources = []
    found = {rule}
    for source in sources:
        for query in source.queries:
            found |= {pinned_rule_id(source.hunt, query), rule_name(source.hunt, query)}
            found |= {search_id(source.hunt, query.key, space) for space in connection.environment.spaces}
    return found


def _only(push: NumberedPush, wanted: Set[str]) -> NumberedPush:
    results = tuple(result for result in push.entry.results if _is_one_of(result.change, wanted))
    return replace(push, entry=replace(push.entry, results=results))


def _is_one_of(change: Change, wanted: Set[str]) -> bool:
    return change.key in wanted or change.name in wanted
