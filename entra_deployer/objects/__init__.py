"""The kinds of Kibana object that a rule is made of. A new kind is a file here and a line in KINDS."""

from collections.abc import Mapping

from entra_deployer.objects.kind import Kind
from entra_deployer.objects.rule import RuleKind
from entra_deployer.objects.saved_search import SavedSearchKind
from entra_deployer.objects.state import StateObject
from entra_deployer.objects.tag import TagKind

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (TagKind(), SavedSearchKind(), RuleKind())}
"""In the order of writing: what is referred to comes first."""


_RANKS = {kind: rank for rank, kind in enumerate(KINDS)}


def rank_of(kind: str) -> int:
    """The position of a kind in the order of writing."""
    return _RANKS[kind]


def order_of(one: StateObject) -> tuple[int, str]:
    """What objects are sorted by, everywhere."""
    return (rank_of(one.kind), one.key)
