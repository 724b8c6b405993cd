"""The ledger's index on a real server: which of its documents are read."""

import uuid

from entra_deployer.core.json import Json
from entra_deployer.ledger.store import IndexStore


def test_of_an_environment_only_what_is_of_its_spaces_is_read_and_what_does_not_say_where(connection):
    store, name = IndexStore(connection.elastic), f"ledger-{uuid.uuid4().hex[:8]}"
    spaces: dict[str, Json] = {"here": [name], "there": f"{name}-other", "nowhere": []}
    of = {"older": {}, **{key: {"space": space} for key, space in spaces.items()}}
    documents = {f"{name}-{key}": {"type": "push", "environment": name, **fields} for key, fields in of.items()}
    store.put(documents)
    assert store.find_of(("push",), [name], name).keys() == {f"{name}-{key}" for key in ("here", "older", "nowhere")}
    store.put(gone=documents)
    assert store.find_of(("push",), [name], name) == {}
