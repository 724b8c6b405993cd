"""The mutation score: what the tests notice."""

from dataclasses import replace
from datetime import UTC, datetime

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.hunts.folder import DetectionTest, Event, Expectation
from entra_deployer.stack.search import Column, QueryResult
from entra_deployer.verify.mutate.mutate import find_killers, mutate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
USERS = {"alice": 1, "bob": 4}


class Patient:
    query = read_query("FROM logs | WHERE n <= 3", StackVersion(8, 19, 21))
    origin = None

    def __init__(self, *quiet):
        self.payload = {"from": "now-2h", "interval": "1h"}
        events = tuple(Event(user, {"user.name": user}, age=60) for user in USERS)
        expected = [Expectation(user, {"user.name": user}) for user in USERS]
        self.tests = (
            DetectionTest(
                "t", "t.yaml", "logs-x", events, (expected[0],), tuple(e for e in expected if e.name in quiet)
            ),
        )

    def alias_of(self, number):
        return f"alias-{number}"


class Searcher:
    """Answers with the users whose number fits the condition of the query, as Python would."""

    def __init__(self, refused=()):
        self.refused, self.asked = refused, []

    def query(self, text, *, filter=None, params=()):  # noqa: A002
        self.asked.append((text, filter["range"]["@timestamp"]["gte"]))
        condition = text.partition("WHERE ")[2]
        if condition in self.refused:
            raise Refused("no", status=400)
        halved = filter["range"]["@timestamp"]["gte"].endswith("-3600s")
        python = condition.replace("NOT", "not").replace("true", "True")
        rows = [(user,) for user, n in USERS.items() if eval(python, {"n": n}) and not halved]
        return QueryResult((Column("user.name", "keyword"),), tuple(rows))


def test_a_near_miss_and_a_catch_notice_every_change_but_one():
    result = mutate(Patient("bob"), Searcher(), NOW)
    assert [mutant.after for mutant in result.survivors] == ["<", "2"], "nobody is at three"
    assert (result.killed, result.invalid, round(result.score, 2)) == (4, 0, 0.67)
    assert [mutant.same for mutant in result.survivors] == [True, True], "both find alice and nobody else"


def test_a_survivor_that_finds_other_rows_is_not_possibly_equivalent():
    class Numbered(Searcher):
        def query(self, text, *, filter=None, params=()):  # noqa: A002
            found = super().query(text, filter=filter, params=params)
            columns = (*found.columns, Column("n", "long"))
            number = 1 if text.endswith("n <= 3") else 2
            return QueryResult(columns, tuple((*row, number) for row in found.rows))

    assert [mutant.same for mutant in mutate(Patient("bob"), Numbered(), NOW).survivors] == [False, False]


def test_what_a_made_case_tells_is_not_possibly_equivalent_and_what_none_tells_stays_so():
    survivors = mutate(Patient("bob"), Searcher(), NOW).survivors
    three = Patient("bob")
    three.tests = (replace(three.tests[0], name="carol", catches=(), ignores=()),)
    found = find_killers(three, Searcher(), NOW, survivors)
    assert [(mutant.killer, mutant.same) for mutant in found] == [("carol", False), ("carol", False)]
    assert find_killers(Patient("bob"), Searcher(), NOW, found) == tuple(replace(one, killer="") for one in found)
    assert find_killers(Patient("bob"), Searcher(), NOW, survivors) == survivors


def test_without_the_near_miss_an_unexpected_entity_still_tells():
    assert len(mutate(Patient(), Searcher(), NOW).survivors) == 2


def test_a_mutant_that_elasticsearch_refuses_does_not_count():
    result = mutate(Patient("bob"), Searcher(refused={"n < 3", "n <= 2"}), NOW)
    assert (result.invalid, result.survivors, result.score) == (2, (), 1.0)


def test_mutants_run_over_the_events_of_the_tests_only():
    searcher = Searcher()
    mutate(Patient("bob"), searcher, NOW)
    assert {text.split()[1] for text, _ in searcher.asked} == {"alias-0"}
    assert {gte.partition("||")[2] for _, gte in searcher.asked} == {"-2h", "-3600s"}
