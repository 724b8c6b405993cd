"""What goes over the wire, and what is made of the answers."""

import itertools
import json

import pytest
import requests

from entra_deployer.core.errors import AnswerLost, DeployError, InputError, Refused, Unreachable, UnsupportedVersion
from entra_deployer.core.target import StackVersion
from entra_deployer.stack.elasticsearch import connect, read_warnings
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme
from entra_deployer.stack.search import Column
from tests.stack.script import ALWAYS, ELASTIC, SECRET, elastic


def answer(body, status=200, headers=None):
    return status, body, headers or {}


INFO = answer({"version": {"number": "8.19.21", "build_flavor": "default"}})
EMPTY = {"columns": [{"name": "a", "type": "long"}], "values": []}


def info(number, flavor="default"):
    return answer({"version": {"number": number, "build_flavor": flavor}})


@pytest.mark.parametrize("number", ["8.12.0", "8.19.21", "9.4.0-SNAPSHOT"])
def test_a_known_version_is_asked_once(number):
    client, script = elastic(info(number))
    assert client.version() == client.version() == StackVersion.parse(number)
    assert len(script.seen) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (info("8.11.4"), "8.11.4"),
        (info("7.17.0"), "7.17.0"),
        (info("10.0.0"), "10.0.0"),
        (info("8.11.0", "serverless"), "serverless"),
        (answer({"version": {"number": "unknown"}}), "does not tell its version"),
        (answer({"version": {"number": "2.1.0"}}, headers={"x-elastic-product": "Other"}), "not an Elasticsearch"),
    ],
)
def test_another_version_or_another_server_is_told_as_such(given, said):
    client, _ = elastic(given)
    with pytest.raises(UnsupportedVersion, match=said):
        client.version()


@pytest.mark.parametrize(
    ("number", "sent"),
    [("8.12.2", False), ("8.18.9", False), ("8.19.0", True), ("9.0.1", False), ("9.1.0", True)],
)
def test_partial_answers_are_refused_where_the_server_knows_the_parameter(number, sent):
    client, script = elastic(info(number), answer(EMPTY))
    client.query("FROM x")
    assert ("allow_partial_results=false" in script.seen[1].url) is sent


def test_rows_warnings_and_partiality_are_read():
    body = {
        "columns": [{"name": "a", "type": "long"}, {"name": "b", "type": "keyword"}],
        "values": [[1, ["x", "y"]]],
        "is_partial": True,
    }
    header = '299 Elasticsearch-8.19.21-abc "No limit defined, adding default limit of [1000]", 299 E "a \\"b\\""'
    client, script = elastic(INFO, answer(body, headers={"warning": header}))
    result = client.query("FROM x", filter={"term": {"a": 1}}, params=[7])
    assert result.columns == (Column("a", "long"), Column("b", "keyword"))
    assert result.records() == [{"a": 1, "b": ["x", "y"]}]
    assert result.warnings == ("No limit defined, adding default limit of [1000]", 'a "b"')
    assert result.is_partial
    assert json.loads(script.seen[1].body) == {"query": "FROM x", "filter": {"term": {"a": 1}}, "params": [7]}


def test_a_query_is_built_and_no_comment_swallows_the_limit():
    client, script = elastic(INFO, answer(EMPTY))
    assert client.check_query("FROM x // why") == (Column("a", "long"),)
    asked = json.loads(script.seen[1].body)
    assert asked["query"] == "FROM x // why\n| LIMIT 1"
    assert list(asked["filter"]["bool"]["filter"][0]) == ["ids"]


def test_a_query_that_is_answered_in_part_is_refused():
    client, _ = elastic(INFO, answer({**EMPTY, "is_partial": True}))
    with pytest.raises(Refused, match="answered in part"):
        client.check_query("FROM x")


def test_bulk_names_the_first_document_that_was_not_taken():
    error = {"type": "document_parsing_exception", "reason": "failed to parse field [a]"}
    items = [{"create": {"status": 201}}, {"create": {"status": 400, "error": error}}]
    client, _ = elastic(answer({"errors": True, "items": items}))
    with pytest.raises(Refused, match=r"document 2 of i: document_parsing_exception: failed to parse") as raised:
        client.bulk("i", [{"a": 1}, {"a": "x"}])
    assert raised.value.status == 400


def test_bulk_sends_the_routing_of_each_document():
    client, script = elastic(answer({"errors": False, "items": [{"create": {"status": 201}}] * 2}))
    assert client.bulk("i", [{"a": 1}, {"a": 2}], routing=["x", "y"]) == 2
    lines = [json.loads(line) for line in script.seen[0].body.splitlines()]
    assert lines == [{"create": {"routing": "x"}}, {"a": 1}, {"create": {"routing": "y"}}, {"a": 2}]


def test_aliases_are_hidden_and_filtered():
    client, script = elastic(answer({"acknowledged": True}))
    client.add_aliases([("i", "a", {"term": {"_routing": "x"}})])
    action = {"index": "i", "alias": "a", "filter": {"term": {"_routing": "x"}}, "is_hidden": True}
    assert json.loads(script.seen[0].body) == {"actions": [{"add": action}]}


