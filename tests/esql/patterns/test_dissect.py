"""DISSECT patterns: filled and taken apart again."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.esql.patterns import UnreadablePattern
from entra_deployer.esql.patterns.extraction import read_dissect

WORDS = st.text(alphabet="abcxyz0189", min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("pattern", "outputs"),
    [
        ("%{}@%{tld}", ("tld",)),
        ("{%{?key}=%{value}, %{+more}}", ("value", "more")),
        ("%{a->} %{b}", ("a", "b")),
        ("plain", ()),
    ],
)
def test_the_outputs_are_the_named_keys(pattern, outputs):
    assert read_dissect(pattern).outputs == outputs


@given(WORDS, WORDS)
def test_what_is_filled_in_is_taken_out_again(one, two):
    pattern = read_dissect("{%{?skipped}=%{one}, %{}::%{two}}")
    values = {"one": one, "two": two}
    assert pattern.take(pattern.fill(values)) == values


@pytest.mark.parametrize("text", ["", "no braces", "{a=b}", "{a=b, c}"])
def test_a_text_of_another_form_gives_nothing(text):
    assert read_dissect("{%{?k}=%{one}, %{}::%{two}}").take(text) is None


@given(
    st.lists(st.sampled_from(["%{a}", "%{?b}", "%{", "}", "%{+c}", "%{*k}", "%{}", " ", "[", "\\", "%{d->}"])).map(
        "".join
    )
)
def test_any_text_is_a_pattern_that_is_filled_or_is_refused(text):
    with suppress(UnreadablePattern):
        pattern = read_dissect(text)
        taken = pattern.take(pattern.fill({}))
        assert taken is None or set(taken) == set(pattern.outputs)
