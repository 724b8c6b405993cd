"""Spaces (records 1041-1082)."""

import re
from typing import Final

from entra_deployer.core.json import Untyped as Json
from entra_deployer.local.kibana import things
from entra_deployer.local.kibana.errors import core, detection, not_found
from entra_deployer.local.kibana.privileges import SPACES_ALL
from entra_deployer.local.kibana.server import Answer, Call, Kibana

KIND: Final = "space"
DEFAULT: Final[dict[str, Json]] = {
    "id": "default",
    "name": "Default",
    "description": "This is your default space!",
    "color": "#00bfb3",
    "disabledFeatures": [],
    "_reserved": True,
}
FIELDS: Final[tuple[str, ...]] = (
    "id",
    "name",
    "description",
    "color",
    "initials",
    "imageUrl",
    "solution",
    "disabledFeatures",
)


def require(kibana: Kibana, space: str) -> None:
    """What every route of the detection engine says in a space that is not there (record 1069)."""
    if space != "default" and not things.get(kibana, KIND, things.ANYWHERE, space):
        raise detection(403, "Unauthorized to find rules for any rule types")


def everything(kibana: Kibana, call: Call) -> Answer:  # noqa: ARG001 -- a handler's shape
    """GET /api/spaces/space."""
    return Answer([DEFAULT, *(stored.source["body"] for stored in things.every(kibana, KIND))])


def read(kibana: Kibana, call: Call) -> Answer:
    """GET /api/spaces/space/{id}."""
    return Answer(_existing(kibana, call.params["id"]))


def create(kibana: Kibana, call: Call) -> Answer:
    """POST /api/spaces/space."""
    call.must(SPACES_ALL, core(403, "Unauthorized to create spaces"))
    body = _checked(call.body)
    if body["id"] == "default" or things.get(kibana, KIND, things.ANYWHERE, body["id"]):
        raise core(409, f"A space with the identifier {body['id']} already exists.")
    space: dict[str, Json] = {name: body[name] for name in FIELDS if name in body}
    space.setdefault("disabledFeatures", [])
    things.put(kibana, KIND, things.ANYWHERE, space["id"], space)
    return Answer(space)


def _existing(kibana: Kibana, space: str) -> dict[str, Json]:
    if space == "default":
        return DEFAULT
    found = things.get(kibana, KIND, things.ANYWHERE, space)
    if not found:
        raise not_found()
    body: dict[str, Json] = found.source["body"]
    return body


def _checked(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise core(400, "[request body]: expected a plain object value, but found [null] instead.")
    for name in ("id", "name"):
        if not isinstance(body.get(name), str):
            raise core(400, f"[request body.{name}]: expected value of type [string] but got [undefined]")
    if not re.fullmatch(r"[a-z0-9_-]+", body["id"]):
        raise core(400, "[request body.id]: must be lower case, a-z, 0-9, '_', and '-' are allowed")
    if "color" in body and not re.fullmatch(r"#[a-zA-Z0-9]{6}", str(body["color"])):
        raise core(400, "[request body.color]: must be a 6 digit hex color, starting with a #")
    for name in body:
        if name not in FIELDS:
            raise core(400, f"[request body.{name}]: definition for this key is missing")
    return body
