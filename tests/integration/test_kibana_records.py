"""The local Kibana API against what a real Kibana 8.12.2 answered."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from entra_deployer.local.stack import LocalStack
from tests.integration import recorded
from tests.integration.kibana_server import Server, serving
from tests.integration.recorded import Alerts, Step


@pytest.fixture(scope="module")
def elastic(stack: LocalStack) -> Server:
    """The Elasticsearch below."""
    return Server(stack.elasticsearch_url, stack.user, stack.password)


@pytest.fixture(scope="module")
def kibana(stack: LocalStack, elastic: Server) -> Iterator[Server]:
    """A fresh server that speaks like 8.12, with the documents that the previews were recorded on."""
    with serving(stack, "8.12") as server:
        elastic.ask("DELETE", f"/{recorded.INDEX}")
        settings = {"settings": {"number_of_replicas": 0}, "mappings": recorded.MAPPINGS}
        assert elastic.ask("PUT", f"/{recorded.INDEX}", settings).status == 200
        lines: list[object] = []
        for number, document in enumerate(recorded.documents(datetime.now(UTC))):
            lines += [{"create": {"_id": f"doc-{number:02d}"}}, document]
        body = "".join(f"{json.dumps(line)}\n" for line in lines).encode()
        answer = elastic.ask("POST", f"/{recorded.INDEX}/_bulk?refresh=true", body, content_type="application/x-ndjson")
        assert answer.body["errors"] is False
        yield server
        elastic.ask("DELETE", f"/{recorded.INDEX}")


def test_the_replay_agrees(kibana: Server, stack: LocalStack) -> None:
    """97 % of the status codes and 95 % of the shapes, over at least 600 requests. The real one: 99.4 % and 97.6 %."""
    result = recorded.replay(kibana.url, stack.user, stack.password)
    told = "\n".join(result.differing)
    assert result.asked >= 600
    assert result.same_status >= 0.97 * result.asked, told
    assert result.same_shape >= 0.95 * result.asked, told


@pytest.fixture(scope="module")
def previews() -> dict[int, Step]:
    """The recorded requests by their numbers."""
    return {step.seq: step for step in recorded.steps()}


@pytest.mark.parametrize("expected", recorded.alerts(), ids=lambda expected: expected.name)
def test_previews_write_the_recorded_alerts(
    expected: Alerts, kibana: Server, elastic: Server, previews: dict[int, Step]
) -> None:
    """The same number of alerts with the same fields, and the same log."""
    step = previews[expected.preview]
    end = datetime.now(UTC) + timedelta(seconds=1)
    answer = kibana.ask("POST", step.path, {**step.body, "timeframeEnd": end.isoformat()})
    assert answer.status == 200
    logs = [(log["errors"], log["warnings"]) for log in answer.body["logs"]]
    assert logs == [(log["errors"], log["warnings"]) for log in step.response["logs"]]
    found = written(elastic, answer.body["previewId"], len(expected.alerts))
    assert found["total"] == expected.total
    assert fields(hit["_source"] for hit in found["hits"]) == fields(expected.alerts)


def written(elastic: Server, preview_id: str, size: int) -> dict:
    query = {"query": {"term": {"kibana.alert.rule.uuid": preview_id}}, "size": size, "sort": ["@timestamp"]}
    found = elastic.ask("POST", "/.preview.alerts-security.alerts-default/_search", query)
    return dict(found.body["hits"])


def fields(alerts) -> list[list[str]]:
    return sorted(sorted(alert) for alert in alerts)
