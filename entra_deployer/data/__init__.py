"""Facts that the compiler and the checks rest on, bundled with the package, and the readers that give them a type.

Sources: `attack.json` is MITRE ATT&CK Enterprise 18.1, `attack_later.json.gz` what 19.2 and 20.0 changed (see NOTICE);
`ecs.json` the fields of the Elastic Common Schema; `integrations.json.gz` the data streams of Elastic's integrations,
from their packages and sample events; `azure_signinlogs.json` the field types of the data stream
`logs-azure.signinlogs-*`, as documents show them; `packages.json` what the manifests of Elastic's packages say.
"""

import gzip
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files

import msgspec

from entra_deployer.core.json import worked_out
from entra_deployer.data.attack import Attack, Tactic, Technique
from entra_deployer.data.integrations import Stream
from entra_deployer.data.knowledge import Knowledge


class _Tactic(msgspec.Struct, frozen=True):
    id: str
    name: str
    url: str


class _Technique(msgspec.Struct, frozen=True):
    name: str
    url: str
    tactics: tuple[str, ...]
    revoked: bool = False


class _Attack(msgspec.Struct, frozen=True):
    """A version of ATT&CK, or what is another in it than in the one before."""

    attack_version: str
    tactics: dict[str, _Tactic]
    techniques: dict[str, _Technique]
    revoked_redirects: dict[str, str]


class EcsField(msgspec.Struct, frozen=True):
    """A field of the Elastic Common Schema: its Elasticsearch type, and whether it holds several values."""

    type: str
    array: bool = False


class _Ecs(msgspec.Struct, frozen=True):
    fields: dict[str, EcsField]


class _Mapping(msgspec.Struct, frozen=True):
    data_stream: str
    fields: dict[str, str]


class _Packages(msgspec.Struct, frozen=True):
    versions: dict[str, str]
    templates: dict[str, dict[str, str]]


def load_text(name: str) -> str:
    """A bundled text file by its name."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _load[T](name: str, kind: type[T]) -> T:
    """A bundled JSON file, which may be compressed with gzip, as a type."""
    data = files(__name__).joinpath(name).read_bytes()
    return msgspec.json.decode(gzip.decompress(data) if name.endswith(".gz") else data, type=worked_out(kind))


@cache
def load_attack() -> Attack:
    """MITRE ATT&CK Enterprise 18.1, which knows of the later versions."""
    return _attack(_load("attack.json", _Attack), load_later_attack)


@cache
def load_later_attack() -> tuple[Attack, ...]:
    """The versions after 18.1, each of which knows of the others; kept as what changed from one to the next."""
    told, found = _load("attack.json", _Attack), []
    for change in _load("attack_later.json.gz", list[_Attack]):
        told = msgspec.structs.replace(
            change,
            techniques=told.techniques | change.techniques,
            revoked_redirects=told.revoked_redirects | change.revoked_redirects,
        )
        found.append(_attack(told, partial(_but, change.attack_version)))
    return tuple(found)


def _but(version: str) -> tuple[Attack, ...]:
    return tuple(one for one in (load_attack(), *load_later_attack()) if one.version != version)


def _attack(told: _Attack, others: Callable[[], Sequence[Attack]]) -> Attack:
    tactics = {slug: Tactic(slug, one.id, one.name, one.url) for slug, one in told.tactics.items()}
    techniques = {
        key: Technique(key, one.name, one.url, one.tactics, one.revoked) for key, one in told.techniques.items()
    }
    return Attack(told.attack_version, tactics, techniques, told.revoked_redirects, others)


@cache
def load_streams() -> Mapping[str, Stream]:
    """The data streams of Elastic's integrations, by name."""
    told = _load("integrations.json.gz", dict[str, Stream])
    return {name: msgspec.structs.replace(stream, name=name) for name, stream in told.items()}


@cache
def load_ecs() -> Mapping[str, EcsField]:
    """The fields of the Elastic Common Schema."""
    return _load("ecs.json", _Ecs).fields


@cache
def load_knowledge() -> Knowledge:
    """All that is bundled, as the compiler and the checks need it; what is large is read when it is asked for."""
    ecs = load_ecs()
    signinlogs = _load("azure_signinlogs.json", _Mapping)
    packages = _load("packages.json", _Packages)
    return Knowledge(
        attack=load_attack(),
        ecs={name: one.type for name, one in ecs.items()},
        arrays=frozenset(name for name, one in ecs.items() if one.array),
        mappings={signinlogs.data_stream: signinlogs.fields},
        packages=packages.versions,
        templates=packages.templates,
        streams=load_streams,
        later=load_later_attack,
    )
