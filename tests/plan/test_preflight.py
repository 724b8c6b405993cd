"""What is asked of Elasticsearch before a push, and how its answers are told."""

from types import SimpleNamespace

from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.plan.preflight import check_queries
from tests.builders import rule

VERSION = StackVersion(8, 19)


class Elastic:
    """Refuses what a test says; `asked` holds the queries that reached it."""

    def __init__(self, **refusals):
        self.refusals = refusals
        self.asked = []

    def check_query(self, text):
        self.asked.append(text)
        for word, message in self.refusals.items():
            if word in text:
                raise Refused(message, status=400)


def compiled(folder, query):
    return SimpleNamespace(folder=folder, rule=rule(name=folder, query=query))


def check(elastic, *rules, embedded=True):
    return check_queries(elastic, rules, version=VERSION, embedded=embedded)


def test_a_query_that_is_accepted_is_no_issue():
    elastic = Elastic()
    assert check(elastic, compiled("one", "FROM logs")) == []
    assert elastic.asked == ["FROM logs"]


def test_a_missing_index_is_one_warning_for_all_its_rules():
    elastic = Elastic(nowhere="Found 1 problem; line 1:1: Unknown index [nowhere-*]")
    (issue,) = check(elastic, compiled("one", "FROM nowhere-*"), compiled("two", "FROM nowhere-* | LIMIT 1"))
    assert issue.level is Level.WARNING
    assert "2 rules find nothing until there is an index nowhere-*" in issue.message


def test_a_refused_query_is_an_error_of_its_rule():
    elastic = Elastic(bogus="line 1:13: Unknown column [bogus]")
    (issue,) = check(elastic, compiled("one", "FROM logs | KEEP bogus"), compiled("two", "FROM logs"))
    assert (issue.level, issue.subject) == (Level.ERROR, "one")
    assert "Unknown column [bogus]" in issue.message


def test_the_embedded_server_never_sees_what_it_cannot_run():
    query = "FROM logs | STATS c = COUNT(*) BY k = CATEGORIZE(message)"
    elastic = Elastic()
    (issue,) = check(elastic, compiled("one", query))
    assert (issue.code, issue.level) == ("DEP332", Level.WARNING)
    assert "CATEGORIZE" in issue.message
    assert elastic.asked == []
    assert check(elastic, compiled("one", query), embedded=False) == []
    assert elastic.asked == [query]
