"""The schema watch: fields of a source that is not there, lacks some, or has changed, as each command tells it."""

import pytest
import requests

pytestmark = pytest.mark.any_stack

EVENTS = """\
name: one fails, one does not
index: logs-tests-{key}-default
events:
  - {{name: a failure, at: 10m ago, count: 5, set: {{user.name: mallory}}}}
  - {{name: a slip, at: 10m ago, count: 3, set: {{user.name: alice}}}}
catches:
  - entity: {{user.name: mallory}}
ignores:
  - entity: {{user.name: alice}}
"""


class Source:
    """The indices that the hunts of a project read; gone after the test."""

    def __init__(self, project, stack):
        self.project, self.stack, self.key = project, stack, f"w{project.space[-8:]}"
        self.names = []

    def ask(self, method, path, body=None):
        url = f"{self.stack.elasticsearch_url}/{path}"
        answer = requests.request(method, url, json=body, auth=("elastic", self.stack.password), timeout=30)
        answer.raise_for_status()

    def index(self, number, kind):
        """An index that maps user.name to a type, or not at all."""
        name = f"logs-tests-{self.key}-{number}"
        user = {"user": {"properties": {"name": {"type": kind}}}} if kind else {}
        self.remove(name)
        self.ask("PUT", name, {"mappings": {"properties": {"@timestamp": {"type": "date"}, **user}}})
        self.names.append(name)

    def remove(self, name):
        if name in self.names:
            self.ask("DELETE", name)
            self.names.remove(name)

    def hunts(self, *numbers):
        """Hunts that all read this source; their names."""
        for number in numbers:
            folder = self.project.add_hunt(self.key, number=number, settings="enabled: true\nduplicates: none\n")
            (folder / "tests").mkdir(exist_ok=True)
            (folder / "tests" / "a.yaml").write_text(EVENTS.format(key=self.key), "utf-8")
            text = (folder / "hunt.toml").read_text("utf-8").replace(f'name = "{self.key} of', f'name = "R{number} of')
            (folder / "hunt.toml").write_text(text, "utf-8")
            folder.rename(folder.with_name(f"{self.key}_{number}"))
        return {f"R{number} of {self.project.space}" for number in numbers}


@pytest.fixture
def source(project, stack):
    found = Source(project, stack)
    yield found
    for name in list(found.names):
        found.remove(name)


def issues(document):
    return {issue["code"]: issue for issue in document["issues"]}


def test_a_source_that_is_not_there_yet_is_a_warning_everywhere(project, source):
    source.hunts(1)
    code, document = project.document("push", "test")
    assert (code, issues(document)["DEP330"]["level"]) == (0, "warning")
    code, document = project.document("verify", "--on", "test")
    assert (code, issues(document)["DEP330"]["level"], document["verdicts"][0]["status"]) == (0, "warning", "passed")
    code, document = project.document("drift", "test")
    assert (code, issues(document)["DEP330"]["level"], document["differences"]) == (0, "warning", [])


def test_a_type_that_changed_after_the_push_is_a_failure_that_names_each_rule(project, source):
    names = source.hunts(1, 2)
    source.index(1, "keyword")
    assert project.deploy("push", "test") == 0, project.output
    assert project.deploy("verify", "--on", "test") == 0, project.output
    assert "DEP33" not in project.output

    source.index(1, "text")
    said = "user.name was keyword at the last push and is text"
    code, document = project.document("drift", "test")
    assert (code, {one["name"] for one in document["differences"]}) == (2, names)
    assert {one["kind"] for one in document["differences"]} == {"source_changed"}
    code, document = project.document("verify", "--on", "test")
    told = [one for one in document["issues"] if one["code"] == "DEP333"]
    assert (code, {one["subject"] for one in told}, {one["level"] for one in told}) == (2, names, {"error"})
    assert {one["status"] for one in document["verdicts"]} == {"failed"}
    assert not any(one["missed"] or one["false_alarms"] for one in document["verdicts"]), "it was tried on the new type"
    code, document = project.document("plan", "test")
    assert code == 0
    assert issues(document)["DEP333"]["message"].startswith(said)
    assert all(name in issues(document)["DEP333"]["message"] for name in names)


def test_a_changed_type_stays_one_until_somebody_takes_it(project, source):
    source.hunts(1)
    source.index(1, "keyword")
    assert project.deploy("push", "test") == 0, project.output
    source.index(1, "text")
    assert project.deploy("push", "test") == 0
    assert project.deploy("drift", "test") == 2, "a push that changes nothing takes nothing"
    code, document = project.document("push", "test", "--accept-types")
    assert (code, document["plan"]["changes"]) == (0, [])
    assert "taken as it is" in issues(document)["DEP333"]["hint"]
    assert project.deploy("drift", "test") == 0, project.output
    assert project.deploy("verify", "--on", "test") == 0, project.output


def test_a_field_that_only_some_indices_have_is_told_with_them(project, source):
    source.hunts(1)
    source.index(1, "keyword")
    source.index(2, None)
    for command in (("plan", "test"), ("push", "test"), ("verify", "--on", "test")):
        code, document = project.document(*command)
        issue = issues(document)["DEP334"]
        assert (code, issue["level"]) == (0, "warning"), command
        assert (
            f"is missing from 1 of 2 indices of logs-tests-{source.key}* (logs-tests-{source.key}-2)"
            in (issue["message"])
        )


def test_a_field_that_lost_its_type_or_has_several_fails_its_rule(project, source):
    source.hunts(1)
    source.index(1, "keyword")
    assert project.deploy("push", "test") == 0, project.output
    source.index(1, None)
    code, document = project.document("verify", "--on", "test")
    assert (code, issues(document)["DEP335"]["level"]) == (2, "error")
    source.index(1, "keyword")
    source.index(2, "ip")
    code, document = project.document("verify", "--on", "test")
    assert (code, "is ip and keyword in" in issues(document)["DEP333"]["message"]) == (2, True)
    assert project.deploy("drift", "test") == 2


def test_a_source_that_is_gone_is_drift(project, source):
    names = source.hunts(1)
    source.index(1, "keyword")
    assert project.deploy("push", "test") == 0, project.output
    source.remove(source.names[0])
    code, document = project.document("drift", "test")
    assert (code, {one["name"] for one in document["differences"]}) == (2, names)
    assert "no data any more" in issues(document)["DEP330"]["message"]
    assert project.deploy("verify", "--on", "test") == 2


@pytest.mark.parametrize(
    ("kinds", "health", "said"),
    [
        (["keyword"], "ok", "2 of 2 fields as the rules need them"),
        (["keyword", None], "warning", "partly mapped: user.name (not in 1 of 2 indices)"),
        (["text"], "warning", "of another type: user.name (text, not keyword)"),
        ([None], "error", "absent: user.name"),
    ],
)
def test_the_doctor_grades_each_source(project, source, kinds, health, said):
    source.hunts(1)
    for number, kind in enumerate(kinds):
        source.index(number, kind)
    code, document = project.document("doctor", "test")
    found = {one["about"]: one for one in document["findings"]}["fields"]
    assert (code, found["health"]) == (1 if health == "error" else 0, health)
    assert said in found["message"]