def test_hidden_indices_are_found_with_their_age():
    settings = {"settings": {"index": {"creation_date": "1700000000500"}}}
    client, script = elastic(answer({"b": settings, "a": settings}))
    assert [(found.name, found.created) for found in client.find_indices("x-*")] == [
        ("a", 1700000000.5),
        ("b", 1700000000.5),
    ]
    assert "expand_wildcards=open,hidden" in script.seen[0].url.replace("%2C", ",")


def test_the_clock_is_the_servers():
    rows = {"columns": [{"name": "now", "type": "date"}], "values": [["2026-03-01T12:00:00.000Z"]]}
    client, _ = elastic(INFO, answer(rows))
    assert client.now().isoformat() == "2026-03-01T12:00:00+00:00"


def test_bulk_of_nothing_sends_nothing():
    client, script = elastic()
    assert client.bulk("i", []) == 0
    assert script.seen == []


def test_a_document_is_replaced_only_while_the_version_that_was_read_stands():
    found = {"_source": {"a": 1}, "_seq_no": 4, "_primary_term": 2, "found": True}
    client, script = elastic(answer(found), answer({"_seq_no": 5, "_primary_term": 2}))
    read = client.get_document("i", "x")
    written = client.put_document("i", "x", {"a": 2}, replaces=read)
    assert "if_seq_no=4" in script.seen[1].url
    assert "if_primary_term=2" in script.seen[1].url
    assert (written.seq_no, written.source) == (5, {"a": 2})


def test_a_new_document_is_made_only_where_there_is_none():
    conflict = {"error": {"type": "version_conflict_engine_exception", "reason": "[x]: exists"}, "status": 409}
    client, script = elastic(answer(conflict, 409))
    with pytest.raises(Refused) as raised:
        client.put_document("i", "x", {}, create=True)
    assert raised.value.status == 409
    assert "op_type=create" in script.seen[0].url


def test_what_is_not_there_is_no_error():
    missing = answer({"found": False}, 404)
    client, _ = elastic(missing, missing, missing)
    assert client.get_document("i", "x") is None
    assert client.delete_document("i", "x") is False
    assert client.delete_index("i") is False


def test_lacking_privileges_are_named():
    held = {"cluster": {"monitor": True, "manage": False}, "index": {"logs-*": {"read": True, "write": False}}}
    client, _ = elastic(answer(NOTHING_HELD | held))
    lacking = client.has_privileges(
        cluster=["monitor", "manage"], index=[{"names": ["logs-*"], "privileges": ["read"]}]
    )
    assert lacking == ("manage", "write on logs-*")


NOTHING_HELD = {"has_all_requested": False, "cluster": {}, "index": {}, "application": {}}
CALLS = {
    "version": lambda client: client.version(),
    "license": lambda client: client.license(),
    "identity": lambda client: client.identity(),
    "whoami": lambda client: client.whoami(),
    "granted": lambda client: client.granted("kibana", ["x"], ["*"]),
    "put_documents": lambda client: client.put_documents("i", {"x": {}}),
    "query": lambda client: client.query("FROM x"),
    "check_query": lambda client: client.check_query("FROM x"),
    "has_privileges": lambda client: client.has_privileges(),
    "create_index": lambda client: client.create_index("i"),
    "delete_index": lambda client: client.delete_index("i"),
    "index_exists": lambda client: client.index_exists("i"),
    "is_hidden": lambda client: client.is_hidden("i"),
    "hide_index": lambda client: client.hide_index("i"),
    "find_indices": lambda client: client.find_indices("i*"),
    "field_caps": lambda client: client.field_caps("i", ["a"]),
    "bulk": lambda client: client.bulk("i", [{}]),
    "add_aliases": lambda client: client.add_aliases([("i", "a", {})]),
    "now": lambda client: client.now(),
    "get_document": lambda client: client.get_document("i", "x"),
    "put_document": lambda client: client.put_document("i", "x", {}),
    "delete_document": lambda client: client.delete_document("i", "x"),
    "search": lambda client: client.search("i"),
}

REFUSALS = {
    "garbage": answer(b"{"),
    "401": answer({"error": {"type": "security_exception", "reason": f"no {SECRET}\nhere"}}, 401),
    "403": answer({"error": {"root_cause": [{"reason": "lacks"}], "type": "security_exception"}}, 403),
    "429": answer({"error": "busy"}, 429),
    "500": answer({"error": {"type": "null_pointer_exception", "caused_by": {"reason": "x"}}}, 500),
    "503": answer(b"", 503),
    "reset": requests.ConnectionError(f"reset {SECRET}"),
}


@pytest.mark.parametrize(
    ("refusal", "call"),
    [pair for pair in itertools.product(REFUSALS, CALLS) if pair != ("garbage", "index_exists")],  # which reads no body
)
def test_nothing_foreign_leaves_in_one_line_and_without_the_secret(call, refusal):
    client, _ = elastic(REFUSALS[refusal], ALWAYS)
    with pytest.raises(DeployError) as raised:
        CALLS[call](client)
    assert SECRET not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "http://elastic.example:9200" in str(raised.value)


