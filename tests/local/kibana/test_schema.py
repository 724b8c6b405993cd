"""The checks of bodies: what they let through, and the words in which they complain."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.local.kibana.errors import Fault
from entra_deployer.local.kibana.profiles import PROFILES, V8_12, V8_19
from entra_deployer.local.kibana.rule_schema import RuleBody, patch_fields
from entra_deployer.local.kibana.schema import Exactly, Fields, Flag, Many, Number, OneOf, Text, checked, told

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
        (Text(), 5, "Expected string, received number"),
        (Text(1), "", "String must contain at least 1 character(s)"),
        (Number(), True, "Expected number, received boolean"),
        (Number(), 1.5, "Expected integer, received float"),
        (Number(coerce=True), "x", "Expected number, received nan"),
        (Flag(), "true", "Expected boolean, received string"),
        (OneOf(("a", "b")), None, "Expected 'a' | 'b', received null"),
        (OneOf(("a", "b")), "c", "Invalid enum value. Expected 'a' | 'b', received 'c'"),
        (Exactly(value=False), True, "Invalid literal value, expected false"),
        (Exactly("esql"), None, 'Invalid literal value, expected "esql"'),
        (Many(Text()), "a", "Expected array, received string"),
        (Many(Text(), least=1), [], "Array must contain at least 1 element(s)"),
        (Many(Text()), ["a", 1], "1: Expected string, received number"),
        (Fields({"a": Text()}), {}, "a: Required"),
        (Fields({"a": Fields({"b": Text()})}), {"a": {"b": 1}}, "a.b: Expected string, received number"),
        (Fields({}), [], "Expected object, received array"),
    ],
)
def test_a_complaint(kind, value, complaint):
    assert [str(problem) for problem in checked(kind, value)[1]] == [complaint]


@pytest.mark.parametrize(("value", "whole"), [(3, 3), (3.0, 3), ("3", 3), (" -3 ", -3)])
def test_a_number_may_come_as_a_text_of_a_query_string(value, whole):
    found, problems = checked(Number(coerce=True), value)
    assert (found, type(found), problems) == (whole, int, [])


def test_unknown_keys_are_dropped_also_nested_ones():
    kind = Fields({"a": Fields({"b": Text()})})
    assert checked(kind, {"a": {"b": "x", "c": 1}, "d": 1}) == ({"a": {"b": "x"}}, [])


def test_only_the_first_five_problems_are_told():
    kind = Fields({str(number): Text() for number in range(7)})
    assert told(checked(kind, {})[1]).endswith("4: Required, and 2 more")


@given(JSON)
def test_no_body_breaks_the_checks(value):
    body = value if not isinstance(value, dict) else {**VALID, **value}
    for kind in (RuleBody(V8_12), RuleBody(V8_19, imported=True), patch_fields(V8_19)):
        try:
            found, problems = checked(kind, body)
        except Fault:
            continue
        assert problems or isinstance(found, dict)


@given(st.sampled_from(list(PROFILES)), st.dictionaries(st.text(), JSON, max_size=3))
def test_a_checked_body_is_checked_already(profile, more):
    kind = RuleBody(PROFILES[profile])
    found, problems = checked(kind, more | VALID)
    if not problems:
        assert checked(kind, found) == (found, [])


def test_an_import_of_8_12_wants_to_know_what_is_ecs():
    kind = RuleBody(V8_12, imported=True)
    body = {**VALID, "rule_id": "x", "required_fields": [{"name": "a", "type": "keyword"}]}
    assert told(checked(kind, body)[1]) == "required_fields.0.ecs: Required"
    assert checked(RuleBody(V8_19, imported=True), body)[1] == []
