"""Reads `rule.yaml`: what a hunt cannot say of its rules. Every query gets a stable key and its settings."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.json import Json
from entra_deployer.core.time import DURATION
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.hunts.folder import QuerySettings, RuleSettings
from entra_deployer.hunts.hunt import Hunt, Query, esql_queries

ONLY_KEY = "query"
"""The key of a hunt's only query, unless `rule.yaml` names it."""

_SOURCES = re.compile(r"^\s*from\s+([^|\n]+)", re.IGNORECASE | re.MULTILINE)

type _Key[T] = T | UnsetType
"""A key that need not be there."""
type _Text = Annotated[str, Meta(min_length=1)]
type _Owner = Literal["git", "live"]

_SPAN = "a whole number and a unit: s, m, h or d, e.g. 15m"
_SEVERITIES = {"in_order": ["low", "medium", "high", "critical"]}
_DUPLICATES = {"in_order": ["suppress", "window", "none"]}
_VERSIONS = "(>=|<=|>|<|==)? ?[0-9]{1,4}(\\.[0-9]{1,4}){0,2}"
RULE_ID = '^[^"\\\\\\u0000-\\u001f\\u007f-\\u009f]{1,500}$(?!\\n)'
"""What a rule may be known by: Kibana takes any text, and finds none again whose rule_id holds a quotation mark."""


class _Frequency(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"notify_when": "notifyWhen"}):
    summary: bool
    notify_when: Literal["onActiveAlert", "onThrottleInterval", "onActionGroupChange"]
    throttle: _Key[str | None] = UNSET


class _Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    connector: Annotated[_Text, Meta(description="the connector's name, as the environment maps it")]
    group: _Key[str] = UNSET
    params: _Key[Mapping[str, Json]] = UNSET
    frequency: _Key[_Frequency] = UNSET
    alerts_filter: _Key[Mapping[str, Json]] = UNSET


