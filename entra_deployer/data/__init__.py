"""Facts that the compiler and the checks rest on, bundled with the package, and the readers that give them a type.

Sources: `attack.json` is MITRE ATT&CK Enterprise (see NOTICE); `ecs.json` the fields of the Elastic Common Schema;
`azure_signinlogs.json` the field types of the data stream `logs-azure.signinlogs-*`; `packages.json` what the manifests
of Elastic's integration packages say.
"""

import json
from functools import cache
from importlib.resources import files

from entra_deployer.core.json import Untyped as Json
from entra_deployer.data.attack import Attack, Tactic, Technique
from entra_deployer.data.knowledge import Knowledge


def load_text(name: str) -> str:
    """A bundled text file by its name."""
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def load_json(name: str) -> Json:
    """A bundled JSON file by its name."""
    return json.loads(load_text(name))


@cache
def load_attack() -> Attack:
    """The bundled version of MITRE ATT&CK Enterprise."""
    raw = load_json("attack.json")
    tactics = {slug: Tactic(slug, item["id"], item["name"], item["url"]) for slug, item in raw["tactics"].items()}
    techniques = {
        key: Technique(key, item["name"], item["url"], tuple(item["tactics"]))
        for key, item in raw["techniques"].items()
    }
    return Attack(raw["attack_version"], tactics, techniques, raw["revoked_redirects"])


@cache
def load_knowledge() -> Knowledge:
    """All that is bundled, as the compiler and the checks need it."""
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
    )
