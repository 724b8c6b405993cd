"""What rules refer to and where they live: connectors and spaces, kept like the lists of exceptions as things."""

import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Final

from entra_deployer.core.json import Json
from entra_deployer.local.kibana.auth import SPACES_ALL
from entra_deployer.local.kibana.errors import core, detection, not_found
from entra_deployer.local.kibana.server import Answer, Call, Kibana
from entra_deployer.local.kibana.store import THINGS, Stored

ANYWHERE: Final = "*"  # the space of what belongs to no space


def get(kibana: Kibana, kind: str, space: str, key: str) -> Stored | None:
    """A thing by its key, which is unique among its kind in its space."""
    return kibana.store.get(THINGS, _doc_id(kind, space, key))


def put(  # noqa: PLR0913 -- a thing has that many parts
    kibana: Kibana, kind: str, space: str, key: str, body: Mapping[str, Json], *, parent: str = ""
) -> Stored:
    """Write a thing, new or over what is there."""
    source: dict[str, Json] = {"kind": kind, "space": space, "parent": parent, "body": body}
    return kibana.store.write(THINGS, _doc_id(kind, space, key), source)


def every(kibana: Kibana, kind: str, space: str | None = None, *, parent: str | None = None) -> list[Stored]:
    """All things of a kind, in a space, of a parent."""
    wanted = {"kind": kind, "space": space, "parent": parent}
    terms = [{"term": {name: value}} for name, value in wanted.items() if value is not None]
    return list(kibana.store.every(THINGS, {"bool": {"filter": terms}}))


def _doc_id(kind: str, space: str, key: str) -> str:
    return f"{kind}:{space}:{key}"


CONNECTOR: Final = "connector"


def create_connector(kibana: Kibana, call: Call) -> Answer:
    """POST /api/actions/connector."""
    body = call.fields
    for name in ("name", "connector_type_id"):
        if not isinstance(body.get(name), str):
            raise core(400, f"[request body.{name}]: expected value of type [string] but got [undefined]")
    key = str(uuid.uuid4())
    connector = {
        "id": key,
        "name": body["name"],
        "config": body.get("config", {}),
        "connector_type_id": body["connector_type_id"],
        "is_preconfigured": False,
        "is_deprecated": False,
        "is_missing_secrets": False,
        "is_system_action": False,
    }
    put(kibana, CONNECTOR, call.space, key, connector)
    return Answer(connector)


def list_connectors(kibana: Kibana, call: Call) -> Answer:
    """GET /api/actions/connectors."""
    found = [stored.part("body") for stored in every(kibana, CONNECTOR, call.space)]
    return Answer([{**connector, "referenced_by_count": 0} for connector in found])


def missing_connectors(kibana: Kibana, space: str, actions: Iterable[Mapping[str, Json]]) -> list[str]:
    """The ids of connectors that actions name and that are not there."""
    ids = dict.fromkeys(str(action["id"]) for action in actions)
    return [one for one in ids if not get(kibana, CONNECTOR, space, one)]


SPACE: Final = "space"
DEFAULT_SPACE: Final[dict[str, Json]] = {
    "id": "default",
    "name": "Default",
    "description": "This is your default space!",
    "color": "#00bfb3",
    "disabledFeatures": [],
    "_reserved": True,
}
SPACE_FIELDS: Final[tuple[str, ...]] = (
    "id",
    "name",
    "description",
    "color",
    "initials",
    "imageUrl",
    "solution",
    "disabledFeatures",
)


def require_space(kibana: Kibana, space: str) -> None:
    """What every route of the detection engine says in a space that is not there (record 1069)."""
    if not has_space(kibana, space):
        raise detection(403, NO_SPACE)


NO_SPACE: Final = "Unauthorized to find rules for any rule types"


def has_space(kibana: Kibana, space: str) -> bool:
    """Whether a space is there."""
    return space == "default" or get(kibana, SPACE, ANYWHERE, space) is not None


def list_spaces(kibana: Kibana, call: Call) -> Answer:  # noqa: ARG001 -- a handler's shape
    """GET /api/spaces/space."""
    return Answer([DEFAULT_SPACE, *(stored.part("body") for stored in every(kibana, SPACE))])


def read_space(kibana: Kibana, call: Call) -> Answer:
    """GET /api/spaces/space/{id}."""
    return Answer(_existing_space(kibana, call.params["id"]))


def create_space(kibana: Kibana, call: Call) -> Answer:
    """POST /api/spaces/space."""
    call.must(SPACES_ALL, core(403, "Unauthorized to create spaces"))
    key, body = _checked_space(call.body)
    if key == "default" or get(kibana, SPACE, ANYWHERE, key):
        raise core(409, f"A space with the identifier {key} already exists.")
    space: dict[str, Json] = {name: body[name] for name in SPACE_FIELDS if name in body}
    space.setdefault("disabledFeatures", [])
    put(kibana, SPACE, ANYWHERE, key, space)
    return Answer(space)


def _existing_space(kibana: Kibana, space: str) -> Mapping[str, Json]:
    if space == "default":
        return DEFAULT_SPACE
    found = get(kibana, SPACE, ANYWHERE, space)
    if not found:
        raise not_found()
    return found.part("body")


def _checked_space(body: Json) -> tuple[str, Mapping[str, Json]]:
    """The id of a space, and all that is said of it."""
    if not isinstance(body, dict):
        raise core(400, "[request body]: expected a plain object value, but found [null] instead.")
    for name in ("id", "name"):
        if not isinstance(body.get(name), str):
            raise core(400, f"[request body.{name}]: expected value of type [string] but got [undefined]")
    key = str(body["id"])
    if not re.fullmatch(r"[a-z0-9_-]+", key):
        raise core(400, "[request body.id]: must be lower case, a-z, 0-9, '_', and '-' are allowed")
    if "color" in body and not re.fullmatch(r"#[a-zA-Z0-9]{6}", str(body["color"])):
        raise core(400, "[request body.color]: must be a 6 digit hex color, starting with a #")
    for name in body:
        if name not in SPACE_FIELDS:
            raise core(400, f"[request body.{name}]: definition for this key is missing")
    return key, body
