"""The server's table of routes, its profiles, and where it refuses to work."""

import dataclasses

import pytest

from entra_deployer.core.errors import LocalStackError
from entra_deployer.core.json import schema_of
from entra_deployer.local.kibana import KibanaSettings, create_app
from entra_deployer.local.kibana.profiles import PROFILES, V8_12, V8_19, Profile, suppression_works
from entra_deployer.local.kibana.routes import NOT_SERVED, ROUTES, left_out, match
from entra_deployer.stack.environment_file import EnvironmentFile


def test_only_an_elasticsearch_of_this_machine_will_do():
    with pytest.raises(LocalStackError, match="of this machine, not on"):
        create_app(KibanaSettings("http://search.example:9200", "elastic", "secret"))


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"profile": "7.17"}, "unknown profile 7.17"), ({"license": "gold"}, "unknown license gold")],
)
def test_a_profile_and_a_licence_have_to_be_known(fields, message):
    with pytest.raises(LocalStackError, match=message):
        create_app(KibanaSettings("http://127.0.0.1:9200", "elastic", "secret", **fields))


def test_the_password_is_not_shown():
    assert "secret" not in repr(KibanaSettings("http://127.0.0.1:9200", "elastic", "secret"))


@pytest.mark.parametrize("fact", dataclasses.fields(Profile), ids=lambda fact: fact.name)
def test_every_fact_of_a_profile_has_a_source(fact):
    assert fact.metadata["source"]


def test_the_profiles_are_those_that_an_environment_may_name():
    [profile] = offered(schema_of(EnvironmentFile), "profile")
    assert profile["enum"] == sorted(PROFILES)


def offered(schema, key):
    """What a JSON schema says of a key, wherever it stands."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    own = [schema["properties"][key]] if isinstance(schema, dict) and key in schema.get("properties", {}) else []
    return [*own, *(found for part in parts for found in offered(part, key))]


def test_suppression_needs_a_version_and_a_license():
    assert suppression_works(V8_19, "platinum")
    assert not suppression_works(V8_19, "basic")
    assert not suppression_works(V8_12, "platinum")


def test_a_route_is_found_by_its_raw_path():
    route, params = match("GET", "/api/saved_objects/search/a%2Fb")
    assert route
    assert params == {"type": "search", "id": "a/b"}
    assert match("HEAD", "/api/detection_engine/rules/_find")[0]
    assert match("POST", "/api/detection_engine/rules/_find") == (None, {})


def test_no_route_is_served_and_left_out():
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    assert [route.path for route in ROUTES if left_out(route.method, route.path)] == []
    assert left_out("PUT", "/api/spaces/space/a")
    assert left_out("POST", "/api/detection_engine/rules/an-id/exceptions")
    assert all(why for _, why in NOT_SERVED)
