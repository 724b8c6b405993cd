"""What callers without the privileges of a superuser may do: a role made for a real stack has the same reach here."""

from collections.abc import Iterator

import pytest

from entra_deployer.local.stack import LocalStack
from tests.integration.kibana_server import Answer, Server, serving
from tests.integration.test_kibana_contract import RULES, SEARCH, SOURCE, found, rule

BULK = f"{RULES}/_bulk_action"
OBJECT = {"attributes": {"title": "t", "kibanaSavedObjectMeta": SOURCE}}
FORBIDDEN = "Forbidden"
NO_LIST = "Unable to create exception-list-agnostic"
READ = ["feature_siem.read", "feature_discover.read"]
RULES_ONLY = ["feature_siem.all"]


@pytest.fixture(scope="module")
def kibana(stack: LocalStack) -> Iterator[Server]:
    with serving(stack, "8.12") as server:
        server.ask("POST", "/api/spaces/space", {"id": "other", "name": "Other"})
        server.ask("POST", RULES, rule(rule_id="there", enabled=False))
        server.ask("POST", f"{SEARCH}/there", OBJECT)
        yield server


class Caller:
    """An API key with some of Kibana's privileges in the default space."""

    def __init__(self, kibana: Server, stack: LocalStack, privileges: list[str]) -> None:
        application = {"application": "kibana-.kibana", "privileges": privileges, "resources": ["space:default"]}
        role = {"applications": [application]} if privileges else {"cluster": ["monitor"]}
        elastic = Server(stack.elasticsearch_url, stack.user, stack.password)
        made = elastic.ask("POST", "/_security/api_key", {"name": "tests", "role_descriptors": {"role": role}})
        self._kibana, self._key = kibana, f"ApiKey {made.body['encoded']}"

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        return self._kibana.ask(method, path, body, authorization=self._key)

    def upload(self, path: str, lines: list) -> Answer:
        return self._kibana.upload(path, lines, authorization=self._key)


@pytest.mark.parametrize(
    ("privileges", "method", "path", "body", "expected"),
    [
        ([], "GET", f"{RULES}/_find", None, (403, FORBIDDEN)),
        ([], "POST", RULES, rule(), (403, FORBIDDEN)),
        ([], "GET", "/api/saved_objects/_find?type=search", None, (200, None)),
        (READ, "GET", found("there"), None, (200, None)),
        (READ, "POST", RULES, rule(), (403, NO_LIST)),
        (READ, "PATCH", RULES, {"rule_id": "there"}, (403, 'Unauthorized by "siem" to update "siem.esqlRule" rule')),
        (READ, "DELETE", found("there"), None, (403, 'Unauthorized by "siem" to delete "siem.esqlRule" rule')),
        (READ, "POST", BULK, {"action": "enable"}, (403, 'Unauthorized by "siem" to bulkEdit "siem.esqlRule" rule')),
        (READ, "POST", BULK, {"action": "delete"}, (500, "Bulk edit failed")),
        (READ, "GET", f"{SEARCH}/there", None, (200, None)),
        (READ, "POST", f"{SEARCH}/new", OBJECT, (403, "Unable to create search")),
        (READ, "POST", "/api/spaces/space", {"id": "new", "name": "n"}, (403, "Unauthorized to create spaces")),
        (READ, "GET", f"/s/other{RULES}/_find", None, (403, FORBIDDEN)),
        (RULES_ONLY, "PUT", RULES, rule(rule_id="there"), (200, None)),
        (RULES_ONLY, "POST", f"{SEARCH}/new", OBJECT, (403, "Unable to create search")),
        (["all"], "POST", f"{SEARCH}/all", OBJECT, (200, None)),
    ],
)
def test_an_answer_to_a_caller(kibana, stack, privileges, method, path, body, expected) -> None:  # noqa: PLR0917
    answer = Caller(kibana, stack, privileges).ask(method, path, body)
    assert (answer.status, answer.body.get("message")) == expected


def test_an_import_is_told_rule_by_rule(kibana, stack) -> None:
    report = Caller(kibana, stack, READ).upload(f"{RULES}/_import", [rule(rule_id="mine"), rule(rule_id="there")])
    assert report.status == 200
    assert [(error["rule_id"], error["error"]) for error in report.body["errors"]] == [
        ("mine", {"status_code": 400, "message": 'Unauthorized by "siem" to create "siem.esqlRule" rule'}),
        ("there", {"status_code": 409, "message": 'rule_id: "there" already exists'}),
    ]
    assert kibana.ask("GET", found("mine")).status == 404


def test_searches_are_not_imported_nor_seen(kibana, stack) -> None:
    line = {"type": "search", "id": "x", "references": [], **OBJECT}
    refused = Caller(kibana, stack, READ).upload("/api/saved_objects/_import", [line])
    assert (refused.status, refused.message) == (403, "Unable to bulk_create search")
    assert Caller(kibana, stack, RULES_ONLY).ask("GET", "/api/saved_objects/_find?type=search").body["total"] == 0


def test_a_preview_needs_its_index(kibana, stack) -> None:
    body = rule(invocationCount=1, timeframeEnd="2026-01-01T00:00:00Z")
    [log] = Caller(kibana, stack, RULES_ONLY).ask("POST", f"{RULES}/preview", body).body["logs"]
    assert log["errors"][0].startswith('Missing "read" privileges for the ".preview.alerts-security.alerts"')
    refused = Caller(kibana, stack, READ).ask("POST", f"{RULES}/preview", body)
    assert (refused.status, refused.message) == (403, {"errors": [NO_LIST]})
