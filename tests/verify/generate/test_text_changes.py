"""Texts with other matches, of other lengths and with other parts than one that is there."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.verify.generate.text_changes import of_length, with_matches, with_parts, with_share
from tests.verify.generate.test_sharpen import survivors

DIGIT, PAIR = re.compile("[0-9]"), re.compile(r"\$\w+;")
TEXTS = st.text("ab1 $x;", min_size=1, max_size=40)


@given(TEXTS.filter(PAIR.search), st.integers(0, 8))
def test_a_text_has_as_many_matches_as_are_asked_for(text, number):
    found = {len(PAIR.findall(one)) for one in with_matches(text, [PAIR], [number])}
    assert {one for one in (number - 1, number, number + 1) if one >= 0} <= found


@given(TEXTS, st.integers(0, 60))
def test_a_text_of_another_length_keeps_its_matches_and_parts(text, size):
    made = of_length(text, [PAIR], ["a1"], size)
    if made is None:
        assert size < len(text)
        return
    assert len(made) == size
    assert PAIR.findall(made) == PAIR.findall(text)
    assert made.count("a1") >= text.count("a1")


@given(TEXTS.filter(DIGIT.search), st.sampled_from([0.25, 0.4, 0.5, 0.75]))
def test_a_text_has_exactly_the_share_that_is_asked_for_and_one_match_more_and_less(text, share):
    found = {len(DIGIT.findall(one)) - share * len(one) for one in with_share(text, [DIGIT], share)}
    assert min(map(abs, found)) < 1e-9
    assert {round(one) for one in found} >= {0, 1}


def test_parts_are_put_into_a_text_alone_and_together_and_taken_out():
    found = set(with_parts("it has {0}", ["{0}", "two"], ["three"]))
    assert {"it has {1}", "it has {0} two", "it has {0} two three", "it has {0} three", "it has {0} {0} two"} <= found


@pytest.mark.parametrize(
    "text",
    [
        """WHERE LENGTH(t) > 300 | EVAL m = REPLACE(t, "<[a-z]+>", "#"), n = LENGTH(m) - LENGTH(REPLACE(m, "#", ""))
        | WHERE n >= 4""",
        """EVAL l = LENGTH(t), n = l - LENGTH(REPLACE(t, "[0-9]", "")), r = n::double / l::double
        | WHERE l > 200 | WHERE r >= 0.4 | WHERE NOT t LIKE "*kept by the vendor of it*" """,
        """WHERE t LIKE "*<0>*" AND LENGTH(t) > 300
        | EVAL m = REPLACE(t, "(<[0-9]+>){2,};", "#"), n = LENGTH(m) - LENGTH(REPLACE(m, "#", "")) | WHERE n >= 3
        | WHERE NOT ((t LIKE "*one*" OR t LIKE "*two*") AND (t LIKE "*three*" OR t LIKE "*four*"))""",
    ],
)
def test_each_mutant_of_what_is_asked_of_a_text_is_told(text):
    assert survivors(f"FROM x | {text} | KEEP host.id, t") == set()
