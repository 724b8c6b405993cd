"""GET /api/licensing/info: the licence that this server behaves under (no record asks for it)."""

from entra_deployer.local.kibana.server import Answer, Call, Kibana


def info(kibana: Kibana, _call: Call) -> Answer:
    """The licence's type; it never ends, since it is what this server was started with and not one of Elastic's."""
    return Answer({"license": {"type": kibana.license, "mode": kibana.license, "status": "active"}, "features": {}})
