"""What a rule refers to by name: connectors, exception lists, and the licence that Kibana works under."""

from datetime import UTC, datetime

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Untyped as Json
from entra_deployer.doctor.examination import Licence
from entra_deployer.stack.kibana import KibanaClient


def connectors(client: KibanaClient, space: str) -> dict[str, Json]:
    """The connectors of a space by their names: {"id", "connector_type_id", ...}."""
    return {item["name"]: item for item in client.get("/api/actions/connectors", space=space)}


def exception_list(client: KibanaClient, space: str, list_id: str) -> Json:
    """A shared exception list by its list_id, None where there is none."""
    params = {"list_id": list_id, "namespace_type": "single"}
    try:
        return client.get("/api/exception_lists", space=space, params=params)
    except Refused as error:
        if error.status == 404:
            return None
        raise


def licence(client: KibanaClient) -> str | None:
    """Elastic's word for the licence that Kibana works under, None where this Kibana does not tell."""
    found = licence_in_force(client)
    return found.type if found else None


def licence_in_force(client: KibanaClient) -> Licence | None:
    """The licence that Kibana works under, None where this Kibana does not tell."""
    try:
        answer = client.get("/api/licensing/info")
    except Refused:
        return None
    found = answer.get("license", {}) if isinstance(answer, dict) else {}
    if not found.get("type"):
        return None
    until = found.get("expiryDateInMillis")
    expires = datetime.fromtimestamp(until / 1000, UTC) if until else None
    return Licence(str(found["type"]), found.get("status", "active") == "active", expires)


def has_encryption_key(client: KibanaClient) -> bool | None:
    """Whether Kibana has the key without which it makes no rules; None where this Kibana does not tell."""
    try:
        answer = client.get("/api/detection_engine/privileges")
    except Refused:
        return None
    found = answer.get("has_encryption_key") if isinstance(answer, dict) else None
    return found if isinstance(found, bool) else None


def spaces(client: KibanaClient) -> list[str]:
    """The ids of the spaces that we may see."""
    return sorted(item["id"] for item in client.get("/api/spaces/space"))
