"""Facts that the compiler and the checks rest on, bundled with the package, and the readers that give them a type.

Sources: `attack.json` is MITRE ATT&CK Enterprise (see NOTICE); `ecs.json` the fields of the Elastic Common Schema;
`azure_signinlogs.json` the field types of the data stream `logs-azure.signinlogs-*`.
"""

import json
from functools import cache
from importlib.resources import files

from entra_deployer.model.attack import Attack, Tactic, Technique
from entra_deployer.model.values import Json


def load_json(name: str) -> Json:
    """A bundled JSON file by its name."""
    return json.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))


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
def load_field_types() -> dict[str, str]:
    """The Elasticsearch type of each field that we know: ECS, and the integrations whose mapping is bundled."""
    ecs = {name: item["type"] for name, item in load_json("ecs.json")["fields"].items()}
    return {**ecs, **load_json("azure_signinlogs.json")["fields"]}


@cache
def load_packages() -> dict[str, str]:
    """The range of versions of each integration package that hunts are known to work with."""
    return dict(load_json("packages.json")["versions"])
