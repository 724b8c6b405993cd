"""The checks of bodies: what they let through, and the words in which they complain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.local.kibana.errors import Fault
from entra_deployer.local.kibana.profiles import PROFILES, V8_12, V8_19
from entra_deployer.local.kibana.rule_schema import patch_body, rule_body
from entra_deployer.local.kibana.schema import a, checked, exactly, fields, many, number, one_of, text, told

VALID = {
    "type": "esql",
    "language": "esql",
    "query": "",
    "name": "R",
    "description": "D",
    "risk_score": 21,
    "severity": "low",
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("kind", "value", "complaint"),
    [
        (text(), 5, "Expected string, received number"),
        (text(1), "", "String must contain at least 1 character(s)"),
        (number(), True, "Expected number, received boolean"),
        (number(), 1.5, "Expected integer, received float"),
        (number(coerce=True), "x", "Expected number, received nan"),
        (a("boolean"), "true", "Expected boolean, received string"),
        (one_of("a", "b"), None, "Expected 'a' | 'b', received null"),
        (one_of("a", "b"), "c", "Invalid enum value. Expected 'a' | 'b', received 'c'"),
        (exactly(False), True, "Invalid literal value, expected false"),
        (exactly("esql"), None, 'Invalid literal value, expected "esql"'),
        (many(text()), "a", "Expected array, received string"),
        (many(text(), least=1), [], "Array must contain at least 1 element(s)"),
        (many(text()), ["a", 1], "1: Expected string, received number"),
        (fields({"a": text()}), {}, "a: Required"),
        (fields({"a": fields({"b": text()})}), {"a": {"b": 1}}, "a.b: Expected string, received number"),
        (fields({}), [], "Expected object, received array"),
    ],
)
def test_a_complaint(kind, value, complaint):
    assert [str(problem) for problem in checked(kind, value)[1]] == [complaint]


@pytest.mark.parametrize(("value", "whole"), [(3, 3), (3.0, 3), ("3", 3), (" -3 ", -3)])
def test_a_number_may_come_as_a_text_of_a_query_string(value, whole):
    found, problems = checked(number(coerce=True), value)
    assert (found, type(found), problems) == (whole, int, [])


def test_unknown_keys_are_dropped_also_nested_ones():
    kind = fields({"a": fields({"b": text()})})
    assert checked(kind, {"a": {"b": "x", "c": 1}, "d": 1}) == ({"a": {"b": "x"}}, [])


def test_only_the_first_five_problems_are_told():
    kind = fields({str(number): text() for number in range(7)})
    assert told(checked(kind, {})[1]).endswith("4: Required, and 2 more")


@given(JSON)
def test_no_body_breaks_the_checks(value):
    body = value if not isinstance(value, dict) else {**VALID, **value}
    for kind in (rule_body(V8_12), rule_body(V8_19, imported=True), patch_body(V8_19)):
        try:
            found, problems = checked(kind, body)
        except Fault:
            continue
        assert problems or isinstance(found, dict)


@given(st.sampled_from(list(PROFILES)), st.dictionaries(st.text(), JSON, max_size=3))
def test_a_checked_body_is_checked_already(profile, more):
    kind = rule_body(PROFILES[profile])
    found, problems = checked(kind, more | VALID)
    if not problems:
        assert checked(kind, found) == (found, [])


def test_an_import_of_8_12_wants_to_know_what_is_ecs():
    kind = rule_body(V8_12, imported=True)
    body = {**VALID, "rule_id": "x", "required_fields": [{"name": "a", "type": "keyword"}]}
    assert told(checked(kind, body)[1]) == "required_fields.0.ecs: Required"
    assert checked(rule_body(V8_19, imported=True), body)[1] == []
