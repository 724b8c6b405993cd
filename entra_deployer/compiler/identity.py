"""Who is who: ids that stay when a hunt's text, or the order of its queries, changes.

Kibana pastes a `rule_id` unescaped into a filter: ours are UUIDs, and one that rule.yaml pins holds no quotation mark.
A saved object's id must be another one in each space: one that exists elsewhere makes an import write a copy under a
random id.
"""

from uuid import UUID, uuid5

from entra_deployer.hunts.folder import QuerySettings
from entra_deployer.hunts.hunt import Hunt, esql_queries


def rule_id(hunt: Hunt, key: str) -> str:
    """The rule's stable id, the same in every space and environment."""
    return str(uuid5(UUID(hunt.uuid), f"rule/{key}"))


def pinned_rule_id(hunt: Hunt, query: QuerySettings) -> str:
    """The rule's id as `rule.yaml` pins it, for a rule that was there before its hunt; else the hunt's own."""
    return query.settings.rule_id or rule_id(hunt, query.key)


def search_id(hunt: Hunt, key: str, space: str) -> str:
    """The saved search's id in a space."""
    return str(uuid5(UUID(hunt.uuid), f"search/{key}/{space}"))


def rule_name(hunt: Hunt, query: QuerySettings) -> str:
    """What the rule is called: as `rule.yaml` says, else as the hunt, with the query's key where several make rules."""
    if query.settings.name:
        return query.settings.name
    return hunt.name if len(esql_queries(hunt)) == 1 else f"{hunt.name} ({query.key})"
