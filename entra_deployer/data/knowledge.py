"""What the project knows beyond the hunts: ATT&CK, the fields of sources, the versions of integration packages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from entra_deployer.data.attack import Attack


@dataclass(frozen=True)
class Knowledge:
    """`ecs` maps each ECS field to its Elasticsearch type; `arrays` are those of them that hold several values.

    `mappings` maps an index pattern to the fields of it that are not ECS; `packages` an integration's package to the
    range of its versions that is known to bring the fields; `templates` each package that has several policy templates
    to its data streams, and these to their templates.
    """

    attack: Attack
    ecs: Mapping[str, str] = field(default_factory=dict)
    arrays: frozenset[str] = frozenset()
    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @cached_property
    def ecs_groups(self) -> frozenset[str]:
        """The names in ECS that hold fields and are none themselves."""
        inside = [name for name in self.ecs if "." in name]
        return frozenset(name.rpartition(".")[0] for name in self.ecs) | {name.partition(".")[0] for name in inside}

    def field_types(self, sources: Sequence[str]) -> Mapping[str, str] | None:
        """All fields of the sources with their types; None where any of them is a source that is not known."""
        found: dict[str, str] = {}
        for source in sources:
            known = [fields for pattern, fields in self.mappings.items() if _within(source, pattern)]
            if not known:
                return None
            for fields in known:
                found.update(fields)
        return {**self.ecs, **found} if sources else None

    def has_everywhere(self, name: str, sources: Sequence[str]) -> bool:
        """Whether every index of the sources is known to have a field."""
        mapped = [
            [fields for pattern, fields in self.mappings.items() if _within(source, pattern)] for source in sources
        ]
        return bool(mapped) and all(found and all(name in fields for fields in found) for found in mapped)

    def type_of(self, name: str, sources: Sequence[str]) -> str | None:
        """The type of a field, as far as it is known."""
        for source in sources:
            for pattern, fields in self.mappings.items():
                if _within(source, pattern) and name in fields:
                    return fields[name]
        return self.ecs.get(name)


def _within(source: str, pattern: str) -> bool:
    """Whether all that the index pattern `source` reads from is described by `pattern`, written "logs-a.b-*"."""
    bare = source.rpartition(":")[2].strip('"').rstrip("*").rstrip("-")
    return fnmatchcase(f"{bare}-", pattern) or fnmatchcase(bare, pattern)
