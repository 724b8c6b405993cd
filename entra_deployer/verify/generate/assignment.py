"""What is wanted of the fields of one event."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from entra_deployer.verify.generate.constraints import Want
from entra_deployer.verify.generate.scope import Scope


@dataclass(frozen=True)
class World:
    """What is wanted of each field of one event, by the field's name (or the key of a Taken), seen from a scope."""

    wants: Mapping[str, tuple[Want, ...]] = field(default_factory=dict)
    scope: Scope = field(default_factory=Scope)

    def also(self, name: str, *wants: Want) -> "World":
        """A world that wants more of a field."""
        had = self.wants.get(name, ())
        return replace(self, wants={**self.wants, name: (*had, *(want for want in wants if want not in had))})
