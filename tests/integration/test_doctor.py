"""`deploy doctor`: what is told of an environment, and that the role it prints is enough for everything."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
import requests

from entra_deployer.commands import project as cli_project
from entra_deployer.doctor.examine import examine
from entra_deployer.doctor.findings import Health
from entra_deployer.repository import Repository
from entra_deployer.stack.elasticsearch import connect
from entra_deployer.stack.environment import Credentials, Endpoint, Scheme

FEATURES = ("feature_siemV2.all", "feature_discover_v2.all", "feature_savedObjectsTagging.all")


class Elasticsearch:
    """The shared stack's, asked as an administrator would."""

    def __init__(self, stack):
        self.url = stack.elasticsearch_url
        self.auth = ("elastic", stack.password)

    def ask(self, method, path, body=None):
        answer = requests.request(method, self.url + path, json=body, auth=self.auth, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def key(self, role, **more):
        """A new API key with one role; what stands in the Authorization header."""
        body = {"name": "deploy", "role_descriptors": {"deploy": role}, **more}
        found = self.ask("POST", "/_security/api_key", body)
        return b64encode(f"{found['id']}:{found['api_key']}".encode()).decode()


@pytest.fixture(scope="session")
def elastic(stack):
    """With the features of Kibana registered, as a real Kibana does when it starts."""
    found = Elasticsearch(stack)
    actions = {name: {"actions": [f"api:8.19.21:{name}"]} for name in FEATURES}
    found.ask("PUT", "/_security/privilege", {"kibana-.kibana": actions})
    return found


@pytest.fixture
def hunt(project):
    project.add_hunt("alpha", number=1, settings="enabled: true\n")
    return project


def use_key(project, monkeypatch, key):
    """Let the environment come with an API key from now on."""
    file = project.root / "deploy" / "test.yaml"
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("auth:")]
    file.write_text("\n".join([*lines, "auth: {api_key: {variable: TEST_KEY}}\n"]), "utf-8")
    monkeypatch.setenv("TEST_KEY", key)


def findings(document):
    return [(one["about"], one["health"], one["message"]) for one in document["findings"]]


def told(document, health):
    return {about for about, found, _ in findings(document) if found == health}


def test_a_stack_of_ones_own_is_ready(hunt, proxy):
    proxy.clear()
    code, document = hunt.document("doctor", "test")
    assert code == 0
    assert told(document, "error") == set()
    assert told(document, "warning") == {"data"}
    assert ("source", "ok", "may read logs-tests-alpha*") in findings(document)
    assert ("space", "ok", f"{hunt.space} is there") in findings(document)
    assert proxy.writes() == []
    assert hunt.deploy("doctor", "test") == 0
    assert hunt.output.splitlines()[-1] == "Ready to be pushed to, 1 warning."


def test_a_key_with_the_printed_role_can_do_everything(project, elastic, monkeypatch):
    project.add_first_hunt()
    assert project.deploy("doctor", "test", "--role") == 0
    use_key(project, monkeypatch, elastic.key(json.loads(project.output)))
    code, document = project.document("doctor", "test")
    assert (code, told(document, "error")) == (0, set()), findings(document)
    assert told(document, "warning") == {"data"}
    for command in (
        ("push", "test"),
        ("plan", "test", "--detailed-exit-code"),
        ("verify", "--on", "test"),
        ("list", "test"),
        ("drift", "test"),
        ("recover", "test"),
        ("remove", "entra_unusual_client_app_auth_request_on_behalf_of_user", "test", "--yes"),
    ):
        assert project.deploy(*command) == 0, project.output + project.errors
        assert "DEP320" not in project.output


def test_what_a_key_lacks_is_told_with_the_next_step(hunt, elastic, monkeypatch):
    use_key(hunt, monkeypatch, elastic.key({"cluster": ["monitor"], "indices": [], "applications": []}))
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert told(document, "error") == {"kibana", "source", "plan"}
    assert {"ledger", "verify"} <= told(document, "warning")
    text = json.dumps(document)
    for privilege in ("feature_siemV2.all", "feature_discover_v2.all", "read on logs-tests-alpha*", "--role"):
        assert privilege in text
    assert "error" in hunt.output
    assert hunt.deploy("doctor", "test") == 1
    assert "not ready." in hunt.output.splitlines()[-1]


def test_a_key_that_dies_soon_takes_its_rules_with_it(hunt, elastic, monkeypatch):
    hunt.deploy("doctor", "test", "--role")
    use_key(hunt, monkeypatch, elastic.key(json.loads(hunt.output), expiration="10d"))
    code, document = hunt.document("doctor", "test")
    assert code == 0
    (key,) = [message for about, health, message in findings(document) if (about, health) == ("key", "warning")]
    assert key.startswith("API key deploy of elastic expires in ")


