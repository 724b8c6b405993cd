"""What the server says of itself: GET /api/status (records 1-4, 61, 1601) and GET /api/licensing/info."""

import uuid
from typing import Final

import msgspec

from entra_deployer.core.json import Json
from entra_deployer.local.kibana.datemath import iso
from entra_deployer.local.kibana.errors import ElasticsearchDown
from entra_deployer.local.kibana.server import Answer, Call, Kibana

NAME: Final = "local-kibana"
FINE: Final[dict[str, Json]] = {"level": "available", "summary": "All services and plugins are available"}


class _Version(msgspec.Struct, frozen=True):
    number: str


class _Root(msgspec.Struct, frozen=True):
    version: _Version


def report(kibana: Kibana, *, known: bool) -> Answer:
    """The state of the server and of the Elasticsearch underneath; more than a word only to a caller who is `known`."""
    try:
        seen = kibana.elastic.call("GET", "/")
    except ElasticsearchDown:
        return Answer({"status": {"overall": {"level": "critical"}}}, status=503)
    if not known:
        return Answer({"status": {"overall": {"level": "available"}}})
    number = seen.read(_Root).version.number if seen.ok else "unknown"
    version: dict[str, Json] = {
        "number": kibana.profile.version,
        "build_hash": "local",
        "build_number": 0,
        "build_snapshot": False,
        "build_date": iso(kibana.clock()),
        "build_flavor": "traditional",
    }
    elasticsearch: dict[str, Json] = {
        "level": "available",
        "summary": f"Elasticsearch {number} is available",
        "meta": {},
    }
    return Answer(
        {
            "name": NAME,
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, NAME)),
            "version": version,
            "status": {"overall": FINE, "core": {"elasticsearch": elasticsearch}, "plugins": {}},
            "metrics": {},
        }
    )


def license_info(kibana: Kibana, _call: Call) -> Answer:
    """The license that this server was started with; it never ends (no record asks for it)."""
    return Answer({"license": {"type": kibana.license, "mode": kibana.license, "status": "active"}, "features": {}})
