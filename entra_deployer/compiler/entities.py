"""Which columns of a result tell entities apart: what an analyst asks for first, and what repeats are folded by."""

import re
from collections.abc import Sequence

MOST_KEYS = 3
"""Kibana takes at most three columns to suppress by."""

_RANKS = (
    r"(^|[._])(user|principal|account|identity|actor|owner|upn|email|service_principal|client|app)([._]|$|s$)",
    r"(^|[._])(host|agent|device|endpoint|instance|computer|machine|server)([._]|$)",
    r"(^|[._])(ip|address|source|src|orchestrator|container|pod|cluster)([._]|$)",
    r"(^|[._])(id|entity_id|guid|hash|session|sha256|name)$",
)
"""Names of columns by what they are about: who, which machine, from where, which thing."""


def entity_keys(keys: Sequence[str], time_keys: Sequence[str]) -> tuple[str, ...]:
    """The columns to fold repeats by: never a time bucket; of more than three those that tell entities apart.

    They stay in the order of the query.
    """
    entities = [key for key in keys if key not in time_keys]
    if len(entities) <= MOST_KEYS:
        return tuple(entities)
    best = sorted(entities, key=lambda key: (rank(key), entities.index(key)))[:MOST_KEYS]
    return tuple(key for key in entities if key in best)


def rank(name: str) -> int:
    """What a column is about: 0 who, 1 which machine, 2 from where, 3 which thing, 4 anything else."""
    return next((rank for rank, pattern in enumerate(_RANKS) if re.search(pattern, name.lower())), len(_RANKS))
