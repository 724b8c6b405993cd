"""The cases of Kibana 8.12's contract that the client and its users rely on, each with what the real one answered.

A row is (method, path, body, status, message), the message being None where the answer has none, in the order in which
the requests are sent. They stand for records of tests/data/kibana-8.12.2, in a form that a reader takes in at once.
"""

import time
from collections.abc import Iterator

import pytest

from entra_deployer.local.stack import LocalStack
from tests.integration.kibana_server import Server, serving

RULES = "/api/detection_engine/rules"
LISTS = "/api/exception_lists"
SEARCH = "/api/saved_objects/search"
MINIMAL = {
    "type": "esql",
    "language": "esql",
    "query": "from logs-x | stats c = count(*)",
    "name": "R",
    "description": "D",
    "risk_score": 21,
    "severity": "low",
}
SOURCE = {"searchSourceJSON": '{"query":{"esql":"from logs-x"},"filter":[]}'}
INLINE = {"searchSourceJSON": '{"query":{"esql":"from a"},"index":{"id":"ad","title":"a"},"filter":[]}'}
NO_SOURCE = (
    "[attributes.kibanaSavedObjectMeta.searchSourceJSON]: expected value of type [string] but got [undefined]: "
    "Bad Request"
)
NO_VALUE = 'Expected "(", NOT, value, whitespace but ")" found.\nalert.attributes.tags: )'
NO_PARAMETER = (
    "Not served by the local Kibana API: filters ask for the parameters ruleId, type, language, severity, immutable"
)
OTHER_ID = "11111111-1111-4111-8111-111111111111"


def rule(**fields):
    """A minimal rule with some fields; None takes one away."""
    return {name: value for name, value in (MINIMAL | fields).items() if value is not ...}


def found(rule_id):
    return f"{RULES}?rule_id={rule_id}"


