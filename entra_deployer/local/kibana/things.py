"""The small kinds of things that rules refer to - connectors, exception lists and their items - and spaces."""

from typing import Any, Final

from entra_deployer.local.kibana.server import Kibana
from entra_deployer.local.kibana.store import THINGS, Stored

ANYWHERE: Final = "*"  # the space of what belongs to no space


def get(kibana: Kibana, kind: str, space: str, key: str) -> Stored | None:
    """A thing by its key, which is unique among its kind in its space."""
    return kibana.store.get(THINGS, _doc_id(kind, space, key))


def put(  # noqa: PLR0913 -- a thing has that many parts
    kibana: Kibana, kind: str, space: str, key: str, body: dict[str, Any], *, parent: str = ""
) -> Stored:
    """Write a thing, new or over what is there."""
    source = {"kind": kind, "space": space, "parent": parent, "body": body}
    return kibana.store.write(THINGS, _doc_id(kind, space, key), source)


def every(kibana: Kibana, kind: str, space: str | None = None, *, parent: str | None = None) -> list[Stored]:
    """All things of a kind, in a space, of a parent."""
    wanted = {"kind": kind, "space": space, "parent": parent}
    terms = [{"term": {name: value}} for name, value in wanted.items() if value is not None]
    return list(kibana.store.every(THINGS, {"bool": {"filter": terms}}))


def _doc_id(kind: str, space: str, key: str) -> str:
    return f"{kind}:{space}:{key}"
