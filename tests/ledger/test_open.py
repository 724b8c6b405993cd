"""Opening an environment: what everybody should know of it is told, and Elasticsearch says what is wrong with a key."""

from base64 import b64encode
from dataclasses import replace

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.ledger.open import connection_of, open_connection
from entra_deployer.stack.environment import Credentials, Endpoint, Environment, Scheme
from tests.stack.script import ALWAYS, ELASTIC, KIBANA, elastic, kibana

KEY = Credentials(Scheme.API_KEY, b64encode(b"id:key").decode())


@pytest.mark.parametrize(
    ("kibana_url", "verify", "told"),
    [
        ("https://kibana.example", True, []),
        ("http://127.0.0.1:5601", True, []),
        ("http://kibana.example", True, ["go to kibana.example over plain http"]),
        ("https://kibana.example", False, ["certificates of staging are not checked"]),
    ],
)
def test_what_lets_others_read_the_credentials_is_told(tmp_path, kibana_url, verify, told):
    kibana_at = Endpoint(kibana_url, KEY, verify=verify)
    elastic_at = Endpoint("https://elastic.example", KEY, verify=verify)
    warnings: list[str] = []
    with open_connection(Environment("staging", kibana_at, elastic_at), tmp_path, warnings.append):
        assert len(warnings) == len(told)
    assert all(words in warning for words, warning in zip(told, warnings, strict=True))


@pytest.mark.parametrize(
    ("of_elasticsearch", "said"),
    [
        (
            (401, {"error": {"type": "x", "additional_unsuccessful_credentials": "API key: api key is expired"}}),
            "the API key has expired",
        ),
        ((200, {"username": "ci", "roles": []}), "takes this key: Kibana belongs to another cluster"),
        ((503, b""), "expired, deleted, or of another cluster"),
    ],
)
def test_what_is_wrong_with_a_key_that_kibana_refuses_elasticsearch_tells(tmp_path, of_elasticsearch, said):
    at_kibana = replace(KIBANA, credentials=KEY)
    short, no = {"status": {"overall": {"level": "available"}}}, {"statusCode": 401, "message": "Unauthorized"}
    environment = Environment("staging", at_kibana, ELASTIC)
    servers = kibana((200, short), (401, no), endpoint=at_kibana)[0], elastic(of_elasticsearch, ALWAYS)[0]
    with connection_of(environment, tmp_path, *servers) as connection, pytest.raises(Refused, match=said):
        _ = connection.version
