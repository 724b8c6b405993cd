"""GROK patterns: filled and taken apart again."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.esql.patterns import UnreadablePattern, grok
from tests.reading import there

WORDS = st.text(alphabet="abcxyz0189", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("pattern", "outputs"),
    [
        ("%{WORD:user} %{IP}", ("user",)),
        ("%{NUMBER:size:int} (?<rest>.*)", ("size", "rest")),
        ("%{IP:source.ip}:%{POSINT:source.port:long}", ("source.ip", "source.port")),
        ("plain", ()),
    ],
)
def test_the_outputs_are_the_named_references(pattern, outputs):
    assert grok.read(pattern).outputs == outputs


def test_a_cast_gives_a_column_its_type():
    pattern = grok.read("%{NUMBER:size:int} %{NUMBER:share:float} %{NUMBER:text}")
    assert [pattern.type_of(name) for name in pattern.outputs] == ["integer", "double", "keyword"]


@given(WORDS, st.integers(0, 10**6))
def test_what_is_filled_in_is_taken_out_again(word, number):
    pattern = grok.read(r"user %{WORD:user}\s+from %{IP}( port %{INT:port})")
    values = {"user": word, "port": str(number)}
    assert pattern.take(pattern.fill(values)) == values


def test_it_matches_anywhere_unless_it_says_where():
    assert grok.read("user=%{WORD:user}").take("then user=alice and more") == {"user": "alice"}
    assert grok.read("^user=%{WORD:user}").take("then user=alice") is None
    assert grok.read("user=%{WORD:user}").floats
    assert not grok.read("^user=%{WORD:user}").floats


@pytest.mark.parametrize("name", sorted(grok._FORMS))
def test_every_form_has_examples_that_are_so(name):
    pattern = grok.read(f"<%{{{name}:it}}>")
    for text in there(pattern.form_of("it")).texts("7-1"):
        assert pattern.take(pattern.fill({"it": text})) == {"it": text}, text


@pytest.mark.parametrize("pattern", ["%{CISCOTAG:x}", "%{WORD:x} %{WORD:x}", "(%{WORD:x}", "[%{WORD:x}]"])
def test_what_is_not_read_is_refused(pattern):
    with pytest.raises(UnreadablePattern):
        grok.read(pattern).take("text")


def test_a_bracket_within_a_set_ends_nothing():
    pattern = grok.read(r"id=(?<x>[^,}\]]+)")
    assert pattern.take("a id=7f}") == {"x": "7f"}
    assert pattern.take(pattern.fill({"x": "ab"})) == {"x": "ab"}


PARTS = st.sampled_from(
    [
        "%{WORD:a}",
        "%{IP}",
        "%{",
        "}",
        "(?<b>",
        "[^,}\\]]+",
        ")",
        "]",
        "[",
        "\\",
        "%{NUMBER:c:int}",
        ".*",
        "x=",
        "(",
        "|",
        "{2}",
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=7).map("".join))
def test_any_text_is_a_pattern_that_is_filled_or_is_refused(text):
    with suppress(UnreadablePattern):
        pattern = grok.read(text)
        taken = pattern.take(pattern.fill({}))
        assert taken is None or set(taken) == set(pattern.outputs)
