"""Each thing that goes wrong between us and a server is told in its own words, with the address and the next step."""

from base64 import b64encode
from dataclasses import replace

import pytest

from entra_deployer.core.errors import AnswerLost, Refused, Unreachable
from entra_deployer.stack.answers import RuleBody
from entra_deployer.stack.diagnosis import Answer
from entra_deployer.stack.environment import Credentials, Scheme
from entra_deployer.stack.server import retry_after
from tests.stack.script import ALWAYS, ELASTIC, KIBANA, elastic, kibana

HTML = {"content-type": "text/html"}
NOT_FOUND = {"statusCode": 404, "error": "Not Found", "message": "Not Found"}
SWAPPED = "url swapped?"
ROOT_CAUSE = {"error": {"root_cause": [{"reason": "x"}], "type": "t", "reason": "no handler"}, "status": 400}


def told(client, kind=Unreachable):
    with pytest.raises(kind) as caught:
        client.version()
    assert client_address(client) in str(caught.value)
    return str(caught.value)


def client_address(client):
    return getattr(client, "url", None) or client.address


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((302, b"", {"location": "/login?next=%2F"}), "a login stands before it"),
        ((301, b"", {"location": "https://kibana.example:5601/api/status"}), "write https:// in kibana.url"),
        ((307, b"", {"location": "/kibana/api/status"}), "is the base path missing in kibana.url?"),
        ((307, b"", {"location": "https://u:secret@sso.example/x"}), "to https://sso.example/x, which is not followed"),
        ((404, NOT_FOUND), "is the path in kibana.url right?"),
        ((404, b"<html><title>404</title></html>", HTML), 'no GET /api/status: 404, an HTML page "404"'),
        ((502, b"<html><title>502 Bad Gateway</title></html>", HTML), "a gateway before Kibana at"),
        ((400, b"The plain HTTP request was sent to HTTPS port", HTML), "speaks https, not http"),
        (
            (200, {"cluster_uuid": "u", "tagline": "You Know, for Search"}),
            SWAPPED,
        ),
        ((400, ROOT_CAUSE, {"x-elastic-product": "Elasticsearch"}), "an Elasticsearch answers there"),
        ((503, b"Kibana server is not ready yet", {"retry-after": "120"}), "it asks to wait 120 s"),
        ((200, b"<html><title>Sign in</title></html>", HTML), "a login page stands before it"),
    ],
)
def test_kibana(answer, said):
    assert said in told(kibana(answer, ALWAYS)[0])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            (404, {"error": {"type": "index_not_found_exception"}, "status": 404}),
            "path in elasticsearch.url right",
        ),
        (
            (404, NOT_FOUND, {"kbn-name": "kibana", "x-elastic-product": ""}),
            SWAPPED,
        ),
        ((302, b"", {"location": "/login", "kbn-name": "kibana"}), SWAPPED),
        ((502, b"<html><title>502 Bad Gateway</title></html>", HTML), "a gateway before Elasticsearch at"),
        ((200, b"<html><title>Sign in</title></html>", HTML), "a login page stands before it"),
    ],
)
def test_elasticsearch(answer, said):
    assert said in told(elastic(answer, ALWAYS)[0])


KEY = b64encode(b"id:key").decode()


@pytest.mark.parametrize(
    ("secret", "unsuccessful", "said"),
    [
        ("garbage", "", "this is no API key"),
        ("id:key", "", "the API key is the pair id:key"),
        (KEY, "API key: api key is expired", "the API key has expired"),
        (KEY, "API key: unable to find apikey with id x", "of another cluster"),
        (KEY, "API key: api key [x] has been invalidated", "was invalidated"),
        (KEY, "API key: invalid credentials for API key [x]", "secret part is wrong"),
        (KEY, "", "expired, deleted, or of another cluster"),
    ],
)
def test_what_is_wrong_with_a_key(secret, unsuccessful, said):
    error = {"type": "security_exception", "reason": "no", "additional_unsuccessful_credentials": unsuccessful}
    endpoint = replace(ELASTIC, credentials=Credentials(Scheme.API_KEY, secret))
    client, _ = elastic((401, {"error": error, "status": 401}), endpoint=endpoint)
    assert said in told(client, Refused)


@pytest.mark.parametrize(
    ("of_the_space", "said"),
    [((404, {"message": "Not Found"}), "there is no space soc"), ((200, {"id": "soc"}), "lacks a privilege")],
)
def test_a_space_that_is_not_there_is_no_lack_of_a_privilege(of_the_space, said):
    no = (403, {"message": "Unauthorized to find rules for any rule types", "status_code": 403})
    client, script = kibana(no, of_the_space, no)
    for _ in range(2):
        with pytest.raises(Refused, match=said):
            client.connectors("soc")
    assert len(script.seen) == 3, "the space is asked for once"


def test_elasticsearchs_reason_stands_once_in_what_kibana_says():
    message = "[security_exception\n\tRoot causes:\n\t\tsecurity_exception: no such user]: no such user"
    client, _ = kibana((401, {"statusCode": 401, "message": message}))
    assert told(client, Refused).count("no such user") == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 12:00:50 GMT", "date": "Wed, 25 Nov 2026 12:00:20 GMT"}, 30),
        ({"retry-after": "Wed, 25 Nov 2026 11:00:00 GMT", "date": "Wed, 25 Nov 2026 12:00:20 GMT"}, 0),
    ],
)
def test_how_long_a_server_asks_us_to_wait(headers, seconds):
    assert retry_after(Answer("GET", "/", 429, headers)) == seconds


def test_a_wait_is_obeyed_and_told():
    client, script = kibana((429, {}, {"retry-after": "30"}), (200, []))
    assert client.spaces() == []
    assert script.pauses == [30]
    assert "it said 429; trying again in 30 s" in script.told[0]


@pytest.mark.parametrize("call", [lambda client: client.spaces(), lambda client: client.put("/x", {}, RuleBody)])
def test_a_wait_of_more_than_a_minute_ends_it_at_once(call):
    client, script = kibana((429, {}, {"retry-after": "3600"}), ALWAYS)
    with pytest.raises(Unreachable, match="asks to wait 3600 s"):
        call(client)
    assert (script.pauses, len(script.seen)) == ([], 1)


def test_a_write_that_was_not_taken_is_sent_again_and_one_that_may_have_been_is_not():
    rule = {"id": "i", "rule_id": "r", "name": "R"}
    client, script = kibana((429, {}), (200, rule), (503, {}), (502, {}))
    assert client.put("/x", {}, RuleBody).whole == rule
    assert len(script.seen) == 2
    with pytest.raises(Unreachable):
        client.put("/x", {}, RuleBody)
    with pytest.raises(AnswerLost):
        client.put("/x", {}, RuleBody)
    assert len(script.seen) == 4


def test_a_body_keeps_what_we_do_not_know():
    told_of = {"id": "i", "rule_id": "r", "name": "R", "new_in_10": [1, {"a": None}]}
    client, _ = kibana((200, told_of))
    assert client.get("/x", RuleBody).whole == told_of


def test_a_lone_surrogate_in_somebodys_rule_is_no_end():
    client, _ = kibana((200, b'{"id": "i", "rule_id": "r", "name": "\\ud800"}'))
    assert client.get("/x", RuleBody).whole["name"] == "?"


def test_kibanas_endpoint_is_the_one_of_the_script():
    assert kibana()[0].url == KIBANA.url