WRITES = {"create_index", "delete_index", "hide_index", "bulk", "add_aliases"}
WRITES |= {"put_document", "put_documents", "delete_document"}


@pytest.mark.parametrize("call", CALLS)
def test_a_read_is_tried_again_and_a_write_is_not(call):
    client, script = elastic(REFUSALS["reset"], ALWAYS)
    with pytest.raises(Unreachable) as raised:
        CALLS[call](client)
    assert (len(script.seen), isinstance(raised.value, AnswerLost)) == ((1, True) if call in WRITES else (5, False))


def test_the_reason_of_a_refused_query_is_the_servers_own():
    said = "Found 2 problems\nline 1:9: Unknown column [b]\nline 2:3: Unknown column [c]"
    client, _ = elastic(INFO, answer({"error": {"type": "verification_exception", "reason": said}}, 400))
    with pytest.raises(Refused, match=r"line 1:9: Unknown column \[b\]; line 2:3: Unknown column \[c\]"):
        client.query("FROM x")


@pytest.mark.parametrize("url", ["elastic.example", "ftp://elastic.example", "https://", "http://host:port"])
def test_an_unusable_url_is_an_input_error(url):
    with pytest.raises(InputError):
        connect(Endpoint(url, ELASTIC.credentials))


def test_a_missing_certificate_file_is_an_input_error(tmp_path):
    endpoint = Endpoint("https://elastic.example", ELASTIC.credentials, ca=str(tmp_path / "absent.pem"))
    with pytest.raises(InputError, match=r"absent\.pem"):
        connect(endpoint)


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("url", ["https://elastic.example", "http://u:p@[::1]:9200/es/"])
def test_each_way_to_say_who_we_are_makes_a_client(scheme, url):
    client = connect(Endpoint(url, Credentials(scheme, SECRET, "elastic"), verify=False, proxy="http://proxy:3128"))
    assert "u:p" not in client.address
    client.close()


def test_a_search_in_no_index_finds_nothing_and_one_in_a_hidden_index_is_refused():
    client, script = elastic(answer({"error": {"type": "index_not_found_exception"}}, 404), REFUSALS["403"])
    assert client.search("absent") == []
    with pytest.raises(Refused):
        client.search("secret")
    assert all("ignore_unavailable" not in request.url for request in script.seen)


def test_warnings_are_unquoted_and_told_once():
    assert read_warnings('299 E "a, b", 299 E "a, b", 299 E "c \\\\ d"') == ("a, b", "c \\ d")
    assert read_warnings("") == ()


def test_more_documents_than_a_page_holds_are_read_page_by_page():
    """Elasticsearch gives at most 10,000 at once: 5,100 rules with their searches are more."""

    def page(*numbers):
        return answer({"hits": {"hits": [{"_id": str(n), "_source": {"n": n}, "sort": [n]} for n in numbers]}})

    client, script = elastic(page(*range(10_000)), page(*range(10_000, 10_200)))
    found = client.search_every("ledger", query={"match_all": {}})
    assert [one["n"] for one in found.values()] == list(range(10_200))
    assert [json.loads(request.body).get("search_after") for request in script.seen] == [None, [9999]]


def test_a_document_is_read_as_it_was_written_and_half_of_a_character_becomes_a_question_mark():
    hits = rb'{"hits": {"hits": [{"_id": "a", "_source": {"b":1.0, "a" :"x"}}, {"_id": "b", "_source": %s}]}}'
    client, _ = elastic(*(answer(hits % text) for text in (b'{"c": []}', rb'{"c": "\ud800"}')))
    assert client.search_written("i", query={"match_all": {}}) == {"a": b'{"b":1.0, "a" :"x"}', "b": b'{"c": []}'}
    assert client.search_written("i", query={"match_all": {}})["b"] == b'{"c": "?"}'


def test_documents_are_written_in_their_order_and_only_the_last_request_makes_them_visible():
    done = [answer({"errors": False, "items": [{"index": {"status": 200}}] * number}) for number in (2, 1, 1)]
    client, script = elastic(*done)
    client.put_documents("i", {"a": {"n": 1}, "b": {"n": 2}}, {"head": {"n": 3}}, gone=(), at_once=2)
    client.put_documents("i", {}, gone=["x"])
    assert [[json.loads(line) for line in one.body.splitlines()] for one in script.seen] == [
        [{"index": {"_id": "a"}}, {"n": 1}, {"index": {"_id": "b"}}, {"n": 2}],
        [{"index": {"_id": "head"}}, {"n": 3}],
        [{"delete": {"_id": "x"}}],
    ]
    assert ["refresh=true" in one.url for one in script.seen] == [False, True, True]


def test_what_comes_last_is_not_written_where_a_document_before_it_was_refused():
    full = {"type": "es_rejected_execution_exception", "reason": "full"}
    client, script = elastic(answer({"errors": True, "items": [{"index": {"status": 429, "error": full}}]}))
    with pytest.raises(Refused, match="did not take a of i"):
        client.put_documents("i", {"a": {}}, {"head": {}})
    assert len(script.seen) == 1
