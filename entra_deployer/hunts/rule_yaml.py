"""Reads `rule.yaml`: what a hunt cannot say of its rules. Every query gets a stable key and its settings."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from entra_deployer.core.issue import Issue, Level
from entra_deployer.core.yaml import YamlFile, read_yaml
from entra_deployer.hunts.folder import QuerySettings, RuleSettings
from entra_deployer.hunts.hunt import Hunt, Query
from entra_deployer.hunts.language import esql_queries

ONLY_KEY = "query"
"""The key of a hunt's only query, unless `rule.yaml` names it."""

_TUPLES = ("tags", "tactics", "false_positives", "actions", "exceptions")
_SOURCES = re.compile(r"^\s*from\s+([^|\n]+)", re.IGNORECASE | re.MULTILINE)


def read_rule_yaml(
    text: str, *, source: str, hunt: Hunt, subject: str
) -> tuple[tuple[QuerySettings, ...], tuple[Issue, ...]]:
    """The settings of each query of `hunt`, in its order, and every complaint about the file.

    With issues of level error the settings are not to be used.
    """
    document = read_yaml(text, source=source, schema="rule", subject=subject)
    if document.issues:
        return (), document.issues
    shared = {key: value for key, value in document.value.items() if key != "queries"}
    named: Mapping[str, Mapping[str, Any]] = document.value.get("queries") or {}
    if not named:
        return _default_queries(hunt, _settings(shared)), ()
    bound, issues = _bind(named, esql_queries(hunt), document, subject)
    if issues:
        return (), issues
    return _in_order(hunt, bound, lambda key: _settings({**shared, **_without_contains(named[key] or {})})), ()


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


def _settings(values: Mapping[str, Any]) -> RuleSettings:
    frozen: dict[str, Any] = {key: tuple(value) if key in _TUPLES else value for key, value in values.items()}
    return RuleSettings(**frozen)


def _without_contains(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "contains"}


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
    named: Mapping[str, Mapping[str, Any]], queries: Sequence[Query], document: YamlFile, subject: str
) -> tuple[list[str], tuple[Issue, ...]]:
    """The key of each ES|QL query of a hunt, by what the named ones contain, the rest in their order."""
    issues: list[Issue] = []
    keys: list[str | None] = [None] * len(queries)
    for key, values in named.items():
        text = (values or {}).get("contains")
        if text is None:
            continue
        matching = [number for number, query in enumerate(queries) if text in query.text]
        if len(matching) != 1 or keys[matching[0]] is not None:
            message = f"{text!r} stands in {len(matching)} of the hunt's ES|QL queries; it must single out one"
            place = document.at("queries", key, "contains")
            issues.append(Issue("DEP002", Level.ERROR, message, subject, place, "take a text that only this one holds"))
        else:
            keys[matching[0]] = key
    rest = [key for key, values in named.items() if "contains" not in (values or {})]
    free = [number for number, key in enumerate(keys) if key is None]
    if not issues and len(rest) != len(free):
        message = f"{len(named)} queries are named and the hunt has {len(queries)} in ES|QL"
        hint = "name each ES|QL query of the hunt, or none"
        issues.append(Issue("DEP002", Level.ERROR, message, subject, document.at("queries"), hint))
    for number, key in zip(free, rest, strict=False):
        keys[number] = key
    return [key for key in keys if key is not None], tuple(issues)