class QueryKeys(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The keys that `rule.yaml` may have for one query's rule: those of RuleSettings, and `contains`."""

    name: _Key[Annotated[_Text, Meta(description="the rule's name; without it the hunt's")]] = UNSET
    description: _Key[Annotated[_Text, Meta(description="the rule's description; without it the hunt's")]] = UNSET
    severity: _Key[
        Annotated[
            Literal["low", "medium", "high", "critical"],
            Meta(description="how bad it is when the rule is right", extra_json_schema=_SEVERITIES),
        ]
    ] = UNSET
    risk_score: _Key[Annotated[int, Meta(ge=0, le=100, description="a whole number from 0 to 100")]] = UNSET
    enabled: _Key[Annotated[bool, Meta(description="whether the rule runs; without it the environment decides")]] = (
        UNSET
    )
    interval: _Key[Annotated[str, Meta(pattern=DURATION, description=f"how often the rule runs: {_SPAN}")]] = UNSET
    lookback: _Key[Annotated[str, Meta(pattern=DURATION, description=f"how far back each run looks: {_SPAN}")]] = UNSET
    ingest_delay: _Key[
        Annotated[
            str,
            Meta(
                pattern=DURATION,
                description="how late an event may arrive without being missed; 5m where it is not said",
            ),
        ]
    ] = UNSET
    max_signals: _Key[
        Annotated[int, Meta(ge=1, description="how many alerts a run may write; over 1000 Kibana writes none")]
    ] = UNSET
    duplicates: _Key[
        Annotated[
            Literal["suppress", "window", "none"],
            Meta(
                description="what keeps an aggregating rule from alerting again on the same events",
                extra_json_schema=_DUPLICATES,
            ),
        ]
    ] = UNSET
    tags: _Key[Annotated[tuple[_Text, ...], Meta(description="further tags")]] = UNSET
    tactics: _Key[
        Annotated[
            tuple[_Text, ...],
            Meta(description="the ATT&CK tactics to keep, by name, id or slug; without it all that ATT&CK gives"),
        ]
    ] = UNSET
    false_positives: _Key[
        Annotated[tuple[_Text, ...], Meta(description="what sets the rule off without being an attack")]
    ] = UNSET
    setup: _Key[Annotated[str, Meta(description="what must be in place before the rule works, in Markdown")]] = UNSET
    fields: _Key[
        Annotated[
            Mapping[str, Json],
            Meta(description="further fields of the rule in Kibana's own names, a merge patch on the compiled rule"),
        ]
    ] = UNSET
    owners: _Key[Annotated[Mapping[str, _Owner], Meta(description="who owns a field of the rule: git or live")]] = UNSET
    actions: _Key[
        Annotated[tuple[_Action, ...], Meta(description="what happens with an alert: connectors by name")]
    ] = UNSET
    exceptions: _Key[Annotated[tuple[_Text, ...], Meta(description="shared exception lists by their list_id")]] = UNSET
    silence: _Key[
        Annotated[
            Mapping[Annotated[str, Meta(pattern="^DEP[0-9]{3}$(?!\\n)")], _Text],
            Meta(description="checks to silence for this rule: code and reason"),
        ]
    ] = UNSET
    rule_id: _Key[
        Annotated[
            str,
            Meta(
                pattern=RULE_ID,
                description="the id of a rule that was there before the hunt, any text of up to 500 characters without "
                "a quotation mark (\") or a backslash; without it one is made of the hunt's",
            ),
        ]
    ] = UNSET
    minimum_mutation_score: _Key[Annotated[float, Meta(ge=0, le=1, description="a number from 0 to 1")]] = UNSET
    stack: _Key[
        Annotated[
            str,
            Meta(
                pattern=f"^{_VERSIONS}( ?, ?{_VERSIONS})*$(?!\\n)",
                max_length=200,
                description='the versions that can run the rule, e.g. ">=9.2" or ">=8.14,<9"; '
                "elsewhere it is left alone",
            ),
        ]
    ] = UNSET
    retired: _Key[
        Annotated[
            bool,
            Meta(description="true switches the rule off for good; a prune deletes it after the environment's time"),
        ]
    ] = UNSET


class NamedQuery(QueryKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands under `queries: <key>:`."""

    contains: _Key[
        Annotated[
            _Text,
            Meta(
                description="a text that this query of the hunt contains and no other does; "
                "without it the queries are named in their order"
            ),
        ]
    ] = UNSET


class RuleFile(QueryKeys, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a hunt cannot say of its rule: severity, schedule, owners of fields."""

    queries: Annotated[
        Mapping[Annotated[str, Meta(pattern="^[A-Za-z0-9_-]+$(?!\\n)")], NamedQuery],
        Meta(description="settings of single queries, by a key that stays when the queries are reordered"),
    ] = {}


_NOT_SETTINGS = ("queries", "contains")


def read_rule_yaml(
    text: str, *, source: str, hunt: Hunt, subject: str
) -> tuple[tuple[QuerySettings, ...], tuple[Issue, ...]]:
    """The settings of each query of `hunt`, in its order, and every complaint about the file.

    With issues of level error the settings are not to be used.
    """
    document = read_yaml(text, source=source, kind=RuleFile, subject=subject)
    if document.issues:
        return (), document.issues
    shared, named = _said(document.value), document.value.queries
    if not named:
        found = _default_queries(hunt, RuleSettings(**shared))
    else:
        bound, issues = _bind(named, esql_queries(hunt), document, subject)
        if issues:
            return (), issues
        found = _in_order(hunt, bound, lambda key: RuleSettings(**{**shared, **_said(named[key])}))
    return tuple(replace(one, file=document) for one in found), ()


def _said(keys: QueryKeys) -> dict[str, Any]:
    """The settings that stand there; actions in Kibana's own form."""
    values = {name: getattr(keys, name) for name in keys.__struct_fields__ if name not in _NOT_SETTINGS}
    said = {name: value for name, value in values.items() if value is not UNSET}
    if "actions" in said:
        said["actions"] = tuple(msgspec.to_builtins(action) for action in said["actions"])
    return said


def default_settings(hunt: Hunt) -> tuple[QuerySettings, ...]:
    """The settings of a hunt that has no `rule.yaml`."""
    return _default_queries(hunt, RuleSettings())


def _default_queries(hunt: Hunt, settings: RuleSettings) -> tuple[QuerySettings, ...]:
    return _in_order(hunt, query_keys(esql_queries(hunt)), lambda _: settings)


def _in_order(hunt: Hunt, keys: Sequence[str], settings_of: Callable[[str], RuleSettings]) -> tuple[QuerySettings, ...]:
    """A key for each query of the hunt: `keys` are those of its ES|QL queries. Of the others no rule is made."""
    mine, left = esql_queries(hunt), iter(keys)
    found = []
    for number, query in enumerate(hunt.queries, 1):
        key = next(left) if query in mine else f"not-a-rule-{number}"
        found.append(QuerySettings(key, settings_of(key) if query in mine else RuleSettings()))
    return tuple(found)


def query_keys(queries: Sequence[Query]) -> tuple[str, ...]:
    """A key for each ES|QL query that survives a reordering: of what it reads from, or of its text where that is equal.

    The only such query of a hunt has the same key whatever it says, so that an edit does not make a new rule of it.
    """
    if len(queries) == 1:
        return (ONLY_KEY,)
    slugs = [_slug(query.text) for query in queries]
    counts = Counter(slugs)
    return tuple(
        slug if counts[slug] == 1 else f"{slug}-{hashlib.sha256(query.text.encode()).hexdigest()[:8]}"
        for slug, query in zip(slugs, queries, strict=True)
    )


def _slug(text: str) -> str:
    found = _SOURCES.search(text)
    words = re.split(r"\bmetadata\b|//", found[1], flags=re.IGNORECASE)[0] if found else "query"
    return re.sub(r"[^A-Za-z0-9]+", "-", words).strip("-").lower() or "query"


def _bind(
    named: Mapping[str, NamedQuery], queries: Sequence[Query], document: YamlFile[RuleFile], subject: str
) -> tuple[list[str], tuple[Issue, ...]]:
    """The key of each ES|QL query of a hunt, by what the named ones contain, the rest in their order."""
    issues: list[Issue] = []
    keys: list[str | None] = [None] * len(queries)
    for key, values in named.items():
        text = values.contains
        if text is UNSET:
            continue
        matching = [number for number, query in enumerate(queries) if text in query.text]
        if len(matching) != 1 or keys[matching[0]] is not None:
            message = f"{text!r} stands in {len(matching)} of the hunt's ES|QL queries; it must single out one"
            place = document.at("queries", key, "contains")
            issues.append(Issue("DEP002", Level.ERROR, message, subject, place, "take a text that only this one holds"))
        else:
            keys[matching[0]] = key
    rest = [key for key, values in named.items() if values.contains is UNSET]
    free = [number for number, key in enumerate(keys) if key is None]
    if not issues and len(rest) != len(free):
        message = f"{len(named)} queries are named and the hunt has {len(queries)} in ES|QL"
        hint = "name each ES|QL query of the hunt, or none"
        issues.append(Issue("DEP002", Level.ERROR, message, subject, document.at("queries"), hint))
    for number, key in zip(free, rest, strict=False):
        keys[number] = key
    return [key for key in keys if key is not None], tuple(issues)
