"""The answers that say no: Kibana's core shape, and the other one that its detection engine uses."""

from http import HTTPStatus

from entra_deployer.core.json import Json

type Body = dict[str, Json]


class Fault(Exception):
    """A request that ends with an error: its HTTP status and its JSON body."""

    def __init__(self, status: int, body: Body) -> None:
        super().__init__(str(body.get("message")))
        self.status = status
        self.body = body


class ElasticsearchDown(Exception):
    """The Elasticsearch underneath gave no answer; Kibana then answers 401 to everything (records 1601-1616)."""


def core(status: int, message: str, **more: Json) -> Fault:
    """An error of Kibana's core: {statusCode, error, message}."""
    return Fault(status, {"statusCode": status, "error": _phrase(status), "message": message, **more})


def detection(status: int, message: Json) -> Fault:
    """An error of the detection engine: {message, status_code}; the message may be a list or an object."""
    return Fault(status, {"message": message, "status_code": status})


def unauthorized(verb: str) -> Fault:
    """The 403 of a change of rules (records 1112-1114)."""
    return detection(403, f'Unauthorized by "siem" to {verb} "siem.esqlRule" rule')


def not_served(why: str) -> Fault:
    """The 501 of what this server leaves out on purpose."""
    return core(501, f"Not served by the local Kibana API: {why}")


def not_found() -> Fault:
    """The 404 of a route that does not exist."""
    return core(404, "Not Found")


def _phrase(status: int) -> str:
    return {413: "Request Entity Too Large", 422: "Unprocessable Entity"}.get(status, HTTPStatus(status).phrase)
