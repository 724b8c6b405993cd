"""The rule is held to the hunt's own query."""

from dataclasses import replace

import pytest

from entra_deployer.compiler.compiled import Rewrite
from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.stack.search import Column, QueryResult
from entra_deployer.verify.against_hunt import DIFFERS, OwnQuery, Runs, compare

TEXT = 'FROM logs-x* | WHERE a == "1"\n| STATS n = COUNT(*) BY u'
RULE = TEXT.replace('a == "1"', 'a == "2"')
WINDOW = Rewrite("window", "the window goes into the range", 12, "x | WHERE @timestamp > NOW() - 1 day", "x")
CHANGED = Rewrite("odd", "it looked better", 14, 'a == "1"', 'a == "2"')
OWN = OwnQuery(read_query(TEXT, StackVersion(8, 19)), "rules/x/hunt.md", (WINDOW, CHANGED))


def result(*users, column="u"):
    return QueryResult((Column("n", "long"), Column(column, "keyword")), tuple((1, user) for user in users))


def found(own, rule, hunt, in_range, undone=None):
    runs = Runs(lambda: hunt, lambda: in_range, lambda text: undone if text == TEXT else rule)
    return list(compare(own, RULE, rule, runs, ("u",)))


def test_where_both_find_the_same_nothing_is_said():
    assert found(OWN, result("bob", "eve"), result("eve", "bob"), result()) == []


def test_the_rewrite_that_did_it_is_named_at_its_place():
    [issue] = found(OWN, result("eve"), result("bob", "eve"), result("bob", "eve"), result("bob", "eve"))
    assert (issue.code, issue.level) == (DIFFERS, Level.ERROR)
    assert issue.message == (
        "the hunt's own query finds bob and the rule does not: the rewrite `odd`: it looked better"
    )
    assert str(issue.location) == "rules/x/hunt.md:14:1"


def test_a_time_range_that_nobody_asked_for_is_the_fault_of_the_window():
    [issue] = found(OWN, result("eve"), result("bob", "eve"), result("eve"))
    assert issue.level is Level.ERROR
    assert issue.message.endswith("the rewrite `window`: the window goes into the range")


def test_a_time_range_that_was_asked_for_is_a_note():
    own = replace(OWN, other_range="rule.yaml says `lookback: 2h`")
    [issue] = found(own, result("eve"), result("bob", "eve"), result("eve"))
    assert (issue.level, issue.hint) == (Level.NOTE, None)
    assert issue.message.endswith("rule.yaml says `lookback: 2h`")
    [issue] = found(own, result("eve"), result("bob", "eve"), result("bob", "eve"))
    assert issue.level is Level.ERROR, "the range alone does not explain it"


def test_what_the_rule_finds_alone_is_told_too():
    [issue] = found(OWN, result("a", "b", "c", "d", "e"), result("a"), result("a"))
    assert issue.message.startswith("the rule finds b, c, d and 1 more and the hunt's own query does not: ")


def test_another_rule_in_kibana_is_what_was_asked_for():
    [issue] = found(replace(OWN, stands=False), result("eve"), result("bob"), result("bob"))
    assert (issue.level, issue.hint) == (Level.NOTE, None)
    assert issue.message.endswith("the rule in Kibana is another one than the repository makes of the hunt")


def test_a_hunt_that_does_not_run_is_told_and_fails_nothing():
    def refuse():
        raise Refused("Unknown column [u]", status=400)

    [issue] = compare(OWN, RULE, result("eve"), Runs(refuse, refuse, lambda _: result()), ("u",))
    assert issue.level is Level.NOTE


@pytest.mark.parametrize("column", ["u", "other"])
def test_columns_that_only_one_of_them_has_tell_nothing_apart(column):
    hunt = QueryResult((Column("_id", "keyword"), Column("n", "long")), (("7", 1),))
    rule = QueryResult((Column("n", "long"), Column(column, "keyword")), ((1, "eve"),))
    assert found(OWN, rule, hunt, hunt) == []