CASES = [
    # creating
    ("POST", RULES, rule(rule_id="one", enabled=False), 200, None),
    ("POST", RULES, rule(rule_id="one"), 409, 'rule_id: "one" already exists'),
    ("POST", RULES, rule(name=...), 400, "[request body]: name: Required"),
    ("POST", RULES, rule(name=""), 400, "[request body]: name: String must contain at least 1 character(s)"),
    ("POST", RULES, rule(name=..., severity=...), 400, "[request body]: name: Required, severity: Required"),
    ("POST", RULES, rule(risk_score=101), 400, "[request body]: risk_score: Number must be less than or equal to 100"),
    ("POST", RULES, rule(risk_score="21"), 400, "[request body]: risk_score: Expected number, received string"),
    ("POST", RULES, rule(risk_score=2.5), 400, "[request body]: risk_score: Expected integer, received float"),
    (
        "POST",
        RULES,
        rule(severity="x"),
        400,
        "[request body]: severity: Invalid enum value. Expected 'low' | 'medium' | 'high' | 'critical', received 'x'",
    ),
    ("POST", RULES, rule(language="kuery"), 400, '[request body]: language: Invalid literal value, expected "esql"'),
    ("POST", RULES, rule(note=None), 400, "[request body]: note: Expected string, received null"),
    ("POST", RULES, rule(max_signals=0), 400, "[request body]: max_signals: Number must be greater than or equal to 1"),
    ("POST", RULES, rule(tags=[1]), 400, "[request body]: tags.0: Expected string, received number"),
    (
        "POST",
        RULES,
        rule(threat=[{"tactic": {"id": "a", "name": "b", "reference": "c"}}]),
        400,
        "[request body]: threat.0.framework: Required",
    ),
    ("POST", RULES, rule(**{"from": "abc"}), 400, "[request body]: from: Failed to parse date-math expression"),
    (
        "POST",
        RULES,
        rule(interval="5x"),
        400,
        "Error validating create data - [schedule.interval]: string is not a valid duration: 5x",
    ),
    ("POST", RULES, rule(timeline_id="x"), 400, ['when "timeline_id" exists, "timeline_title" must also exist']),
    (
        "POST",
        RULES,
        rule(actions=[{"group": "default", "id": "nope", "action_type_id": ".server-log", "params": {}}]),
        400,
        "Failed to load action nope (404): Saved object [action/nope] not found",
    ),
    ("POST", RULES, rule(rule_id="any query", query="frm x | wher"), 200, None),
    ("POST", RULES, rule(rule_id="any field", index=["x"], zzz=1), 200, None),
    # reading
    ("GET", found("nope"), None, 404, 'rule_id: "nope" not found'),
    ("GET", f"{RULES}?id={OTHER_ID}", None, 404, f'id: "{OTHER_ID}" not found'),
    ("GET", f"{RULES}?id=abc", None, 400, "[request query]: id: Invalid uuid"),
    ("GET", RULES, None, 400, ['either "id" or "rule_id" must be set']),
    (
        "GET",
        f"{RULES}?id={OTHER_ID}&rule_id=one",
        None,
        400,
        ['both "id" and "rule_id" cannot exist, choose one or the other'],
    ),
    # an unescaped rule_id: a wildcard is none inside the quotes, a quote gets out of them
    ("GET", found("on*"), None, 404, 'rule_id: "on*" not found'),
    ("GET", found('nope" OR alert.attributes.params.ruleId: "one'), None, 200, None),
    # changing
    ("PUT", RULES, rule(rule_id="nope"), 404, 'rule_id: "nope" not found'),
    ("PUT", RULES, rule(), 400, ['either "id" or "rule_id" must be set']),
    ("PATCH", RULES, {"rule_id": "nope"}, 404, 'rule_id: "nope" not found'),
    ("PATCH", RULES, {"rule_id": "one", "note": ""}, 200, None),
    ("PATCH", RULES, {"rule_id": "one", "language": "kuery"}, 400, 'language: Invalid literal value, expected "esql"'),
    ("DELETE", found("nope"), None, 404, 'rule_id: "nope" not found'),
    # finding
    ("GET", f"{RULES}/_find?page=0", None, 400, "[request query]: page: Number must be greater than or equal to 1"),
    ("GET", f"{RULES}/_find?per_page=x", None, 400, "[request query]: per_page: Expected number, received nan"),
    (
        "GET",
        f"{RULES}/_find?filter=tags: x",
        None,
        400,
        "This key 'tags' need to be wrapped by a saved object type like alert: Bad Request",
    ),
    (
        "GET",
        f"{RULES}/_find?filter=alert.attributes.zzz: 1",
        None,
        400,
        "This key 'alert.attributes.zzz' does NOT exist in alert saved object index patterns: Bad Request",
    ),
    ("GET", f"{RULES}/_find?filter=alert.attributes.tags: )", None, 500, NO_VALUE),
    ("GET", f"{RULES}/_find?filter=alert.attributes.params.riskScore: 1", None, 501, NO_PARAMETER),
    (
        "GET",
        f"{RULES}/_find?sort_field=name",
        None,
        400,
        ['when "sort_order" and "sort_field" must exist together or not at all'],
    ),
    # bulk actions
    (
        "POST",
        f"{RULES}/_bulk_action",
        {"action": "enable", "ids": [OTHER_ID], "query": ""},
        400,
        "Both query and ids are sent. Define either ids or query in request payload.",
    ),
    (
        "POST",
        f"{RULES}/_bulk_action",
        {"action": "enable", "ids": [OTHER_ID] * 101},
        400,
        "More than 100 ids sent for bulk edit action.",
    ),
    ("POST", f"{RULES}/_bulk_action", {"action": "delete", "ids": [OTHER_ID]}, 500, "Bulk edit failed"),
    (
        "POST",
        f"{RULES}/_bulk_action",
        {"action": "edit", "ids": [OTHER_ID], "edit": []},
        501,
        "Not served by the local Kibana API: the bulk actions are delete, disable, enable",
    ),
    # spaces
    ("GET", "/s/nope/api/detection_engine/rules/_find", None, 403, "Unauthorized to find rules for any rule types"),
    (
        "POST",
        "/api/spaces/space",
        {"id": "Bad Id", "name": "x"},
        400,
        "[request body.id]: must be lower case, a-z, 0-9, '_', and '-' are allowed",
    ),
    ("GET", "/api/spaces/space/nope", None, 404, "Not Found"),
    # exception lists
    ("GET", f"{LISTS}?list_id=nope", None, 404, 'exception list list_id: "nope" does not exist'),
    ("GET", LISTS, None, 400, "id or list_id required"),
    # saved searches
    ("POST", f"{SEARCH}/h1", {"attributes": {"title": "t", "kibanaSavedObjectMeta": SOURCE}}, 200, None),
    (
        "POST",
        f"{SEARCH}/h1",
        {"attributes": {"title": "t", "kibanaSavedObjectMeta": SOURCE}},
        409,
        "Saved object [search/h1] conflict",
    ),
    (
        "POST",
        f"{SEARCH}/h2",
        {"attributes": {"title": "t"}},
        400,
        NO_SOURCE,
    ),
    (
        "POST",
        f"{SEARCH}/h2",
        {"attributes": {"title": "t", "zzz": 1, "kibanaSavedObjectMeta": SOURCE}},
        400,
        "[attributes.zzz]: definition for this key is missing: Bad Request",
    ),
    (
        "POST",
        f"{SEARCH}/h2",
        {"attributes": {"title": "t", "kibanaSavedObjectMeta": SOURCE}, "typeMigrationVersion": "10.2.0"},
        422,
        'Document "h2" belongs to a more recent version of Kibana [10.2.0] when the last known version is [7.9.3].',
    ),
    ("GET", f"{SEARCH}/nope", None, 404, "Saved object [search/nope] not found"),
    (
        "GET",
        "/api/saved_objects/_find",
        None,
        400,
        "[request query.type]: expected at least one defined value but got [undefined]",
    ),
    ("DELETE", f"{SEARCH}/h1", None, 200, None),
    # what is not there, and what is left out on purpose
    ("GET", "/api/nope", None, 404, "Not Found"),
    ("OPTIONS", RULES, None, 404, "Not Found"),
    (
        "GET",
        "/api/data_views",
        None,
        501,
        "Not served by the local Kibana API: ES|QL rules and searches name their indices in FROM",
    ),
    (
        "POST",
        RULES,
        rule(type="query", language="kuery"),
        501,
        "Not served by the local Kibana API: the local API serves rules of type esql, not query",
    ),
]


