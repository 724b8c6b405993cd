"""The fields that rules read from their sources: which types they have, and which ones became others since a push."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress

from entra_deployer.elastic.client import ElasticClient
from entra_deployer.errors import Refused
from entra_deployer.model.state import Kind, StateObject
from entra_deployer.model.target import StackVersion
from entra_deployer.syntax.columns import sources
from entra_deployer.syntax.parser import parse

type Types = Mapping[str, str]
"""Field -> its type; several types, where indices disagree, stand sorted with a comma between."""

_FAMILIES = {"match_only_text": "text", "constant_keyword": "keyword", "wildcard": "keyword"}
"""What Elasticsearch tells of fields that a query treats alike."""
_NO_TYPE = {"unmapped", "object", "nested"}


def read_types(
    elastic: ElasticClient, version: StackVersion, rules: Iterable[StateObject]
) -> dict[str, dict[str, str]]:
    """By rule_id, the types of the fields that a rule requires. A rule whose source holds none of them yet is left out.

    So is one whose source this key may not look into.
    """
    by_source: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)
    for rule in rules:
        fields = [str(item["name"]) for item in rule.payload.get("required_fields", ())]
        tree = parse(str(rule.payload["query"]), version).tree if fields else None
        if tree and (patterns := sources(tree)):
            by_source[",".join(patterns)][rule.key] = fields
    found: dict[str, dict[str, str]] = {}
    for pattern, wanted in by_source.items():
        with suppress(Refused):
            mapped = _types(elastic, pattern, sorted({field for fields in wanted.values() for field in fields}))
            found |= {key: types for key, fields in wanted.items() if (types := _some(mapped, fields))}
    return found


def _types(elastic: ElasticClient, pattern: str, fields: list[str]) -> dict[str, str]:
    answer = elastic.field_caps(pattern, fields)
    types = {name: ", ".join(sorted(kinds.keys() - _NO_TYPE)) for name, kinds in answer.items()}
    return {name: said for name, said in types.items() if said}


def _some(mapped: Types, fields: Iterable[str]) -> dict[str, str]:
    return {field: mapped[field] for field in fields if field in mapped}


def find_retyped(
    then: Mapping[str, Types], now: Mapping[str, Types], base: Mapping[tuple[Kind, str], StateObject]
) -> dict[str, dict[str, tuple[str, str]]]:
    """By rule_id and field, the type at the last push and the one now ("" for none), where they are not the same.

    Where the source had no data at the push, the type is the one that the integration documents, as the rule says it;
    a field that has no type then is no difference.
    """
    found: dict[str, dict[str, tuple[str, str]]] = {}
    for key, types in now.items():
        changed = {
            field: (was, types.get(field, ""))
            for field, was in _before(key, then, base).items()
            if types.get(field, "" if key in then else was) != was
        }
        if changed:
            found[key] = changed
    return found


def _before(key: str, then: Mapping[str, Types], base: Mapping[tuple[Kind, str], StateObject]) -> Types:
    if key in then:
        return then[key]
    pushed = base.get((Kind.RULE, key))
    said = pushed.payload.get("required_fields", ()) if pushed else ()
    return {item["name"]: _FAMILIES.get(item["type"], item["type"]) for item in said if item["type"] != "unknown"}
