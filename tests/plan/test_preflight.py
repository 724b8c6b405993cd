"""What is asked of Elasticsearch before a push, and how its answers are told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.errors import Refused
from entra_deployer.core.issue import Level
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.edits import Edit, apply_edits, original_offset
from entra_deployer.esql.parse import parse
from entra_deployer.hunts.folder import DetectionTest
from entra_deployer.plan.preflight import at_any_time, check_queries
from tests.compiler.build import rule
from tests.reading import there

VERSION = StackVersion(8, 19)


class Elastic:
    """Refuses what a test says: by a word of the query, the error that Elasticsearch answers with.

    `asked` holds the queries that reached it.
    """

    def __init__(self, **refusals):
        self.refusals = refusals
        self.asked = []

    def version(self):
        return VERSION

    def check_query(self, text):
        self.asked.append(text)
        for word, (kind, told) in self.refusals.items():
            if word in text:
                reason = told(text) if callable(told) else told
                raise Refused(f"said 400: {reason}", status=400, attributes={"type": kind, "reason": reason})


def verification(*faults):
    """The server's form, with the place of a word in the query that it was asked."""

    def reason(text):
        lines = [f"Found {len(faults)} problem"]
        for word, said in faults:
            before = text[: text.index(word)]
            lines.append(f"line {before.count(chr(10)) + 1}:{len(before) - before.rfind(chr(10))}: {said}")
        return "\n".join(lines)

    return "verification_exception", reason


def named(folder, query, **options):
    made = rule(query, **options)
    return replace(made, source=replace(made.source, folder=folder))


def check(elastic, *rules, embedded=True):
    return check_queries(elastic, rules, embedded=embedded)


def test_a_query_that_is_accepted_is_no_issue():
    elastic, one = Elastic(), rule("FROM logs | KEEP a")
    assert check(elastic, one) == []
    assert elastic.asked == [one.rule.payload["query"]]


def test_a_missing_index_is_one_warning_for_all_its_rules():
    elastic = Elastic(nowhere=verification(("nowhere", "Unknown index [nowhere-*]")))
    (issue,) = check(elastic, named("one", "FROM nowhere-*"), named("two", "FROM nowhere-* | LIMIT 1"))
    assert (issue.code, issue.level) == ("DEP330", Level.WARNING)
    assert "2 rules find nothing until there is an index nowhere-*" in issue.message


def test_several_sources_that_are_all_missing_are_one_warning():
    elastic = Elastic(nowhere=("verification_exception", "Unknown index [nowhere-a,nowhere-b-*]"))
    (issue,) = check(elastic, named("one", "FROM nowhere-a, nowhere-b-*"))
    assert (issue.code, issue.level) == ("DEP330", Level.WARNING)


def test_a_join_with_an_index_that_is_not_there_is_an_error_though_the_source_is_missing_too():
    query = "FROM nowhere-*\n| LOOKUP JOIN admins ON user.name"
    elastic = Elastic(
        admins=verification(("nowhere", "Unknown index [nowhere-*]"), ("admins", "Unknown index [admins]"))
    )
    refused, missing = check(elastic, named("one", query))
    assert (refused.code, refused.level, missing.code) == ("DEP331", Level.ERROR, "DEP330")
    assert str(refused.location) == "rules/a_hunt/hunt.md:11:15"


def test_rows_that_the_tests_hold_are_enough_on_the_embedded_server_alone():
    made = named("one", "FROM logs\n| LOOKUP JOIN admins ON user.name")
    test = DetectionTest("t", "t.yaml", "logs", (), (), (), lookups={"admins": ()})
    made = replace(made, source=replace(made.source, read_tests=lambda: ((test,), ())))
    elastic = Elastic(admins=verification(("admins", "Unknown index [admins]")))
    assert [issue.code for issue in check(elastic, made)] == ["DEP330"]
    assert [issue.code for issue in check(elastic, made, embedded=False)] == ["DEP331"]


def test_what_the_embedded_server_refuses_for_lack_of_it_is_no_fault_of_the_query():
    made = named("one", "FROM logs | ENRICH pol ON user.name")
    elastic = Elastic(pol=verification(("pol", "cannot find enrich policy [pol]")))
    (issue,) = check(elastic, made)
    assert (issue.code, issue.level) == ("DEP332", Level.WARNING)
    assert "cannot run ENRICH with the policy pol" in issue.message
    assert [one.code for one in check(elastic, made, embedded=False)] == ["DEP331"]


def test_a_documented_field_that_no_event_of_the_embedded_server_has_is_a_warning_there():
    made = named("one", "FROM logs-azure.signinlogs-*\n| WHERE source.as.number == 1")
    elastic = Elastic(source=verification(("source.as", "Unknown column [source.as.number], did you mean [a]?")))
    (issue,) = check(elastic, made)
    assert (issue.code, issue.level) == ("DEP330", Level.WARNING)
    assert "no event here has the field source.as.number" in issue.message
    assert [one.code for one in check(elastic, made, embedded=False)] == ["DEP331"]