@pytest.fixture(scope="module")
def kibana(stack: LocalStack) -> Iterator[Server]:
    with serving(stack, "8.12") as server:
        yield server


def test_every_answer_is_the_real_one(stack: LocalStack) -> None:
    """A server of its own: the requests build on each other."""
    differing = []
    with serving(stack, "8.12") as kibana:
        for method, path, body, status, message in CASES:
            answer = kibana.ask(method, path.replace(" ", "%20").replace('"', "%22"), body)
            told = answer.body.get("message") if isinstance(answer.body, dict) else None
            if (answer.status, told) != (status, message):
                differing.append((method, path, (status, message), (answer.status, told)))
            assert answer.headers["x-local-kibana"] == "entra-deployer"
    assert differing == []


CREDENTIALS = [
    ({"authorization": None}, 401, "Unauthorized"),
    ({"authorization": "Basic ZWxhc3RpYzp3cm9uZw=="}, 401, "unable to authenticate user [elastic]"),
    ({"authorization": "ApiKey bm90Omtub3du"}, 401, "unable to authenticate with provided credentials"),
    ({"kbn_xsrf": None}, 400, "Request must contain a kbn-xsrf header."),
    ({"kbn_xsrf": None, "kbn_version": "8.12.2"}, 404, "not found"),
    ({"kbn_version": "8.12.1"}, 400, "Browser client is out of date"),
    ({"elastic_api_version": "2023-10-30"}, 400, 'No version "2023-10-30" available for [delete]'),
    ({"elastic_api_version": "1"}, 400, 'Invalid version. Received "1"'),
]


@pytest.mark.parametrize(("headers", "status", "message"), CREDENTIALS)
def test_the_headers_of_a_write(kibana: Server, headers, status, message) -> None:
    answer = kibana.ask("DELETE", found("nope"), **headers)
    assert answer.status == status
    assert message in answer.message


def test_an_api_key_lets_in_as_well_as_a_password(kibana: Server, stack: LocalStack) -> None:
    elastic = Server(stack.elasticsearch_url, stack.user, stack.password)
    key = elastic.ask("POST", "/_security/api_key", {"name": "tests"}).body["encoded"]
    assert kibana.ask("GET", f"{RULES}/_find", authorization=f"ApiKey {key}").status == 200


def test_the_status_tells_the_version_only_to_those_it_knows(kibana: Server) -> None:
    assert kibana.ask("GET", "/api/status").body["version"]["number"] == "8.12.2"
    short = {"status": {"overall": {"level": "available"}}}
    assert kibana.ask("GET", "/api/status", authorization=None).body == short
    assert kibana.ask("GET", "/api/status", authorization="Basic ZWxhc3RpYzp3cm9uZw==").body == short


