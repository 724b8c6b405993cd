"""Test files: what is read, and what is said about what cannot be."""

from dataclasses import replace
from pathlib import Path

import pytest

from entra_deployer.core.cache import Cache
from entra_deployer.core.json import pack
from entra_deployer.hunts.detection_test import (
    MAX_TEST,
    detection_test_as_yaml,
    parse_detection_test,
    read_detection_tests,
)
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from tests.reading import there

GOOD = """\
name: Failed sign-ins
index: logs-azure.signinlogs-default
templates:
  failure:
    event.outcome: failure
    event.category: [authentication]
    source: {as: {organization.name: X, number: 1}, ip: 192.0.2.1}
  late: {event.created: 2026-01-02}
events:
  - name: one
    template: failure
    at: 2h ago
    set: {user.name: alice}
  - name: many
    template: [failure, late]
    at: 1d 12h ago
    count: 3
    every: 10m
    remove: [source.as]
    set: {user.name: bob, event.outcome: null}
  - name: bare
    at: now
catches:
  - entity: {user.name: alice, n: 1}
    reason: it failed
ignores:
  - entity: {user.name: bob, ok: true}
"""


def read(text):
    return parse_detection_test(text, source="rules/h/tests/t.yaml", subject="h")


def test_events_start_from_templates_and_have_what_is_set_on_top():
    test, issues = read(GOOD)
    assert issues == ()
    one, many, bare = test.events
    assert one.document == {
        "event.outcome": "failure",
        "event.category": ["authentication"],
        "source.as.organization.name": "X",
        "source.as.number": 1,
        "source.ip": "192.0.2.1",
        "user.name": "alice",
    }
    assert (one.age, one.count, one.every) == (7200, 1, 1)
    assert (many.age, many.count, many.every) == (129600, 3, 600)
    assert many.document == {
        "event.outcome": None,
        "event.category": ["authentication"],
        "source.ip": "192.0.2.1",
        "event.created": "2026-01-02",
        "user.name": "bob",
    }
    assert (bare.document, bare.age) == ({}, 0)


def test_expectations_are_called_by_their_values():
    test, _ = read(GOOD)
    assert [(item.name, item.entity, item.reason) for item in test.catches] == [
        ("alice / 1", {"user.name": "alice", "n": 1}, "it failed")
    ]
    assert test.ignores[0].name == "bob / true"
    assert (test.name, test.index, test.query) == ("Failed sign-ins", "logs-azure.signinlogs-default", None)


@pytest.mark.parametrize(
    ("old", "new", "place", "said"),
    [
        ("template: failure", "template: failures", "11:5", "no template 'failures'"),
        ("  - name: bare\n    at: now", "  - name: bare\n    at: yesterday", "22:5", "yesterday"),
        ("count: 3", "count: 0", "17:5", "count"),
        ("count: 3", "count: many", "17:5", "whole number"),
        ("count: 3", "cuont: 3", "17:5", "cuont"),
        ("name: Failed sign-ins\n", "", "1:1", "'name'"),
        ("index: logs-azure", "index: Logs azure", "2:1", "not of the expected form"),
        ("user.name: bob, ok: true", "user.name: alice, n: 1", "27:5", "under `catches`"),
        ("    at: 2h ago", "    at: 2h ago\n    at: 3h ago", "13:5", "twice"),
        ("templates:", "templates: [", "3:1", "YAML"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(old, new, place, said):
    text = GOOD.replace(old, new, 1)
    test, issues = read(text)
    assert test is None
    assert any(said in issue.message for issue in issues), issues
    assert {issue.subject for issue in issues} == {"h"}
    if said != "YAML":
        assert f"rules/h/tests/t.yaml:{place}" in [str(issue.location) for issue in issues]


@pytest.mark.parametrize("index", [".alerts-security.alerts-default", ".siem-signals-default", "logs-okta.system-a_b"])
def test_events_may_live_in_an_index_of_the_stack_itself(index):
    test, issues = read(GOOD.replace("logs-azure.signinlogs-default", index, 1))
    assert test is not None, issues
    assert test.index == index


def test_a_test_that_expects_nothing_proves_nothing():
    text = GOOD[: GOOD.index("catches:")]
    assert "nothing is expected" in read(text)[1][0].message


def test_all_files_of_a_folder_are_read_and_all_broken_ones_named(tmp_path: Path):
    tests = tmp_path / "hunt" / "tests"
    tests.mkdir(parents=True)
    (tests / "a.yaml").write_text("name: 1")
    (tests / "b.yaml").write_text(GOOD)
    (tests / "c.yml").write_bytes(b"\xff")
    (tests / "notes.txt").write_text("x")
    found, issues = read_detection_tests(tmp_path / "hunt", source="rules/hunt")
    assert [test.source for test in found] == ["rules/hunt/tests/b.yaml"]
    assert {there(issue.location).path for issue in issues} == {"rules/hunt/tests/a.yaml", "rules/hunt/tests/c.yml"}


def test_what_is_kept_of_a_test_is_what_its_file_says_and_only_while_it_says_so(tmp_path: Path):
    hunt, kept = tmp_path / "hunt", Cache(tmp_path / "kept")
    (hunt / "tests").mkdir(parents=True)
    file = hunt / "tests" / "a.yaml"
    file.write_text(GOOD)

    def found():
        return read_detection_tests(hunt, source="rules/hunt", kept=kept)

    fresh = found()
    assert fresh == ((parse_detection_test(GOOD, source="rules/hunt/tests/a.yaml")[0],), ())
    [entry] = kept.folder.glob("??/*")
    assert found() == fresh
    entry.write_bytes(pack(replace(fresh[0][0], name="as kept")))
    assert [test.name for test in found()[0]] == ["as kept"]  # the file is not parsed again
    entry.write_bytes(b"torn")
    assert found() == fresh
    file.write_text(GOOD.replace("alice", "carol"))
    assert [one.name for one in found()[0][0].catches] == ["carol / 1"]
    file.write_text("name: 1")
    assert found()[0] == ()
    assert found()[1] != ()


def test_a_hunt_without_tests_has_none(tmp_path: Path):
    assert read_detection_tests(tmp_path, source="rules/x") == ((), ())


def test_the_example_in_the_docs_is_a_test():
    docs = Path(__file__).parents[2] / "docs" / "detection-tests.md"
    example = docs.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    test, issues = read(example)
    assert issues == ()
    assert test.events[0].count == 3


def test_a_file_of_thousands_of_events_reads_back():
    documents = [{"user.name": f"user-{number}", "source.ip": "192.0.2.1"} for number in range(4000)]
    events = tuple(Event(f"one of {one['user.name']}", one, 60.0) for one in documents)
    caught = (Expectation("user-1", {"user.name": "user-1"}),)
    text = detection_test_as_yaml(DetectionTest("many", "t.yaml", "logs-x-default", events, caught, ()))
    assert len(text) < MAX_TEST
    test, issues = read(text)
    assert (issues, there(test).events) == ((), events)
