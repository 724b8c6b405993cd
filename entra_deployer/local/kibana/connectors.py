"""Connectors, as far as rules name them: listed, made, looked up (records 285, 639, 656-661)."""

import uuid
from collections.abc import Iterable
from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import things
from entra_deployer.local.kibana.errors import core
from entra_deployer.local.kibana.server import Answer, Call, Kibana

KIND: Final = "connector"


def create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/actions/connector."""
    body = call.body if isinstance(call.body, dict) else {}
    for name in ("name", "connector_type_id"):
        if not isinstance(body.get(name), str):
            raise core(400, f"[request body.{name}]: expected value of type [string] but got [undefined]")
    connector = {
        "id": str(uuid.uuid4()),
        "name": body["name"],
        "config": body.get("config", {}),
        "connector_type_id": body["connector_type_id"],
        "is_preconfigured": False,
        "is_deprecated": False,
        "is_missing_secrets": False,
        "is_system_action": False,
    }
    things.put(kibana, KIND, call.space, connector["id"], connector)
    return Answer(connector)


def everything(kibana: Kibana, call: Call) -> Answer:
    """GET /api/actions/connectors."""
    found = [stored.source["body"] for stored in things.every(kibana, KIND, call.space)]
    return Answer([{**connector, "referenced_by_count": 0} for connector in found])


def missing(kibana: Kibana, space: str, actions: Iterable[Json]) -> list[str]:
    """The ids of connectors that actions name and that are not there."""
    ids = dict.fromkeys(action["id"] for action in actions)
    return [one for one in ids if not things.get(kibana, KIND, space, one)]
