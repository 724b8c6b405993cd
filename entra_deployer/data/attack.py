"""MITRE ATT&CK, as far as a rule's `threat` needs it: tactics, techniques, and where revoked ids went."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct


class Tactic(Struct, frozen=True):
    """A tactic, e.g. TA0001 Initial Access; `slug` is ATT&CK's short name ("initial-access")."""

    slug: str
    id: str
    name: str
    url: str


class Technique(Struct, frozen=True):
    """A technique or subtechnique ("T1078.004") and the slugs of the tactics that it serves, in ATT&CK's order."""

    id: str
    name: str
    url: str
    tactics: tuple[str, ...]
    revoked: bool = False


def _no_others() -> "tuple[Attack, ...]":
    return ()


class Attack(Struct, frozen=True):
    """One version of ATT&CK Enterprise.

    `tactics` are in the order of the matrix, by slug; `revoked` leads to the technique that took an id's place.
    `others` gives the other versions that are known: a hunt may name ids of any of them.
    """

    version: str
    tactics: Mapping[str, Tactic]
    techniques: Mapping[str, Technique]
    revoked: Mapping[str, str]
    others: "Callable[[], Sequence[Attack]]" = _no_others

    def resolve(self, technique_id: str) -> Technique | None:
        """The technique of this version that an id means, in any case of letters; None where there is none.

        A revoked id leads to what took its place. An id of another version leads to the technique here that it was
        made of, where it was made of one alone, or of one with its name.
        """
        technique_id = technique_id.strip().upper()
        if found := self._own(technique_id):
            return found
        for other in self.others():
            if (meant := other._own(technique_id)) and (found := self._before(meant, other)):
                return found
        return None

    def elsewhere(self, technique_id: str) -> str:
        """Another version that has the id; "" where none has."""
        technique_id = technique_id.strip().upper()
        return next((other.version for other in self.others() if technique_id in other.techniques), "")

    def _own(self, technique_id: str) -> Technique | None:
        seen: set[str] = set()
        while technique_id in self.revoked and technique_id not in seen:
            seen.add(technique_id)
            technique_id = self.revoked[technique_id]
        return self.techniques.get(technique_id)

    def _before(self, meant: Technique, other: "Attack") -> Technique | None:
        """What a technique of another version is here."""
        if (same := self.techniques.get(meant.id)) and not same.revoked:
            return same
        old = [self.techniques.get(one) for one, new in other.revoked.items() if new == meant.id]
        made_of = [one for one in old if one and not one.revoked]
        named = [one for one in made_of if one.name == meant.name] or made_of
        return named[0] if len(named) == 1 else None

    def find_tactic(self, word: str) -> Tactic | None:
        """The tactic by its slug, id or name, in any case; one of another version by the id that both have."""
        wanted = word.strip().lower()
        for tactic in self.tactics.values():
            if wanted in (tactic.slug, tactic.id.lower(), tactic.name.lower()):
                return tactic
        for other in self.others():
            for tactic in other.tactics.values():
                if wanted in (tactic.slug, tactic.name.lower()):
                    return next((one for one in self.tactics.values() if one.id == tactic.id), None)
        return None
