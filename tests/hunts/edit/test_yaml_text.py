"""Edits of YAML: the value arrives, the rest of the text stays."""

import difflib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.json import Json
from entra_deployer.hunts.edit import look_up, remove_from_yaml, set_in_yaml

TEXT = """\
# What the hunt cannot say.

severity: medium   # not yet an incident
risk_score: 47

tactics:
  - Initial Access
  - Credential Access

setup: |
  The integration has to
  ship its logs.
quoted: "yes"
"""


def changed_lines(before, after):
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if line[:3] not in ("+++", "---") and line[0] in "+-"]


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (["risk_score"], 73, ["-risk_score: 47", "+risk_score: 73"]),
        (["tactics"], ["Initial Access", "Impact"], ["-  - Credential Access", "+  - Impact"]),
        (["tactics"], ["Initial Access"], ["-  - Credential Access"]),
        (["max_signals"], 50, ["+max_signals: 50"]),
        (["fields", "note"], "a\nb\n", ["+fields:", "+  note: |", "+    a", "+    b"]),
        (["name"], "a: b # c", ['+name: "a: b # c"']),
        (["enabled"], False, ["+enabled: false"]),
        (["fields", "alert_suppression"], None, ["+fields:", "+  alert_suppression:"]),
    ],
)
def test_only_the_lines_of_the_value_change(path, value, lines):
    assert changed_lines(TEXT, set_in_yaml(TEXT, path, value)) == lines


def test_a_comment_stays_beside_its_value_in_its_column():
    before, after = TEXT.splitlines()[2], set_in_yaml(TEXT, ["severity"], "high").splitlines()[2]
    assert after.startswith("severity: high ")
    assert after.index("#") == before.index("#")


@pytest.mark.parametrize("indented", [True, False])
def test_lists_keep_their_indentation(indented):
    text = "a:\n  - x\nb:\n  - y\n" if indented else "a:\n- x\nb:\n- y\n"
    assert set_in_yaml(text, ["b"], ["z"]) == text.replace("y", "z")


@pytest.mark.parametrize("text", ["", "# only a comment\n", "# no line end"])
def test_a_file_without_content_gets_its_first_key(text):
    after = set_in_yaml(text, ["a", "b"], ["x"])
    assert after.startswith(text)
    assert yaml.safe_load(after) == {"a": {"b": ["x"]}}


@pytest.mark.parametrize("value", ["yes", "no", "2026-01-01", "1e3", "null", "", " x", "x ", "a\n b", "\n", "- a", "{"])
def test_a_text_is_read_back_as_the_same_text(value):
    assert look_up(set_in_yaml(TEXT, ["name"], value), ["name"]) == value


def test_what_is_removed_takes_empty_mappings_with_it():
    text = "fields:\n  a: 1\n# tail\nb: 2\n"
    assert yaml.safe_load(remove_from_yaml(text, ["fields", "a"])) == {"b": 2}
    assert yaml.safe_load(remove_from_yaml("fields:\n  a: 1\n  c: 3\n", ["fields", "a"])) == {"fields": {"c": 3}}
    with pytest.raises(KeyError):
        remove_from_yaml(text, ["absent"])


def test_nothing_is_looked_up_where_nothing_is():
    assert look_up(TEXT, ["severity", "deeper"]) is None
    assert look_up("", ["a"]) is None


def test_several_nulls_in_a_list_arrive():
    value: list[Json] = [{}, None, None]
    assert look_up(set_in_yaml(TEXT, ["severity"], value), ["severity"]) == value


names = st.sampled_from(["severity", "risk_score", "tactics", "fields", "new"])
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")) | st.sampled_from("\n\t"), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None)
@given(names, values)
def test_every_value_arrives_and_the_others_stay(name, value):
    after = yaml.safe_load(set_in_yaml(TEXT, [name], value))
    assert after == {**yaml.safe_load(TEXT), name: value}