class TestRules:
    """What a rule is after a series of writes."""

    def test_what_8_12_drops_without_a_word(self, kibana: Server) -> None:
        sent = rule(
            rule_id="dropped",
            setup="s",
            alert_suppression={"group_by": ["a"]},
            related_integrations=[{"package": "azure", "version": "1"}],
            required_fields=[{"name": "a", "type": "keyword"}],
        )
        made = kibana.ask("POST", RULES, sent).body
        assert (made["setup"], made["related_integrations"], made["required_fields"]) == ("", [], [])
        assert "alert_suppression" not in made
        assert made["enabled"] is True
        assert (made["version"], made["revision"]) == (1, 0)

    def test_the_revision_counts_changes_of_content(self, kibana: Server) -> None:
        kibana.ask("POST", RULES, rule(rule_id="counted", enabled=False))

        def revision(**change) -> int:
            return int(kibana.ask("PATCH", RULES, {"rule_id": "counted", **change}).body["revision"])

        assert revision(name="R") == 0
        assert revision(enabled=True) == 0
        assert revision(name="other") == 1
        assert revision(tags=["a"]) == 2

    def test_a_put_resets_what_it_leaves_out_and_switches_the_rule_on(self, kibana: Server) -> None:
        kibana.ask("POST", RULES, rule(rule_id="put", enabled=False, tags=["a"], note="n", version=7))
        put = kibana.ask("PUT", RULES, rule(rule_id="put")).body
        assert put["tags"] == []
        assert "note" not in put
        assert put["version"] == 7
        assert put["enabled"] is True

    def test_a_rule_is_read_as_soon_as_it_is_written(self, kibana: Server) -> None:
        made = kibana.ask("POST", RULES, rule(rule_id="read")).body
        assert kibana.ask("GET", found("read")).body == made
        assert kibana.ask("GET", f"{RULES}?id={made['id']}").body == made
        kibana.ask("DELETE", found("read"))
        assert kibana.ask("GET", found("read")).status == 404

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ('alert.attributes.tags: "kind: even"', ["n0", "n2"]),
            ('alert.attributes.tags: "kind: even" and not alert.attributes.params.ruleId: "find-0"', ["n2"]),
            ('alert.attributes.params.ruleId: ("find-0" or "find-1")', ["n0", "n1"]),
            ("alert.attributes.params.ruleId: find-*", ["n0", "n1", "n2"]),
            (r'alert.attributes.tags: "kind: \"odd\" or \\"', []),
            ("alert.attributes.params.ruleId: find-* AND alert.attributes.enabled: true", ["n1"]),
            ("alert.attributes.params.ruleId: find-* and alert.attributes.params.immutable: false", ["n0", "n1", "n2"]),
            ('alert.attributes.name: "n2" and alert.attributes.params.type: "esql"', ["n2"]),
        ],
    )
    def test_filters(self, kibana: Server, text: str, names: list[str]) -> None:
        for number in range(3):
            tags = ["kind: odd" if number % 2 else "kind: even"]
            body = rule(rule_id=f"find-{number}", name=f"n{number}", tags=tags, enabled=bool(number % 2))
            kibana.ask("POST", RULES, body)
        path = f"{RULES}/_find?sort_field=name&sort_order=asc&filter={text}".replace(" ", "%20").replace('"', "%22")
        answer = kibana.ask("GET", path)
        assert answer.status == 200, answer
        assert [one["name"] for one in answer.body["data"]] == names


