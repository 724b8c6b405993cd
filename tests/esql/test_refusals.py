"""What the parser refuses, in words: a misspelled word is named, and so is what the version lacks."""

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.features import REFUSED, explain_refusal
from entra_deployer.esql.parse import parse


def refusal(query: str, version: str = "8.19"):
    stack = StackVersion.parse(version)
    [problem] = parse(query, stack).problems
    return explain_refusal(problem, query, stack)


@pytest.mark.parametrize(
    ("query", "message", "hint"),
    [
        ("from a | wher x == 1", "there is no command WHER", "did you mean WHERE?"),
        ("frm a | where x == 1", "there is no command FRM", "did you mean FROM?"),
        ("from a\n| mv_expnd x", "there is no command MV_EXPND", "did you mean MV_EXPAND?"),
        ("from a | sort x | LIMT 10", "there is no command LIMT", "did you mean LIMIT?"),
        ("from a | zzz x", "there is no command ZZZ", REFUSED),
        ("from a | where starts_wth(x, \"a\")", "there is no function STARTS_WTH", "did you mean STARTS_WITH?"),
        ("from a | stats c = cuont(*) by x", "there is no function CUONT", "did you mean COUNT?"),
        ("from a | where x = 1", "`=` gives a name in EVAL and STATS; it compares nothing", "write `==`"),
    ],
)  # fmt: skip
def test_a_misspelled_word_is_named_with_the_nearest(query, message, hint):
    found = refusal(query)
    assert (found.message, found.hint) == (message, hint)


@pytest.mark.parametrize(
    ("query", "name", "first"),
    [
        ("from a | fork (where x == 1) (where x == 2)", "the command FORK", "9.1"),
        ("from a | inline stats c = count(*) by x", "the command INLINE STATS", "9.2"),
        ("ts a | stats c = count(*)", "the command TS", "9.2"),
        ("set x = true; from a", "the command SET", "9.3"),
        ("from a | stats c = first(x, @timestamp)", "the function FIRST", "9.3"),
        ("from a | stats c = last(x, @timestamp)", "the function LAST", "9.3"),
        ("from a | completion x = y with z", "the command COMPLETION", "9.2"),
        ("from (from a | where x == 1), b", "subqueries in FROM", "some 9.x"),
        ("from b, (from a | where x == 1)", "subqueries in FROM", "some 9.x"),
    ],
)
def test_what_the_version_lacks_is_told_with_the_first_that_has_it(query, name, first):
    found = refusal(query)
    assert found.kind == "version"
    assert (found.message, found.hint) == (f"8.19 does not have {name}", f"the first to have it: {first}")
