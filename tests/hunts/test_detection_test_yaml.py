"""A test as a file, read back as it was."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.files import bad_character
from entra_deployer.hunts.detection_test import detection_test_as_yaml, parse_detection_test
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation

VALUES = st.one_of(
    st.text("ab: #'\"\n-", max_size=6), st.integers(-5, 5), st.booleans(), st.just(["x", 1]), st.just("on")
)
DOCUMENTS = st.dictionaries(st.sampled_from(["user.name", "event.code", "a.b.c", "tags", "when"]), VALUES, max_size=4)
EVENTS = st.builds(
    Event,
    name=st.sampled_from(["one", "two: three"]),
    document=DOCUMENTS,
    age=st.sampled_from([0.0, 5.0, 3600.0, 93784.0]),
    count=st.integers(1, 3),
    every=st.just(1.0),
)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(EVENTS, min_size=1, max_size=3),
    st.sampled_from([None, "main"]),
    st.dictionaries(st.sampled_from(["lk", "x-1"]), st.lists(DOCUMENTS, max_size=2).map(tuple), max_size=2),
    st.sampled_from(["", "03:30", "sat 23:59"]),
)
def test_what_is_written_is_read_again(events, query, lookups, run_at):
    expected = (Expectation("x", {"user.name": "x"}, "why: because"),)
    test = DetectionTest(
        "a test", "rules/x/tests/t.yaml", "logs-x-default", tuple(events), expected, (), query, lookups, run_at
    )
    found, issues = parse_detection_test(detection_test_as_yaml(test, "made\nby hand"), source=test.source)
    assert issues == ()
    assert found == test


@pytest.mark.parametrize("count", [1, 2])
def test_the_first_event_is_the_template_of_the_others(count):
    events = (Event("one", {"a": 1, "b": 2}, 300.0), Event("two", {"a": 3}, 0.0))[:count]
    text = detection_test_as_yaml(DetectionTest("t", "t.yaml", "logs-x", events, (), ()))
    assert ("templates:" in text) is (count == 2)
    assert ("remove:\n      - b\n    set:\n      a: 3" in text) is (count == 2)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=6))
def test_a_text_that_cannot_be_seen_is_written_out_and_read_as_it_was(text):
    if bad_character(text):
        return
    event = Event("one", {"user.name": f"a\u202e{text}"}, 0.0)
    test = DetectionTest("t", "t.yaml", "logs-x", (event,), (Expectation("x", {"user.name": "x"}, ""),), ())
    written = detection_test_as_yaml(test)
    assert "\u202e" not in written
    found, issues = parse_detection_test(written, source=test.source)
    assert (issues, found) == ((), test)
