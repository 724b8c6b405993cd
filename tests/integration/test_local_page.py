"""The page of `deploy local open` on a real stack: the way in, what it may ask, and what it may not."""

import http.client
import json
from urllib.parse import urlsplit

import pytest

from entra_deployer.local.invitation import invitation


@pytest.fixture
def ask(stack):
    """Sends a request to the local Kibana API; gives status and JSON."""

    def send(method, path, body=None, host=None, **headers):
        where = urlsplit(stack.kibana_url).netloc
        connection = http.client.HTTPConnection(where, timeout=30)
        sent = {"kbn-xsrf": "x", "content-type": "application/json", "host": host or where, **headers}
        connection.request(method, path, body and json.dumps(body), sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, json.loads(text) if answer.headers["content-type"].startswith(
            "application/json"
        ) else text

    return send


@pytest.fixture
def key(stack, ask):
    address, _, token = invitation(stack).partition("#token=")
    assert address == f"{stack.kibana_url}/local/page"
    status, answer = ask("POST", "/local/page/session", **{"x-local-token": token})
    assert status == 200
    assert ask("POST", "/local/page/session", **{"x-local-token": token})[0] == 401
    return answer["key"]


def test_without_a_key_there_is_the_empty_page_and_no_more(ask):
    assert "<title>The local stack</title>" in ask("GET", "/local/page")[1]
    assert ask("POST", "/local/query", {"query": "ROW a = 1"})[0] == 401
    assert ask("POST", "/local/page/invitation")[0] == 401
    assert ask("POST", "/local/page/session", **{"x-local-token": "guessed"})[0] == 401
    assert ask("GET", "/local/page", host="rebound.example.com")[0] == 421


def test_a_key_asks_queries_and_reads(ask, key):
    mine = {"authorization": f"Local {key}"}
    status, answer = ask("POST", "/local/query", {"query": "ROW a = 1 | EVAL b = a + 1"}, **mine)
    assert (status, answer["values"]) == (200, [[1, 2]])
    assert "Unknown index" in ask("POST", "/local/query", {"query": "FROM there_is_none"}, **mine)[1]["error"]
    assert ask("POST", "/local/query", {"query": " "}, **mine)[0] == 400
    assert ask("GET", "/api/detection_engine/rules/_find", **mine)[0] == 200
    assert ask("GET", "/api/status", **mine)[1]["version"]["number"]


def test_a_key_changes_nothing(ask, key):
    mine = {"authorization": f"Local {key}"}
    assert ask("DELETE", "/api/detection_engine/rules?rule_id=x", **mine)[0] == 403
    assert ask("POST", "/api/spaces/space", {"id": "mine", "name": "mine"}, **mine)[0] == 403
    assert ask("POST", "/local/page/invitation", **mine)[0] == 403
