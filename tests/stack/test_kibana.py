"""What is sent to Kibana, and what is made of its answers."""

import socket
from dataclasses import replace
from typing import Any

import pytest
import requests
import urllib3
from urllib3.exceptions import MaxRetryError, NameResolutionError, NewConnectionError

from entra_deployer.core.errors import AnswerLost, DeployError, Refused, Unreachable, UnsupportedVersion
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.answers import KibanaStatus
from entra_deployer.stack.environment import Credentials, Scheme
from tests.stack.script import ALWAYS, KIBANA, SECRET, kibana


def test_each_request_names_its_api_and_us():
    client, script = kibana((200, {}))
    client.get("/api/x", Any)
    headers = script.seen[0].headers
    assert headers["kbn-xsrf"]
    assert headers["elastic-api-version"] == "2023-10-31"
    assert headers["Authorization"] == f"ApiKey {SECRET}"


@pytest.mark.parametrize(
    ("credentials", "header"),
    [
        (Credentials(Scheme.BASIC, "pä", "ute"), "Basic dXRlOnDDpA=="),
        (Credentials(Scheme.BEARER, "token"), "Bearer token"),
    ],
)
def test_credentials_become_their_header(credentials, header):
    client, script = kibana((200, {}), endpoint=replace(KIBANA, credentials=credentials))
    client.get("/api/x", Any)
    assert script.seen[0].headers["Authorization"] == header


def test_a_space_is_part_of_the_path_but_for_the_default_one():
    client, script = kibana((200, {}), (200, {}))
    client.get("/api/x", Any, space="default")
    client.get("/api/x", Any, space="soc")
    assert [request.path_url for request in script.seen] == ["/api/x", "/s/soc/api/x"]


def test_an_upload_is_a_file_of_json_lines():
    client, script = kibana((200, {}))
    client.upload("/api/import", [{"b": 1, "a": "ü"}, {}], Any)
    body = script.seen[0].body
    assert b'name="file"; filename="import.ndjson"' in body
    assert '{"a": "ü", "b": 1}\n{}\n'.encode() in body


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"statusCode": 400, "error": "Bad Request", "message": "core words"}, "core words"),
        ({"message": ["one", "two"], "status_code": 400}, "one; two"),
        ({"message": {"errors": ["deep"]}, "status_code": 400}, "deep"),
        (b"no\nentry", "no; entry"),
    ],
)
def test_a_refusal_carries_kibanas_words_in_one_line(body, said):
    client, _ = kibana((400, body))
    with pytest.raises(Refused) as caught:
        client.post("/api/x", {}, Any)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.status == 400


@pytest.mark.parametrize(("status", "hint"), [(401, "API key"), (403, "doctor")])
def test_a_refusal_of_who_we_are_says_what_to_do(status, hint):
    client, _ = kibana((status, {"message": "no"}))
    with pytest.raises(Refused, match=hint):
        client.get("/api/x", Any)


def refused_connection():
    pool: Any = object()
    reason = NewConnectionError(pool, "refused")
    reason.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.ConnectionError(MaxRetryError(pool, "/", reason))


def unknown_host():
    pool: Any = object()
    reason = NameResolutionError("kibana.example", pool, socket.gaierror())
    return requests.ConnectionError(MaxRetryError(pool, "/", reason))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (refused_connection(), "connection refused"),
        (unknown_host(), "host name"),
        (requests.exceptions.SSLError("x"), "certificate"),
        (requests.ReadTimeout("x"), "in time"),
        (requests.exceptions.InvalidURL("x"), "not a URL"),
        (requests.ConnectionError("reset"), "broke"),
        (requests.ConnectionError(urllib3.exceptions.ProtocolError("x", ConnectionResetError())), "closed"),
    ],
)
def test_no_answer_to_a_read_is_unreachable_in_words(error, said):
    client, _ = kibana(error, ALWAYS)
    with pytest.raises(Unreachable, match=said) as caught:
        client.get("/api/x", Any)
    assert not isinstance(caught.value, AnswerLost)


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (requests.ReadTimeout("x"), True),
        (requests.ConnectionError("reset"), True),
        (refused_connection(), False),
    ],
)
def test_no_answer_to_a_write_tells_whether_it_may_have_happened(error, lost):
    client, _ = kibana(error, ALWAYS)
    with pytest.raises(Unreachable) as caught:
        client.put("/api/x", {}, Any)
    assert isinstance(caught.value, AnswerLost) is lost


def test_a_gateway_that_gave_up_on_a_write_may_have_done_it():
    client, _ = kibana((504, b"gateway time-out"))
    with pytest.raises(AnswerLost):
        client.post("/api/x", {}, Any)


def test_a_kibana_that_starts_is_not_ready():
    client, _ = kibana((503, b"Kibana server is not ready yet"), ALWAYS)
    with pytest.raises(Unreachable, match="not ready"):
        client.get("/api/status", KibanaStatus)


def test_the_version_is_read_from_the_status():
    client, _ = kibana((200, {"status": {}, "version": {"number": "8.12.2"}}))
    assert client.version() == StackVersion(8, 12, 2)


def test_a_status_without_a_version_means_wrong_credentials():
    short = {"status": {"overall": {"level": "available"}}}
    client, _ = kibana((200, short), (401, {"message": "Unauthorized"}))
    with pytest.raises(Refused, match="API key is expired, deleted, or of another cluster"):
        client.version()


def test_an_old_stack_is_refused():
    client, _ = kibana((200, {"status": {}, "version": {"number": "8.11.4"}}))
    with pytest.raises(UnsupportedVersion):
        client.version()


def test_something_that_is_no_kibana_is_told():
    client, _ = kibana((200, b"<html>hello</html>"))
    with pytest.raises(Unreachable, match="HTML page"):
        client.get("/api/status", KibanaStatus)


FOREIGN = [getattr(requests.exceptions, name) for name in dir(requests.exceptions)]
FOREIGN = [kind for kind in FOREIGN if isinstance(kind, type) and issubclass(kind, requests.RequestException)]


@pytest.mark.parametrize("kind", [kind for kind in FOREIGN if kind is not requests.exceptions.JSONDecodeError])
@pytest.mark.parametrize(("method", "body"), [("get", ()), ("post", ({},))])
def test_no_foreign_exception_leaks_and_no_secret_either(kind, method, body):
    client, _ = kibana(kind(f"ApiKey {SECRET}"), ALWAYS)
    with pytest.raises(DeployError) as caught:
        getattr(client, method)("/api/x", *body, Any)
    assert SECRET not in str(caught.value)