def test_a_missing_space_is_an_error(hunt):
    file = hunt.root / "deploy" / "test.yaml"
    file.write_text(file.read_text("utf-8").replace(f"[{hunt.space}]", f"[{hunt.space}, nowhere]"), "utf-8")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert told(document, "error") == {"space", "plan"}
    assert "there is no space nowhere" in json.dumps(document)


def test_what_one_server_knows_is_told_while_the_other_is_away(hunt):
    file = hunt.root / "deploy" / "test.yaml"
    whole = file.read_text("utf-8")
    file.write_text(whole.replace("kibana: {url: '", "kibana: {url: 'http://127.0.0.1:9/"), "utf-8")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert ("kibana", "error") in {(about, health) for about, health, _ in findings(document)}
    assert ("ledger", "ok", "may write entra-deployer-ledger") in findings(document)
    file.write_text(whole.replace("elasticsearch: {url: '", "elasticsearch: {url: 'http://127.0.0.1:9/"), "utf-8")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert told(document, "error") == {"elasticsearch"}
    assert ("space", "ok", f"{hunt.space} is there") in findings(document)


def test_a_wrong_password_is_told_by_both_and_never_shown(hunt, monkeypatch):
    monkeypatch.setenv("TEST_PASSWORD", "s3cr3t-of-the-tests")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert told(document, "error") == {"kibana", "elasticsearch"}
    assert hunt.output.count("the user elastic or the password is wrong") == 2
    assert "s3cr3t-of-the-tests" not in hunt.output + hunt.errors


def test_an_unset_variable_is_told_in_both_forms(hunt, monkeypatch):
    monkeypatch.delenv("TEST_PASSWORD")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert document["findings"] == []
    assert "TEST_PASSWORD is not set" in document["issues"][0]["message"]
    assert "TEST_PASSWORD is not set" in hunt.errors


def test_how_old_the_newest_event_is(hunt, stack):
    client = connect(Endpoint(stack.elasticsearch_url, Credentials(Scheme.BASIC, stack.password, "elastic")))
    index = f"logs-tests-alpha-{hunt.space}"
    now = datetime.now(UTC)
    client.create_index(index, mappings={"properties": {"@timestamp": {"type": "date"}}})
    try:
        assert "holds no events yet" in data(hunt)
        client.bulk(index, [{"@timestamp": (now - timedelta(days=3)).isoformat()}])
        assert "the newest event is 3 days old" in data(hunt)
        client.bulk(index, [{"@timestamp": int(now.timestamp() * 1000)}])
        assert "second" in data(hunt)
    finally:
        client.delete_index(index)
        client.close()


def data(project):
    _, document = project.document("doctor", "test")
    return next(message for about, _, message in findings(document) if about == "data")


def test_a_clock_of_ours_that_is_wrong_is_told_of_both_servers(hunt):
    with cli_project.connection(hunt.root, "test") as connection:
        found = examine(Repository(hunt.root), connection, lambda: datetime.now(UTC) + timedelta(minutes=5))
    clocks = [(one.health, one.message) for one in found.findings if one.about == "clock"]
    assert [health for health, _ in clocks] == [Health.ERROR, Health.ERROR]
    assert all("5 minutes behind" in message for _, message in clocks)


def test_hunts_that_do_not_compile_block_a_push(hunt):
    (hunt.root / "rules" / "alpha" / "rule.yaml").write_text("severty: high\n")
    code, document = hunt.document("doctor", "test")
    assert code == 1
    assert told(document, "error") == {"plan"}
    assert "hunts" in told(document, "warning")


def test_a_role_for_a_version_needs_no_server_and_no_secret(hunt, monkeypatch):
    monkeypatch.delenv("TEST_PASSWORD")
    assert hunt.deploy("doctor", "test", "--role", "--stack", "9.3") == 0
    role = json.loads(hunt.output)
    (kibana,) = role["applications"]
    assert "feature_securitySolutionRulesV1.all" in kibana["privileges"]
    assert kibana["resources"] == [f"space:{hunt.space}"]
    assert role["indices"][0]["names"] == ["logs-tests-alpha*"]
    assert "POST /_security/role/" in hunt.errors


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stack", "9.3"), "--stack belongs to --role"),
        (("--role", "--stack", "new"), "write it as 8.19"),
    ],
)
def test_wrong_usage(hunt, arguments, said):
    assert hunt.deploy("doctor", "test", *arguments) == 64
    assert said in hunt.errors
