"""Texts of which several functions ask something: each made event does, computed forward, what its case says."""

import pytest

from entra_deployer.esql.evaluation import Evaluator
from entra_deployer.esql.parse import parse
from entra_deployer.verify.generate.composed import composed
from entra_deployer.verify.generate.constraints import Constraint, Kind, Step
from entra_deployer.verify.generate.plan import read_plan
from tests.reading import there
from tests.verify.generate.test_cases import V, fields, make

QUERIES = [
    'EVAL t = TO_LOWER(n), at = LOCATE(t, "needle"), head = SUBSTRING(t, 1, 3) | WHERE at > 9 AND head == "iex"',
    'EVAL p = SPLIT(n, "."), d = MV_COUNT(p), s = LENGTH(MV_FIRST(p)) | WHERE d > 3 AND s >= 20',
    'WHERE MV_COUNT(SPLIT(n, "/")) >= 6 AND n LIKE "*etc*"',
    'WHERE LEFT(n, 2) == "ab" AND RIGHT(n, 2) == "yz" AND LOCATE(n, "=") > 4',
    'WHERE MV_LAST(SPLIT(n, "@")) == "example.com"',
    'WHERE TO_VERSION(n) < TO_VERSION("1.10.0") AND TO_VERSION(n) > TO_VERSION("1.9")',
    'WHERE TO_VERSION(n) >= TO_VERSION("120.0")',
    'WHERE LENGTH(n) > 4 * 10 AND n IN (CONCAT(REPEAT("a", 45), "b"), "c")',
    'WHERE n RLIKE ".*cmd.*&.*clip.*"',
    'WHERE MV_COUNT(n) >= 3 AND MV_CONCAT(n, " ") LIKE "*needle*"',
    'WHERE MV_CONCAT(n, ",") == "a,b"',
    'WHERE n RLIKE "v<10-12>" AND n != "v10"',
]


@pytest.mark.parametrize("query", QUERIES)
def test_what_several_functions_ask_of_a_text_is_made_and_missed(query):
    cases, _ = make(f"FROM x | {query} | KEEP n, k", lookback=3600)
    made = [case for case in cases.values() if case.name != "older than the rule looks"]
    assert {case.fires for case in made} == {True, False}
    for case in made:
        assert _holds(query, fields(case)) is case.fires


def _holds(query, document):
    plan = read_plan(there(parse(f"FROM x | {query}", V).tree))
    return all(Evaluator(document).truth(goal.predicate, goal.scope) is True for goal in plan.goals)


@pytest.mark.parametrize(
    ("asked", "fires", "quiet"),
    [
        ("a:[200 TO 299] AND NOT b:*", {"a": 200}, {"a": 300}),
        ("a:{200 TO *}", {"a": 201}, {"a": 200}),
        ("_exists_:b && a:>=5", {"a": 5, "b": "x"}, {"a": 5}),
        ("a:7 || !b:x", {"a": 7, "b": "x"}, {"a": 6, "b": "x"}),
    ],
)
def test_a_query_string_is_read_with_its_ranges(asked, fires, quiet):
    goals = read_plan(there(parse(f'FROM x | WHERE QSTR("{asked}")', V).tree)).goals
    found = [Evaluator(one).truth(goal.predicate, goal.scope) for goal in goals for one in (fires, quiet)]
    assert found == [True, False]


@pytest.mark.parametrize("asked", ["a:colou?r", "a:roam~", "a:x^2", "+a:x -b:y", "a:/x.*/"])
def test_what_only_lucene_knows_is_not_taken_for_kql(asked):
    _, unsolved = make(f'FROM x | WHERE QSTR("{asked}")')
    assert "QSTR" in unsolved["all conditions hold"]


def test_nothing_is_composed_where_no_place_and_no_parts_are_asked_for():
    constraints = [Constraint(Kind.MORE, 3, steps=(Step("length"),))]
    assert list(composed(constraints, [], "1")) == []
