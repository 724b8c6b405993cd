"""A rule's `threat` from ATT&CK ids: with all parents, under every tactic that a technique serves."""

from collections.abc import Iterable, Sequence

from entra_deployer.core.json import Json
from entra_deployer.data.attack import Attack, Tactic, Technique

FRAMEWORK = "MITRE ATT&CK"


def tactics_of(attack: Attack, ids: Iterable[str], keep: Sequence[str] = ()) -> list[Tactic]:
    """The tactics of all techniques in the matrix's order, or those of them that `keep` names."""
    kept = {tactic.slug for word in keep if (tactic := attack.find_tactic(word))}
    slugs = {slug for one in ids if (technique := attack.resolve(one)) for slug in technique.tactics}
    return [tactic for slug, tactic in attack.tactics.items() if slug in slugs and (not kept or slug in kept)]


def threat(attack: Attack, ids: Sequence[str], keep: Sequence[str] = ()) -> list[Json]:
    """Kibana's `threat`: one entry a tactic, in it the techniques by id, in those the subtechniques by id."""
    techniques = {found.id: found for one in ids if (found := attack.resolve(one))}
    return [_entry(attack, tactic, techniques.values()) for tactic in tactics_of(attack, techniques, keep)]


def _entry(attack: Attack, tactic: Tactic, techniques: Iterable[Technique]) -> Json:
    serving = [technique for technique in techniques if tactic.slug in technique.tactics]
    parents: dict[str, list[Technique]] = {}
    for technique in serving:
        below = parents.setdefault(technique.id.partition(".")[0], [])
        if "." in technique.id:
            below.append(technique)
    return {
        "framework": FRAMEWORK,
        "tactic": {"id": tactic.id, "name": tactic.name, "reference": tactic.url},
        "technique": [
            {**_reference(attack.techniques[parent]), **_below(parents[parent])} for parent in sorted(parents)
        ],
    }


def _below(subtechniques: list[Technique]) -> dict[str, Json]:
    if not subtechniques:
        return {}
    return {"subtechnique": [_reference(one) for one in sorted(subtechniques, key=lambda one: one.id)]}


def _reference(technique: Technique) -> dict[str, Json]:
    return {"id": technique.id, "name": technique.name, "reference": _with_slash(technique.url)}


def _with_slash(url: str) -> str:
    return url if url.endswith("/") else f"{url}/"
