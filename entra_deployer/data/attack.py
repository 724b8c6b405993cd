"""MITRE ATT&CK, as far as a rule's `threat` needs it: tactics, techniques, and where revoked ids went."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Tactic:
    """A tactic, e.g. TA0001 Initial Access; `slug` is ATT&CK's short name ("initial-access")."""

    slug: str
    id: str
    name: str
    url: str


@dataclass(frozen=True)
class Technique:
    """A technique or subtechnique ("T1078.004") and the slugs of the tactics that it serves, in ATT&CK's order."""

    id: str
    name: str
    url: str
    tactics: tuple[str, ...]


@dataclass(frozen=True)
class Attack:
    """One version of ATT&CK Enterprise.

    `tactics` are in the order of the matrix, by slug; `revoked` leads to the technique that took an id's place.
    """

    version: str
    tactics: Mapping[str, Tactic]
    techniques: Mapping[str, Technique]
    revoked: Mapping[str, str]

    def resolve(self, technique_id: str) -> Technique | None:
        """The technique with this id, or the one that took a revoked one's place; None where there is neither."""
        seen: set[str] = set()
        while technique_id in self.revoked and technique_id not in seen:
            seen.add(technique_id)
            technique_id = self.revoked[technique_id]
        return self.techniques.get(technique_id)

    def find_tactic(self, word: str) -> Tactic | None:
        """The tactic by its slug, id or name, in any case."""
        wanted = word.strip().lower()
        for tactic in self.tactics.values():
            if wanted in (tactic.slug, tactic.id.lower(), tactic.name.lower()):
                return tactic
        return None