def test_a_refused_query_is_an_error_of_its_rule_at_the_place_in_the_hunt():
    query = "FROM logs\n| WHERE @timestamp > NOW() - 1 day\n| WHERE a == 1 AND bogus == 2\n| KEEP a"
    elastic = Elastic(bogus=verification(("bogus", "Unknown column [bogus]")))
    (issue,) = check(elastic, named("one", query), named("two", "FROM logs"))
    assert (issue.code, issue.level, issue.subject) == ("DEP331", Level.ERROR, "one")
    assert issue.message.endswith("refuses the query: Unknown column [bogus]")
    assert str(issue.location) == "rules/a_hunt/hunt.md:12:20"


def test_each_of_several_faults_has_its_place():
    elastic = Elastic(foo=verification(("foo", "Unknown column [foo]"), ("bar", "Unknown column [bar]")))
    found = check(elastic, rule("FROM logs\n| WHERE foo == 1\n  AND bar == 2"))
    assert [str(issue.location) for issue in found] == ["rules/a_hunt/hunt.md:11:9", "rules/a_hunt/hunt.md:12:7"]


@pytest.mark.parametrize(
    ("query", "reason", "column"),
    [
        ('FROM logs\n| WHERE KQL("a: (x")', "Failed to parse KQL query [a: (x]: line 1:6: missing ')'", 13),
        ("FROM logs\n| EVAL d = ROUND(a, 1)", "cannot make [ROUND(a, 1)]: 1", 12),
        ("FROM logs\n| KEEP a", "something else", 1),
    ],
)
def test_without_a_place_of_the_servers_what_it_quotes_is_the_place(query, reason, column):
    elastic = Elastic(logs=("query_shard_exception", reason))
    (issue,) = check(elastic, rule(query))
    line = 11 if column > 1 else 10
    assert str(issue.location) == f"rules/a_hunt/hunt.md:{line}:{column}"
    assert reason in issue.message


def test_the_embedded_server_never_sees_what_it_cannot_run():
    made = named("one", "FROM logs | STATS c = COUNT(*) BY k = CATEGORIZE(message)")
    elastic = Elastic()
    (issue,) = check(elastic, made)
    assert (issue.code, issue.level) == ("DEP332", Level.WARNING)
    assert "CATEGORIZE" in issue.message
    assert elastic.asked == []
    assert check(elastic, made, embedded=False) == []
    assert elastic.asked == [made.rule.payload["query"]]


@st.composite
def edited(draw):
    text = draw(st.text("abc \n", min_size=1, max_size=30))
    spans = draw(st.lists(st.tuples(st.integers(0, len(text)), st.integers(0, 4)), max_size=4))
    added = st.text("XY", max_size=3)
    return text, [Edit(start, min(start + length, len(text)), draw(added)) for start, length in spans]


@given(edited())
def test_what_the_edits_left_is_found_again_where_it_stood(made):
    text, edits = made
    after = apply_edits(text, edits)
    kept = [offset for offset, sign in enumerate(after) if sign not in "XY"]
    found = [original_offset(text, edits, offset) for offset in kept]
    assert [text[offset] for offset in found] == [after[offset] for offset in kept]
    assert found == sorted(set(found))
    assert all(0 <= original_offset(text, edits, offset) <= len(text) for offset in range(len(after) + 1))


def test_where_a_condition_on_time_stays_the_query_is_asked_without_it_too():
    query = (
        'FROM logs | EVAL old = @timestamp < NOW() - 1 day | WHERE (@timestamp > NOW() - 1 hour OR old) AND KQL("a: x")'
    )
    made, elastic = rule(query), Elastic()
    assert check(elastic, made) == []
    whole, anywhen = elastic.asked
    assert whole == made.rule.payload["query"]
    assert anywhen == whole.replace("@timestamp > NOW() - 1 hour", "@timestamp IS NOT NULL")


@pytest.mark.parametrize(
    "query",
    [
        "FROM logs | WHERE @timestamp > NOW() - 1 day AND a == 1",
        "FROM logs\n// why\n| WHERE a == 1\n    AND @timestamp >= NOW() - 2 hours // so long\n    AND b == 2",
        "FROM logs | WHERE (@timestamp > NOW() - 1 day OR a == 1) AND NOW() - 3 hours < @timestamp",
        "FROM logs METADATA _id | WHERE @timestamp > NOW() - 14 days | STATS c = COUNT(*) BY a | WHERE c > 3",
        "FROM logs | WHERE NOT (@timestamp < NOW() - 1 hour) AND (a == 1 AND (@timestamp) > NOW() - 1 hour)",
        "FROM logs | WHERE @timestamp > ?_tstart AND @timestamp < ?_tend AND a == 1",
        "FROM logs | WHERE @timestamp > NOW() - 1 day | WHERE @timestamp > NOW() - 2 days",
        "FROM logs | KEEP a",
    ],
)
def test_the_hunts_own_syntax_tells_the_conditions_on_time_of_its_rule(query):
    made, elastic = rule(query), Elastic()
    check(elastic, made)
    written = str(made.rule.payload["query"])
    without = apply_edits(written, at_any_time(there(parse(written, VERSION).tree)))
    assert elastic.asked == list(dict.fromkeys((written, without)))
