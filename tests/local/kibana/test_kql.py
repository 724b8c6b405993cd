"""Filters as Query DSL, and what is no filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.local.kibana import kql

TAGS = "alert.attributes.tags"
NAME = "alert.attributes.name"


def translate(text):
    return kql.translate(text, str)


def phrase(value, field=TAGS):
    return {"match_phrase": {field: value}}


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", {"match_all": {}}),
        (f'{TAGS}: "a b"', phrase("a b")),
        (f"{TAGS}: a", {"match": {TAGS: "a"}}),
        (f"{TAGS}: a*", {"wildcard": {TAGS: {"value": "a*"}}}),
        (f"{TAGS}: *", {"exists": {"field": TAGS}}),
        (f'{TAGS}: ("a" or "b")', {"bool": {"should": [phrase("a"), phrase("b")]}}),
        (f'not {TAGS}: "a"', {"bool": {"must_not": [phrase("a")]}}),
        (f'{TAGS}: "a" AND {NAME}: "b"', {"bool": {"filter": [phrase("a"), phrase("b", NAME)]}}),
        (
            f'{TAGS}: "a" or {TAGS}: "b" and {TAGS}: "c"',
            {"bool": {"should": [phrase("a"), {"bool": {"filter": [phrase("b"), phrase("c")]}}]}},
        ),
        (
            f'({TAGS}: "a" or {TAGS}: "b") and {TAGS}: "c"',
            {"bool": {"filter": [{"bool": {"should": [phrase("a"), phrase("b")]}}, phrase("c")]}},
        ),
        (f'{TAGS}: ("a" or not "b")', {"bool": {"should": [phrase("a"), {"bool": {"must_not": [phrase("b")]}}]}}),
    ],
)
def test_a_filter_is_a_query(text, query):
    assert translate(text) == query


@pytest.mark.parametrize(
    "text", [f"{TAGS}: (", f'{TAGS}: "a', f'{TAGS}: "a"b"', f'{TAGS}: "a" "b"', TAGS, f"{TAGS}:", ")", "and", "a: b)"]
)
def test_what_is_no_kql(text):
    with pytest.raises(kql.SyntaxProblem):
        translate(text)


@given(st.text())
def test_any_text_is_a_filter_or_told_to_be_none(text):
    try:
        found = translate(text)
    except kql.SyntaxProblem:
        return
    assert isinstance(found, dict)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_a_quoted_value_comes_through_whatever_is_in_it(value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert translate(f'{TAGS}: "{quoted}"') == phrase(value)
