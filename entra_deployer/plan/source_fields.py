"""Looking at the fields that rules read from their sources, as an environment maps them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import sources
from entra_deployer.objects.state import StateObject
from entra_deployer.plan.index_mapping import Types, Watched
from entra_deployer.stack.elasticsearch import ElasticClient
from entra_deployer.stack.source_fields import FieldCaps


def watch_sources(
    elastic: ElasticClient, version: StackVersion, rules: Iterable[StateObject], then: Mapping[str, Types]
) -> list[Watched]:
    """Each rule that requires fields with what its source is like, one question for each source. Reads only.

    `then` tells by rule_id which types the fields had at the rule's last push.
    """
    by_source: defaultdict[str, list[StateObject]] = defaultdict(list)
    for rule in rules:
        if pattern := _pattern(rule, version):
            by_source[pattern].append(rule)
    found: list[Watched] = []
    for pattern, readers in by_source.items():
        caps = _look(elastic, pattern, sorted({field for rule in readers for field in _required(rule)}))
        found += (Watched(rule, pattern, caps, then.get(rule.key, {})) for rule in readers)
    return found


def _pattern(rule: StateObject, version: StackVersion) -> str:
    """What a rule reads from, "" where it requires no field of it."""
    tree = syntax_cache().parse(str(rule.payload["query"]), version).tree if _required(rule) else None
    return ",".join(sources(tree)) if tree else ""


def _required(rule: StateObject) -> list[str]:
    return [str(item["name"]) for item in rule.payload.get("required_fields", ())]


def _look(elastic: ElasticClient, pattern: str, fields: list[str]) -> FieldCaps | None:
    """None where this key may not look."""
    try:
        return elastic.field_caps(pattern, fields)
    except Refused:
        return None
