"""How the local Kibana API runs rules in the versions it speaks like, on a real Elasticsearch."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.local.stack import LocalStack
from tests.integration.kibana_server import Server, serving
from tests.integration.test_kibana_contract import RULES, rule

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ALERT = "kibana.alert"
MAPPING = {
    "@timestamp": {"type": "date"},
    "event": {"properties": {"ingested": {"type": "date"}, "outcome": {"type": "keyword"}}},
    "user": {"properties": {"name": {"type": "keyword"}}},
    "source": {"properties": {"ip": {"type": "ip"}}},
    "count": {"type": "long"},
    "tags": {"type": "keyword"},
}


@pytest.fixture(scope="module")
def elastic(stack: LocalStack) -> Server:
    return Server(stack.elasticsearch_url, stack.user, stack.password)


@pytest.fixture(scope="module")
def index(elastic: Server) -> Iterator[str]:
    """Six documents, ten minutes apart, the last one at noon."""
    name = f"tests-kibana-{uuid.uuid4().hex[:8]}"
    elastic.ask("PUT", f"/{name}", {"mappings": {"properties": MAPPING}})
    for number in range(6):
        happened = NOON - timedelta(minutes=10 * (5 - number))
        document = {
            "@timestamp": happened.isoformat(),
            "event": {"ingested": (happened + timedelta(hours=1)).isoformat(), "outcome": "failure"},
            "user": {"name": "alice" if number % 2 else "bob"},
            "source": {"ip": "203.0.113.1"},
            "count": number,
            "tags": ["a", "b"],
        }
        elastic.ask("PUT", f"/{name}/_create/doc-{number}?refresh=true", document)
    yield name
    elastic.ask("DELETE", f"/{name}")


@pytest.fixture(scope="module", params=["8.12", "8.19"])
def kibana(request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[Server]:
    with serving(stack, request.param) as server:
        yield server


@pytest.fixture(scope="module")
def new(stack: LocalStack) -> Iterator[Server]:
    with serving(stack, "8.19") as server:
        yield server


def preview(kibana: Server, query: str, end: datetime = NOON, runs: int = 1, start: str = "now-1h", **fields) -> dict:
    """The answer of a preview that looks back an hour, unless the fields say otherwise."""
    body = rule(query=query, invocationCount=runs, timeframeEnd=end.isoformat(), **{"from": start, **fields})
    answer = kibana.ask("POST", f"{RULES}/preview", body)
    assert answer.status == 200, answer
    return dict(answer.body)


def alerts(elastic: Server, uuid_: str, alias: str = ".preview.alerts-security.alerts-default") -> list[dict]:
    query = {"query": {"term": {f"{ALERT}.rule.uuid": uuid_}}, "size": 1000}
    hits = elastic.ask("POST", f"/{alias}/_search", query).body["hits"]["hits"]
    return [hit["_source"] for hit in hits]


def previewed(kibana: Server, elastic: Server, query: str, **fields) -> list[dict]:
    return alerts(elastic, preview(kibana, query, **fields)["previewId"])


def with_metadata(kibana: Server, index: str, *names: str) -> str:
    """FROM with METADATA, as the version wants it."""
    listed = ", ".join(names)
    return f"from {index} [metadata {listed}]" if kibana.profile == "8.12" else f"from {index} metadata {listed}"


class TestWindow:
    """What a run sees is its time window, whatever the query says."""

    def test_documents_outside_are_not_seen(self, kibana, elastic, index) -> None:
        query = f"from {index} | stats seen = count(*)"
        assert previewed(kibana, elastic, query)[0]["seen"] == 6
        assert previewed(kibana, elastic, query, **{"from": "now-25m"})[0]["seen"] == 3
        assert previewed(kibana, elastic, query, **{"from": "now-25m", "to": "now-15m"})[0]["seen"] == 1
        assert previewed(kibana, elastic, query, end=NOON - timedelta(minutes=45))[0]["seen"] == 1

    def test_another_time_field(self, kibana, elastic, index) -> None:
        query = f"from {index} | stats seen = count(*)"
        late = {"timestamp_override": "event.ingested", "end": NOON + timedelta(hours=1)}
        assert previewed(kibana, elastic, query, **late, **{"from": "now-15m"})[0]["seen"] == 2
        log = preview(kibana, query, timestamp_override="nope.ts")["logs"][0]
        assert (
            log["warnings"]
            == [f'The following indices are missing the timestamp override field "nope.ts": ["{index}"]'] * 2
        )

    def test_each_invocation_has_its_own(self, kibana, elastic, index) -> None:
        answer = preview(kibana, f"from {index} | stats seen = count(*)", runs=3, interval="10m", start="now-10m")
        assert [log["startedAt"][11:16] for log in answer["logs"]] == ["11:40", "11:50", "12:00"]
        assert [alert["seen"] for alert in alerts(elastic, answer["previewId"])] == [2, 2, 2]


class TestIdentity:
    """Overlapping runs see a document twice: it is one alert where the row tells which document it is."""

    def test_documents_are_told_apart_by_their_id(self, kibana, elastic, index) -> None:
        query = with_metadata(kibana, index, "_id", "_index", "_version") + " | where count >= 4"
        answer = preview(kibana, query, runs=2, interval="5m")
        found = alerts(elastic, answer["previewId"])
        assert sorted(alert[f"{ALERT}.ancestors"][0]["id"] for alert in found) == ["doc-4", "doc-5"]

    def test_groups_are_new_each_time(self, kibana, elastic, index) -> None:
        query = f"from {index} | stats seen = count(*) by user.name"
        answer = preview(kibana, query, runs=2, interval="5m")
        assert len(alerts(elastic, answer["previewId"])) == 4

    def test_rows_of_one_document_are_one_alert(self, kibana, elastic, index) -> None:
        query = with_metadata(kibana, index, "_id", "_index", "_version") + " | where count == 1 | mv_expand tags"
        assert len(previewed(kibana, elastic, query)) == 1


class TestContent:
    """What an alert holds."""

    def test_the_whole_document_comes_with_its_id(self, kibana, elastic, index) -> None:
        query = (
            with_metadata(kibana, index, "_id", "_index", "_version") + " | where count == 1 | keep _id, _index, count"
        )
        [alert] = previewed(kibana, elastic, query)
        assert alert["count"] == 1
        assert alert["user"] == {"name": "alice"}
        assert alert["event.kind"] == "signal"
        assert alert[f"{ALERT}.original_time"] == "2026-03-01T11:20:00.000Z"
        assert alert["@timestamp"] == "2026-03-01T12:00:00.000Z"
        assert alert[f"{ALERT}.reason"] == "event by alice created low alert R."

    def test_columns_that_the_mapping_cannot_take_are_dropped(self, kibana, elastic, index) -> None:
        columns = 'source.ip = "no ip", signal = 1, source.port = "abc", mine = 1'
        query = f"from {index} | stats user = count(*) | eval {columns}"
        [alert] = previewed(kibana, elastic, query)
        assert alert["mine"] == 1
        assert not {"user", "source.ip", "signal", "source.port"} & alert.keys()

    def test_overrides_by_columns(self, kibana, elastic, index) -> None:
        mapping = {"operator": "equals", "value": "alice", "severity": "critical", "field": "user.name"}
        found = previewed(
            kibana,
            elastic,
            f"from {index} | stats score = max(count) by user.name | sort user.name",
            rule_name_override="user.name",
            severity_mapping=[mapping],
            risk_score_mapping=[{"field": "score", "operator": "equals", "value": ""}],
        )
        told = [(one[f"{ALERT}.rule.name"], one[f"{ALERT}.severity"], one[f"{ALERT}.risk_score"]) for one in found]
        assert sorted(told) == [("alice", "critical", 5), ("bob", "low", 4)]


class TestLimits:
    """How many alerts a run writes."""

    def test_more_rows_than_max_signals_are_left_out_with_a_warning(self, kibana, elastic, index) -> None:
        answer = preview(kibana, f"from {index} | stats seen = count(*) by count", max_signals=4)
        assert len(alerts(elastic, answer["previewId"])) == 4
        assert answer["logs"][0]["warnings"][0].startswith("This rule reached the maximum alert limit")

    def test_exactly_max_signals_rows_are_no_reason_to_warn(self, kibana, elastic, index) -> None:
        answer = preview(kibana, f"from {index} | stats seen = count(*) by count", max_signals=6)
        assert len(alerts(elastic, answer["previewId"])) == 6
        assert answer["logs"][0]["warnings"] == []

    def test_8_12_says_nothing_of_more_than_a_thousand(self, kibana, elastic, index) -> None:
        answer = preview(kibana, f"from {index} | stats seen = count(*) by count", max_signals=1001)
        assert (answer["logs"][0]["errors"], answer["logs"][0]["warnings"]) == ([], [])
        assert len(alerts(elastic, answer["previewId"])) == (0 if kibana.profile == "8.12" else 6)

    def test_an_invocation_is_asked_for_at_least(self, kibana, index) -> None:
        body = preview(kibana, f"from {index}", runs=0)
        assert body == {"logs": [{"errors": ["Invalid invocation count"], "warnings": [], "duration": 0}]}


class TestQueries:
    """What the versions read out of the text of a query."""

    def test_an_error_is_in_the_log(self, kibana, index) -> None:
        query = f"from {index} | where nope == 1"
        [log] = preview(kibana, query, runs=3)["logs"]
        column = query.index("nope") + 1
        assert log["errors"][0].endswith(f'Found 1 problem\nline 1:{column}: Unknown column [nope]"')

    def test_an_index_that_is_not_there_is_a_warning(self, kibana) -> None:
        [log] = preview(kibana, "from no-such-index | limit 1")["logs"]
        assert log["errors"] == []
        assert 'no index matching: ["no-such-index"] was found' in log["warnings"][0]

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ('| where user.name != "mail from alice" | stats seen = count(*)', "alice"),
            ("// not from users\n| stats seen = count(*)", "users"),
        ],
    )
    def test_8_12_takes_the_last_from_for_the_index(self, kibana, elastic, index, text: str, name: str) -> None:
        answer = preview(kibana, f"from {index} {text}")
        found, warnings = alerts(elastic, answer["previewId"]), answer["logs"][0]["warnings"]
        if kibana.profile == "8.12":
            assert found == []
            assert f'no index matching: ["{name}"] was found' in warnings[0]
        else:
            assert (len(found), warnings) == (1, [])

    def test_metadata_without_brackets_is_for_later_versions(self, kibana, elastic, index) -> None:
        answer = preview(kibana, f"from {index} metadata _id, _index, _version | limit 2")
        found, [log] = alerts(elastic, answer["previewId"]), answer["logs"]
        if kibana.profile == "8.12":
            assert found == []
            assert "Invalid index name [_index], must not start with '_'." in log["errors"][0]
        else:
            assert (len(found), log["errors"], log["warnings"]) == (2, [], [])


def test_exceptions_keep_documents_out(kibana, elastic, index) -> None:
    lists = "/api/exception_lists"
    made = kibana.ask("POST", lists, {"list_id": "known", "name": "n", "description": "d", "type": "detection"}).body
    item = {"list_id": "known", "item_id": "i", "name": "i", "description": "d", "type": "simple"}
    entry = {"field": "user.name", "operator": "included", "type": "match", "value": "bob"}
    kibana.ask("POST", f"{lists}/items", {**item, "entries": [entry]})
    reference = {name: made[name] for name in ("id", "list_id", "type", "namespace_type")}
    query = f"from {index} | stats seen = count(*) by user.name"
    found = previewed(kibana, elastic, query, exceptions_list=[reference])
    assert [(alert["user.name"], alert["seen"]) for alert in found] == [("alice", 3)]


class TestSuppression:
    """Alert suppression, which 8.12 does not know."""

    def test_rows_that_agree_are_one_alert(self, new, elastic, index) -> None:
        query = f"from {index} metadata _id, _index, _version"
        found = previewed(new, elastic, query, alert_suppression={"group_by": ["user.name"]})
        told = {one["user.name"]: one[f"{ALERT}.suppression.docs_count"] for one in found}
        assert told == {"alice": 2, "bob": 2}
        assert {one[f"{ALERT}.suppression.start"][11:16] for one in found} == {"11:10", "11:20"}

    def test_a_duration_reaches_over_several_runs(self, new, elastic, index) -> None:
        query = f"from {index} metadata _id, _index, _version"
        duration = {"group_by": ["user.name"], "duration": {"value": 1, "unit": "h"}}
        schedule = {"runs": 6, "interval": "10m", "from": "now-9m"}
        assert len(previewed(new, elastic, query, **schedule, alert_suppression={"group_by": ["user.name"]})) == 6
        found = previewed(new, elastic, query, **schedule, alert_suppression=duration)
        assert {one["user.name"]: one[f"{ALERT}.suppression.docs_count"] for one in found} == {"alice": 2, "bob": 2}

    def test_rows_without_the_field_may_stand_alone(self, new, elastic, index) -> None:
        query = f'from {index} | eval who = case(user.name == "alice", user.name, null) | keep who, count'
        together = {"group_by": ["who"]}
        apart = {**together, "missing_fields_strategy": "doNotSuppress"}
        assert len(previewed(new, elastic, query, alert_suppression=together)) == 2
        assert len(previewed(new, elastic, query, alert_suppression=apart)) == 4

    def test_a_basic_licence_keeps_the_field_and_does_nothing_by_it(self, stack, elastic, index) -> None:
        suppression = {"group_by": ["user.name"]}
        with serving(stack, "8.19", "basic") as basic:
            made = basic.ask("POST", RULES, rule(rule_id="basic", enabled=False, alert_suppression=suppression)).body
            assert made["alert_suppression"] == suppression
            found = previewed(basic, elastic, f"from {index} metadata _id", alert_suppression=suppression)
        assert len(found) == 6


class TestDeployedRules:
    """Rules that are there run by a route of our own."""

    def run(self, kibana: Server, rule_id: str, at: datetime = NOON) -> dict:
        return dict(kibana.ask("POST", "/local/rules/run", {"rule_id": rule_id, "at": at.isoformat()}).body)

    def test_a_run_writes_alerts_and_is_told_in_the_rule(self, kibana, elastic, index) -> None:
        query = with_metadata(kibana, index, "_id", "_index", "_version")
        made = kibana.ask("POST", RULES, rule(rule_id="run", query=query, **{"from": "now-25m"})).body
        assert "execution_summary" not in kibana.ask("GET", f"{RULES}?rule_id=run").body
        assert self.run(kibana, "run") == {"status": "succeeded", "errors": [], "warnings": [], "created": 3}
        assert self.run(kibana, "run")["created"] == 0  # the same documents are the same alerts
        last = kibana.ask("GET", f"{RULES}?rule_id=run").body["execution_summary"]["last_execution"]
        assert (last["date"], last["status"], last["status_order"]) == ("2026-03-01T12:00:00.000Z", "succeeded", 0)
        assert last["message"] == "Rule execution completed successfully"
        wanted = {"query": {"term": {f"{ALERT}.rule.uuid": made["id"]}}, "size": 10}
        hits = elastic.ask("POST", "/.alerts-security.alerts-default/_search", wanted).body["hits"]["hits"]
        assert {hit["_index"] for hit in hits} == {".internal.alerts-security.alerts-default-000001"}
        assert {hit["_source"][f"{ALERT}.rule.producer"] for hit in hits} == {"siem"}
        kibana.ask("DELETE", f"{RULES}?rule_id=run")

    def test_failures_and_warnings_are_told_in_the_rule(self, kibana) -> None:
        for rule_id, query, status, order in (
            ("broken", "frm x", "failed", 30),
            ("lost", "from no-such-index", "partial failure", 20),
        ):
            kibana.ask("POST", RULES, rule(rule_id=rule_id, query=query))
            assert self.run(kibana, rule_id)["status"] == status
            last = kibana.ask("GET", f"{RULES}?rule_id={rule_id}").body["execution_summary"]["last_execution"]
            assert (last["status"], last["status_order"], last["metrics"]) == (status, order, {})
            kibana.ask("DELETE", f"{RULES}?rule_id={rule_id}")

    def test_an_update_keeps_what_the_last_run_said(self, kibana) -> None:
        kibana.ask("POST", RULES, rule(rule_id="kept", query="from no-such-index"))
        self.run(kibana, "kept")
        kibana.ask("PATCH", RULES, {"rule_id": "kept", "name": "other"})
        assert "execution_summary" in kibana.ask("GET", f"{RULES}?rule_id=kept").body
        assert "execution_summary" not in json.dumps(kibana.ask("POST", f"{RULES}/_export").body)
        kibana.ask("DELETE", f"{RULES}?rule_id=kept")

    def test_there_has_to_be_a_rule_and_a_time(self, kibana) -> None:
        assert kibana.ask("POST", "/local/rules/run", {"rule_id": "nope"}).status == 404
        assert kibana.ask("POST", "/local/rules/run", {"rule_id": "nope", "at": "noon"}).status == 400
