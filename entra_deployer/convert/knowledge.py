"""What the compiler knows beyond the hunt: ATT&CK, the types of fields, the versions of integration packages."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from entra_deployer.model.attack import Attack


@dataclass(frozen=True)
class Knowledge:
    """`field_types` maps a field to its Elasticsearch type; `packages` an integration to the range of its versions."""

    attack: Attack
    field_types: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
