"""Made cases are tried before they are believed, as few at a time as it takes to tell which one is wrong."""

from dataclasses import replace
from datetime import UTC, datetime

from entra_deployer.core.target import StackVersion
from entra_deployer.esql.rule_query import read_query
from entra_deployer.hunts.folder import Event
from entra_deployer.stack.search import Column, QueryResult
from entra_deployer.verify.generate.cases import Case
from entra_deployer.verify.generate.tests import Made, Synthesis
from entra_deployer.verify.generate_tests import tried
from entra_deployer.verify.seeding import Run
from entra_deployer.verify.try_cases import CaseTrial

VERSION = StackVersion(8, 19, 21)
QUERY = read_query("FROM logs-x* | WHERE event.code == 1 | STATS n = COUNT(*) BY user.name", VERSION)
PAYLOAD = {"from": "now-1d", "to": "now", "query": QUERY.tree.text}


class Server:
    """Answers each query with the users of its alias whose event.code is 1: with none where it shows over `most`."""

    def __init__(self, most=99):
        self.indices, self.aliases, self.most, self.asked = {}, {}, most, 0

    def create_index(self, name, *, mappings=None, settings=None):
        self.indices[name] = []

    def delete_index(self, name):
        return self.indices.pop(name, None) is not None

    def bulk(self, index, documents, *, routing=None):
        self.indices[index] += zip(documents, routing, strict=True)
        return len(self.indices[index])

    def add_aliases(self, aliases):
        self.aliases |= {alias: (index, filter_["terms"]["_routing"]) for index, alias, filter_ in aliases}

    def find_indices(self, pattern):
        return []

    def query(self, text, *, filter=None, params=()):  # noqa: A002
        self.asked += 1
        index, tags = self.aliases[text.split()[1]]
        shown = [document for document, tag in self.indices[index] if tag in tags]
        users = sorted({one["user.name"] for one in shown if one["event.code"] == 1})
        return QueryResult((Column("user.name", "keyword"),), tuple((user,) for user in users[: self.most]))


def case(name, code, *, fires):
    return Case(name, fires, (Event(name, {"user.name": name, "event.code": code}, 60.0),), {"user.name": name}, "")


def sort(server, *cases, query=QUERY):
    made = Made(cases, "made", "logs-x-default", "made.yaml", None, PAYLOAD)
    run = Run("r", datetime(2026, 3, 1, tzinfo=UTC), embedded=True)
    kept, dropped = CaseTrial(server, run, query).sort(made)
    assert not server.indices
    return kept, {one.name: one.why for one in dropped}


def test_cases_that_do_what_they_say_are_asked_about_together():
    server = Server()
    kept, dropped = sort(server, case("a", 1, fires=True), case("b", 1, fires=True), case("c", 0, fires=False))
    assert [one.name for one in kept.cases] == ["a", "b", "c"]
    assert (dropped, server.asked) == ({}, 1)


def test_a_case_that_does_not_is_dropped_and_told_and_the_others_stay():
    cases = (case("a", 1, fires=True), case("b", 0, fires=True), case("c", 1, fires=False), case("d", 0, fires=False))
    kept, dropped = sort(Server(), *cases)
    assert [one.name for one in kept.cases] == ["a", "d"]
    assert len(kept.tests()) == 1
    assert dropped == {
        "b": "tried on Elasticsearch, the rule does not find it",
        "c": "tried on Elasticsearch, the rule finds it",
    }


def test_cases_that_are_right_alone_and_wrong_together_stay_apart():
    kept, dropped = sort(Server(most=1), case("a", 1, fires=True), case("b", 1, fires=True))
    assert ([one.name for one in kept.cases], dropped) == (["a", "b"], {})
    assert [len(test.events) for test in kept.tests()] == [1, 1]


def test_nothing_stays_where_nothing_is_right():
    kept, dropped = sort(Server(), case("a", 0, fires=True))
    assert (kept.tests(), list(dropped)) == ((), ["a"])


def test_a_query_that_asks_for_the_index_cannot_be_shown_one():
    query = read_query('FROM logs-x* METADATA _index | WHERE _index LIKE ".ds-*" | KEEP user.name', VERSION)
    _, dropped = sort(Server(), case("a", 0, fires=True), query=query)
    assert dropped["a"].endswith("does not find it: it asks for _index, which in a test is the index of the run")


def test_a_case_whose_events_are_of_another_entity_is_dropped():
    other = replace(case("a", 0, fires=False), entity={"user.name": "b"})
    kept, dropped = sort(Server(), case("c", 1, fires=True), other)
    assert ([one.name for one in kept.cases], dropped) == (["c"], {"a": "none of its events is one of 'b'"})


def test_a_case_that_is_told_by_a_column_which_the_result_lacks_is_dropped():
    _, dropped = sort(Server(), replace(case("a", 1, fires=True), entity={"user.name": "a", "n": 1}))
    assert dropped == {"a": "the result of the rule has no column n; it has user.name"}


def test_a_test_whose_file_would_not_be_read_again_is_not_made():
    century = 101 * 366 * 86400.0
    old = replace(case("a", 1, fires=True), events=(Event("a", {"user.name": "a", "event.code": 1}, century),))
    made = Made((old,), "made", "logs-x-default", "made.yaml", None, PAYLOAD)
    found = tried(Synthesis("r", "Rule", made.tests(), (), made), Server(), lambda: datetime(2026, 3, 1, tzinfo=UTC))
    assert found.tests == ()
    assert [one.why for one in found.unsolved] == [
        "its file could not be read: these events lie back more than a century"
    ]
