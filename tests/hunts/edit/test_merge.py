"""The three-way merge and its laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.hunts.edit import merge_lines, merge_words

BASE = "FROM a\n| WHERE x\n| STATS n\n| SORT n\n"


def test_edits_of_different_lines_come_together():
    ours = BASE.replace("FROM a\n", "FROM a METADATA _id\n")
    theirs = BASE.replace("SORT n", "SORT n DESC")
    assert merge_lines(BASE, ours, theirs) == "FROM a METADATA _id\n| WHERE x\n| STATS n\n| SORT n DESC\n"


def test_edits_of_one_line_clash_unless_they_are_the_same():
    theirs = BASE.replace("WHERE x", "WHERE y")
    assert merge_lines(BASE, BASE.replace("WHERE x", "WHERE z"), theirs) is None
    assert merge_lines(BASE, theirs, theirs) == theirs


def test_two_insertions_at_one_point_clash():
    assert merge_lines("a\n", "a\nb\n", "a\nc\n") is None


def test_words_of_one_line_come_together():
    assert merge_words("FROM a | LIMIT 1", "FROM a METADATA _id | LIMIT 1", "FROM a | LIMIT 5") == (
        "FROM a METADATA _id | LIMIT 5"
    )


texts = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d"])).map("".join)


@pytest.mark.parametrize("merge", [merge_lines, merge_words])
@given(texts, texts)
def test_who_changes_nothing_does_not_matter(merge, base, changed):
    assert merge(base, base, changed) == changed
    assert merge(base, changed, base) == changed
    assert merge(base, changed, changed) == changed
