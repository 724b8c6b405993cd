"""Who we are, and what we hold: what is asked of Elasticsearch and what is made of its answers."""

import json
from datetime import UTC, datetime

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.stack.search import Identity
from tests.stack.script import elastic

HELD = {"has_all_requested": False, "cluster": {}, "index": {}, "application": {}}
KEY = {"username": "ci", "roles": [], "api_key": {"id": "k1", "name": "deploy"}}


def test_a_user_is_known_by_name_and_roles():
    client, _ = elastic((200, {"username": "ute", "roles": ["a", "b"]}))
    assert client.identity() == Identity("ute", ("a", "b"))


def test_a_key_tells_until_when_it_is_valid():
    told = {"api_keys": [{"id": "k1", "expiration": 1796430047480}]}
    client, script = elastic((200, KEY), (200, told))
    found = client.identity()
    assert (found.user, found.key_id, found.key_name) == ("ci", "k1", "deploy")
    assert found.expires == datetime(2026, 12, 5, 0, 20, 47, 480000, UTC)
    assert "id=k1" in script.seen[1].url


def test_a_key_without_end_has_none():
    client, _ = elastic((200, KEY), (200, {"api_keys": [{"id": "k1"}]}))
    assert client.identity().expires is None


def test_a_key_that_may_not_ask_about_itself_is_known_all_the_same():
    client, _ = elastic((200, KEY), (403, {"error": {"reason": "no"}}))
    assert client.identity().key_id == "k1"


def test_what_is_held_is_told_by_resource():
    told = {"space:a": {"x.all": True, "y.all": False}, "space:b": {"x.all": False, "y.all": False}}
    client, script = elastic((200, HELD | {"application": {"kibana-.kibana": told}}))
    held = client.granted("kibana-.kibana", ["x.all", "y.all"], ["space:a", "space:b"])
    assert held == {"space:a": {"x.all"}, "space:b": set()}
    (asked,) = json.loads(script.seen[0].body)["application"]
    assert asked["resources"] == ["space:a", "space:b"]


@pytest.mark.parametrize("ask", [lambda a: a.identity(), lambda a: a.granted("k", ["x"], ["*"])])
def test_a_refusal_is_ours(ask):
    client, _ = elastic((401, {"error": {"reason": "no"}}))
    with pytest.raises(Refused):
        ask(client)
