"""The TOML files of elastic/detection-rules, in both directions: tables [metadata] and [rule]."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date

from entra_deployer.core.errors import InputError, Location
from entra_deployer.core.json import Json
from entra_deployer.exchange.foreign import Body, ForeignRule, Loss, foreign_rule

_METADATA = {"creation_date", "updated_date", "integration", "maturity", "min_stack_version", "min_stack_comments"}
_FIRST = ("author", "description", "false_positives", "from", "interval", "language", "license", "name", "note")
_LATER = ("references", "risk_score", "rule_id", "setup", "severity", "tags", "timestamp_override", "type", "query")
_NOT_WRITTEN = {"enabled", "related_integrations", "required_fields"}
"""Of the last two its build makes the rule's own, by [metadata] integration and by the query."""
_ENABLED = Loss("enabled", "there is no word for it: rules are switched on where they are installed")


def read_detection_rule(text: str, source: str) -> ForeignRule:
    """The rule of a file. Raises InputError for what is none."""
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"not valid TOML: {error}", location=Location(source)) from error
    rule, metadata = document.get("rule"), document.get("metadata", {})
    if not isinstance(rule, dict) or not isinstance(metadata, dict):
        raise InputError("there is no table [rule]", location=Location(source), hint="is it of detection-rules?")
    losses = [Loss(f"[{name}]", "there is no place for it") for name in sorted(document.keys() - {"rule", "metadata"})]
    losses += [Loss(f"metadata.{name}", "there is no place for it") for name in sorted(metadata.keys() - _METADATA)]
    if (maturity := metadata.get("maturity", "production")) != "production":
        losses.append(Loss("metadata.maturity", f"the rule is marked as {maturity}"))
    body = dict(rule)
    if packages := metadata.get("integration"):
        names = [packages] if isinstance(packages, str) else packages
        body.setdefault("related_integrations", [{"package": name, "version": ""} for name in names])
    return foreign_rule(body, source, _settings(metadata), tuple(losses))


def _settings(metadata: Mapping[str, Json]) -> dict[str, Json]:
    """The oldest stack that can run the rule."""
    found = re.fullmatch(r"(\d+)\.(\d+)(?:\.\d+)?", str(metadata.get("min_stack_version", "")))
    return {"stack": f">={found[1]}.{found[2]}"} if found else {}


def write_detection_rule(payload: Body, stack: str | None, today: date) -> tuple[str, tuple[Loss, ...]]:
    """The file of a compiled rule, and what it cannot say. `stack` is the range of versions of rule.yaml."""
    import tomlkit  # noqa: PLC0415 - only an export needs it

    document, metadata, rule = tomlkit.document(), tomlkit.table(), tomlkit.table()
    day = today.strftime("%Y/%m/%d")
    metadata.add("creation_date", day)
    if packages := list(dict.fromkeys(str(one["package"]) for one in _tables(payload.get("related_integrations")))):
        metadata.add("integration", packages)
    metadata.add("maturity", "production")
    losses = [_ENABLED] if payload.get("enabled") else []
    if stack:
        if found := re.fullmatch(r">= ?(\d+\.\d+)(?:\.\d+)?", stack):
            metadata.add("min_stack_version", f"{found[1]}.0")
        else:
            losses.append(Loss("stack", f"only an oldest version can be said, not {stack!r}"))
    metadata.add("updated_date", day)
    document.add("metadata", metadata)
    for name in _ordered(payload):
        value = payload[name]
        if isinstance(value, str) and "\n" in value:
            rule.add(name, tomlkit.string(value, literal="'''" not in value, multiline=True))
        else:
            rule.add(name, tomlkit.item(value))
    document.add("rule", rule)
    return tomlkit.dumps(document), tuple(losses)


def _tables(value: Json) -> list[Mapping[str, Json]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []


def _ordered(payload: Body) -> Iterator[str]:
    """The fields that are written: plain ones first, as a table's header ends those of the one before."""
    names = [name for name, value in payload.items() if name not in _NOT_WRITTEN and value not in (None, [], "", {})]
    plain = [name for name in names if not isinstance(payload[name], Mapping) and not _tables(payload[name])]
    told = (*_FIRST, *_LATER)
    yield from (name for name in told if name in plain)
    yield from sorted(name for name in plain if name not in told)
    yield from sorted(name for name in names if name not in plain)
