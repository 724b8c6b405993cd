"""Text from outside, and the names that somebody may have meant."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from entra_deployer.core.text import closest, did_you_mean, visible

JOINERS = {"\u200c", "\u200d"}


@settings(deadline=None)
@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys_or_hides(text):
    hidden = [one for one in visible(text) if unicodedata.category(one) in {"Cc", "Cf", "Cs", "Zl", "Zp"}]
    assert set(hidden) <= JOINERS


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"])))
def test_what_can_be_seen_stays_as_it_is(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb\nc\td", "a\\rb\\nc\\td"),
        ("\x9b31m", "\\x9b31m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("half \ud800", "half \\ud800"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert visible(text) == shown


def test_lines_may_stay_lines():
    assert visible("a\r\nb", keep="\n") == "a\\r\nb"


def test_the_nearest_name_is_offered_else_all():
    known = ("staging", "production", "local")
    assert closest("Staging", known) == "staging"
    assert did_you_mean("stagin", known) == "did you mean 'staging'?"
    assert did_you_mean("x", known) == "known: staging, production, local"
