"""Facts that the compiler and the checks rest on, bundled with the package, and the readers that give them a type.

Sources: `attack.json` is MITRE ATT&CK Enterprise 18.1, `attack_later.json.gz` what 19.2 and 20.0 changed (see NOTICE);
`ecs.json` the fields of the Elastic Common Schema; `integrations.json.gz` the data streams of Elastic's integrations,
from their packages and sample events; `azure_signinlogs.json` the field types of the data stream
`logs-azure.signinlogs-*`, as documents show them; `packages.json` what the manifests of Elastic's packages say.
"""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from importlib.resources import files

from entra_deployer.core.json import Untyped as Json
from entra_deployer.data.attack import Attack, Tactic, Technique
from entra_deployer.data.integrations import Stream, read_streams
from entra_deployer.data.knowledge import Knowledge


def load_text(name: str) -> str:
    """A bundled text file by its name."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def load_json(name: str) -> Json:
    """A bundled JSON file by its name."""
    return json.loads(load_text(name))


def load_packed(name: str) -> Json:
    """A bundled JSON file that is compressed with gzip."""
    return json.loads(gzip.decompress(files(__name__).joinpath(name).read_bytes()))


@cache
def load_attack() -> Attack:
    """MITRE ATT&CK Enterprise 18.1, which knows of the later versions."""
    return _attack(load_json("attack.json"), load_later_attack)


@cache
def load_later_attack() -> tuple[Attack, ...]:
    """The versions after 18.1, each of which knows of the others; kept as what changed from one to the next."""
    raw, found = load_json("attack.json"), []
    for change in load_packed("attack_later.json.gz"):
        raw = {
            **change,
            "techniques": {**raw["techniques"], **change["techniques"]},
            "revoked_redirects": {**raw["revoked_redirects"], **change["revoked_redirects"]},
        }
        found.append(_attack(raw, partial(_but, change["attack_version"])))
    return tuple(found)


def _but(version: str) -> tuple[Attack, ...]:
    return tuple(one for one in (load_attack(), *load_later_attack()) if one.version != version)


def _attack(raw: Json, others: Callable[[], Sequence[Attack]]) -> Attack:
    tactics = {slug: Tactic(slug, item["id"], item["name"], item["url"]) for slug, item in raw["tactics"].items()}
    techniques = {
        key: Technique(key, item["name"], item["url"], tuple(item["tactics"]), bool(item.get("revoked")))
        for key, item in raw["techniques"].items()
    }
    return Attack(raw["attack_version"], tactics, techniques, raw["revoked_redirects"], others)


@cache
def load_streams() -> Mapping[str, Stream]:
    """The data streams of Elastic's integrations, by name."""
    return read_streams(load_packed("integrations.json.gz"))


@cache
def load_knowledge() -> Knowledge:
    """All that is bundled, as the compiler and the checks need it; what is large is read when it is asked for."""
    ecs = load_json("ecs.json")["fields"]
    signinlogs = load_json("azure_signinlogs.json")
    packages = load_json("packages.json")
    return Knowledge(
        attack=load_attack(),
        ecs={name: item["type"] for name, item in ecs.items()},
        arrays=frozenset(name for name, item in ecs.items() if item.get("array")),
        mappings={signinlogs["data_stream"]: signinlogs["fields"]},
        packages=packages["versions"],
        templates=packages["templates"],
        streams=load_streams,
        later=load_later_attack,
    )
