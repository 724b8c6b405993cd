"""A rule that was made in Kibana becomes a hunt of the repository."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid5

from entra_deployer.core.files import RULES_FOLDER
from entra_deployer.core.json import Json, as_mappings, as_texts
from entra_deployer.core.target import Target
from entra_deployer.esql.cache import syntax_cache
from entra_deployer.esql.columns import last_stats
from entra_deployer.hunts.edit import set_in_yaml
from entra_deployer.hunts.hunt import LANGUAGE, Hunt, Query
from entra_deployer.hunts.toml import write_toml
from entra_deployer.objects.rule_fields import RULE_FIELDS, Owner, is_default
from entra_deployer.objects.state import StateObject
from entra_deployer.pull.drafts import Draft

_NAMESPACE = UUID("a1b4d0c5-3a52-5d4f-8a0b-6d1b2f0e9c77")
_OF_THE_HUNT = frozenset({"rule_id", "type", "language", "query", "required_fields", "related_integrations"})
"""Fields that the hunt holds, or that the compiler makes of it."""
SCHEDULE = ("interval", "from", "to", "max_signals")
"""Fields that the compiler decides on where rule.yaml does not: they are said, be they Kibana's defaults or not."""
_ORDER = ("severity", "risk_score", *SCHEDULE, "threat")
"""What others follow from comes first."""


@dataclass(frozen=True)
class Newcomer:
    """A rule that no push left here; `is_marked` says whether it bears our tag, as a copy of one of ours does."""

    rule: StateObject
    is_marked: bool


def draft_of_newcomer(
    root: Path, newcomer: Newcomer, target: Target, texts: Mapping[Path, str], techniques: Sequence[str] = ()
) -> tuple[Draft, dict[str, Json]]:
    """A new folder's files with the hunt, and the fields of the rule that its rule.yaml has to say yet.

    `techniques` are those of ATT&CK where the rule's `threat` names none.
    """
    rule = newcomer.rule
    folder = _folder(root, rule, texts)
    path = root / RULES_FOLDER / folder / "hunt.toml"
    hunt = _hunt(rule, str(path))
    hunt = replace(hunt, mitre=hunt.mitre or tuple(techniques))
    settings = set_in_yaml("", ["rule_id"], rule.key)
    tree = syntax_cache().parse(hunt.queries[0].text, target.version).tree
    if tree and last_stats(tree) and "alert_suppression" not in rule.payload:
        settings = set_in_yaml(settings, ["duplicates"], "none")
    draft = Draft.of(root, folder, path, target.environment, {**texts, path: write_toml(hunt)})
    return draft.edited(draft.settings_path, settings), dict(_fields(rule))


def _folder(root: Path, rule: StateObject, texts: Mapping[Path, str]) -> str:
    """A folder's name made of the rule's; where there is one already, with the start of its id."""
    name = re.sub(r"[^a-z0-9]+", "_", rule.name.lower()).strip("_")[:80] or "rule"
    taken = (root / RULES_FOLDER / name).exists() or any(path.parent.name == name for path in texts)
    start = re.sub(r"[^A-Za-z0-9]+", "", rule.key)[:8] or str(uuid5(_NAMESPACE, rule.key))[:8]
    return f"{name}_{start}" if taken else name


def _hunt(rule: StateObject, source: str) -> Hunt:
    payload = rule.payload
    return Hunt(
        name=rule.name.strip(),
        author=", ".join(as_texts(payload.get("author"))),
        description=str(payload.get("description", "")).strip() or rule.name,
        uuid=str(uuid5(_NAMESPACE, rule.key)),
        integrations=tuple(_integration(item) for item in as_mappings(payload.get("related_integrations"))),
        languages=(LANGUAGE,),
        queries=(Query(str(payload["query"]).strip("\n"), 1),),
        notes=(),
        mitre=tuple(dict.fromkeys(_techniques(payload.get("threat")))),
        references=tuple(as_texts(payload.get("references"))),
        license=str(payload.get("license", "")),
        source=source,
    )


def _integration(item: Mapping[str, Json]) -> str:
    return f"{item['package']}.{item['integration']}" if item.get("integration") else str(item["package"])


def _techniques(threat: Json) -> Iterator[str]:
    """The most special techniques that the rule names."""
    for entry in as_mappings(threat):
        for technique in as_mappings(entry.get("technique")):
            special = [str(one["id"]) for one in as_mappings(technique.get("subtechnique"))]
            yield from special or [str(technique["id"])]


def _fields(rule: StateObject) -> Iterator[tuple[str, Json]]:
    """What the rule says beyond its hunt: not what it says by default, nor what the live stack owns."""
    names = [*_ORDER, *(name for name in rule.payload if name not in _ORDER)]
    for name in names:
        known, value = RULE_FIELDS.get(name), rule.payload.get(name)
        if known is None or known.owner is Owner.LIVE or name in _OF_THE_HUNT:
            continue
        if not is_default(name, value) or name in SCHEDULE:
            yield name, RULE_FIELDS[name].default if value is None else value