class TestFiles:
    """Import and export."""

    def test_a_bad_line_stops_nothing_but_itself(self, kibana: Server) -> None:
        lines = [rule(rule_id="i1"), '{"broken": ', rule(rule_id="i2", risk_score=101), rule(rule_id="i3")]
        report = kibana.upload(f"{RULES}/_import", lines).body
        assert (report["success"], report["success_count"], report["rules_count"]) == (False, 2, 4)
        assert [error["error"]["message"] for error in report["errors"]] == [
            "Unexpected end of JSON input",
            "risk_score: Number must be less than or equal to 100",
        ]
        assert kibana.ask("GET", found("i3")).status == 200

    def test_an_overwrite_is_a_merge_that_counts_no_revision(self, kibana: Server) -> None:
        kibana.upload(f"{RULES}/_import", [rule(rule_id="merged", note="kept", setup="s", enabled=False)])
        again = kibana.upload(f"{RULES}/_import", [rule(rule_id="merged", name="new")])
        assert again.body["errors"][0]["error"] == {"status_code": 409, "message": 'rule_id: "merged" already exists'}
        assert kibana.upload(f"{RULES}/_import?overwrite=true", [rule(rule_id="merged", name="new")]).body["success"]
        now = kibana.ask("GET", found("merged")).body
        assert (now["name"], now["note"], now["setup"], now["enabled"], now["revision"]) == (
            "new",
            "kept",
            "s",
            False,
            0,
        )

    def test_an_export_can_be_imported(self, kibana: Server) -> None:
        kibana.ask("POST", RULES, rule(rule_id="carried", tags=["x"]))
        text = kibana.ask("POST", f"{RULES}/_export", {"objects": [{"rule_id": "carried"}, {"rule_id": "nope"}]}).body
        lines = text.splitlines()
        assert '"missing_rules":[{"rule_id":"nope"}]' in lines[-1]
        kibana.ask("DELETE", found("carried"))
        assert kibana.upload(f"{RULES}/_import", lines).body["success_count"] == 1
        assert kibana.ask("GET", found("carried")).body["tags"] == ["x"]

    @pytest.mark.parametrize(
        ("form", "expected"),
        [
            ((f"{RULES}/_import", [], "x.json"), (400, "Invalid file extension .json")),
            ((f"{RULES}/_import", [], "x.ndjson", "up"), (500, "Cannot read properties of undefined (reading 'hapi')")),
            (("/api/saved_objects/_import", [], "x.txt"), (400, "Invalid file extension .txt")),
        ],
    )
    def test_a_form_that_is_no_file_of_rules(self, kibana: Server, form, expected) -> None:
        answer = kibana.upload(*form)
        assert (answer.status, answer.message) == expected

    def test_searches_with_a_conflict_are_not_written_at_all(self, kibana: Server) -> None:
        def line(key: str, meta=SOURCE, **more) -> dict:
            attributes = {"title": key, "kibanaSavedObjectMeta": meta}
            return {"type": "search", "id": key, "attributes": attributes, "references": [], **more}

        path = "/api/saved_objects/_import"
        assert kibana.upload(path, [line("s1")]).body["success"]
        both = kibana.upload(path, [line("s1"), line("s2")]).body
        assert (both["success"], both["successCount"]) == (False, 1)
        assert both["errors"][0]["error"] == {"type": "conflict"}
        assert kibana.ask("GET", f"{SEARCH}/s2").status == 404
        assert kibana.upload(f"{path}?overwrite=true", [line("s1"), line("s2")]).body["successCount"] == 2
        inline = kibana.upload(path, [line("s3", INLINE)]).body["errors"][0]["error"]["output"]["payload"]["message"]
        assert inline == "[references.0.id]: expected value of type [string] but got [Object]: Bad Request"
        assert kibana.upload(path, [line("s3", INLINE, typeMigrationVersion="8.0.0")]).body["success"]

    def test_an_id_of_another_space_is_given_a_new_one(self, kibana: Server) -> None:
        attributes = {"title": "t", "kibanaSavedObjectMeta": SOURCE}
        kibana.ask("POST", "/api/spaces/space", {"id": "there", "name": "there"})
        kibana.ask("POST", f"/s/there{SEARCH}/shared", {"attributes": attributes})
        assert kibana.ask("POST", f"{SEARCH}/shared", {"attributes": attributes}).status == 409
        line = {"type": "search", "id": "shared", "attributes": attributes, "references": []}
        result = kibana.upload("/api/saved_objects/_import", [line]).body["successResults"][0]
        assert kibana.ask("GET", f"{SEARCH}/{result['destinationId']}").body["originId"] == "shared"


def test_an_import_into_a_space_that_is_not_there_answers_200_with_an_error_for_each_rule(kibana: Server) -> None:
    answer = kibana.upload(f"/s/nowhere{RULES}/_import", [rule(rule_id="lost-1"), rule(rule_id="lost-2")])
    assert answer.status == 200
    assert (answer.body["success"], answer.body["success_count"], answer.body["rules_count"]) == (False, 0, 2)
    words = "Unauthorized to find rules for any rule types"
    assert [(one["rule_id"], one["error"]["message"]) for one in answer.body["errors"]] == [
        ("lost-1", words),
        ("lost-2", words),
    ]


def test_with_a_refresh_each_write_waits_for_it_and_an_import_for_three(stack: LocalStack) -> None:
    with serving(stack, "8.12", refresh="300ms") as server:
        began = time.monotonic()
        assert server.upload(f"{RULES}/_import", [rule(rule_id="waits")]).body["success"]
        assert time.monotonic() - began > 0.6
        found = server.ask("GET", f"{RULES}?rule_id=waits")
        assert found.status == 200  # whoever waited is found by a search
