"""The schema watch: grades of fields, what has changed since a push, and what is said of it where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entra_deployer.core.issue import Level
from entra_deployer.plan.index_mapping import (
    Watched,
    issues_of_plan,
    issues_of_sources,
    problems_of_rule,
    retyped,
    warnings_of_rules,
    watch_sources,
)
from entra_deployer.stack.search import FieldCap, FieldCaps, Grade
from tests.builders import rule
from tests.memory_stack import OF_ELASTIC, MemoryStack
from tests.stack.script import response

INDICES = ("logs-a1", "logs-a2")


def watched(key="r1", then=None, indices=INDICES, documented="keyword", **fields):
    """A rule that requires `f`, and what is told of the fields of its source."""
    one = rule(key, f"Rule {key}", required_fields=[{"name": "f", "type": documented}])
    return Watched(one, "logs-a*", FieldCaps(indices, fields), then or {})


def cap(*types, unmapped_in=()):
    return FieldCap(types, unmapped_in)


def said(one):
    """All that there is to say of one rule."""
    return [*problems_of_rule(one), *warnings_of_rules([one], "staging")]


def grades(one):
    return {field.name: field.grade for field in one.fields}


@pytest.mark.parametrize(
    ("field", "grade"),
    [
        (cap("keyword"), Grade.MAPPED),
        (cap("wildcard"), Grade.MAPPED),
        (cap("constant_keyword", "keyword"), Grade.MAPPED),
        (cap("keyword", unmapped_in=("logs-a2",)), Grade.PARTLY_MAPPED),
        (cap("text"), Grade.OTHER_TYPE),
        (cap("keyword", "text"), Grade.OTHER_TYPE),
        (cap("object"), Grade.ABSENT),
    ],
)
def test_a_field_is_graded_by_its_type_and_by_the_indices_that_have_it(field, grade):
    assert grades(watched(f=field)) == {"f": grade}


def test_a_field_that_no_index_maps_is_absent():
    assert grades(watched()) == {"f": Grade.ABSENT}


def test_types_that_es_ql_does_not_tell_apart_are_one():
    assert grades(watched(documented="scaled_float", f=cap("double", "half_float"))) == {"f": Grade.MAPPED}
    assert watched(f=cap("byte", "short")).types == {"f": "integer"}


def test_the_type_of_the_last_push_goes_before_the_documented_one():
    one = watched(then={"f": "text"}, f=cap("text"))
    assert grades(one) == {"f": Grade.MAPPED}
    assert said(one) == []
    assert retyped(one) == {}


def test_a_type_that_nobody_knows_is_no_measure():
    assert grades(watched(documented="unknown", f=cap("ip"))) == {"f": Grade.MAPPED}


@pytest.mark.parametrize(
    ("then", "now", "found"),
    [
        ({"f": "keyword"}, {"f": cap("text")}, {"f": ("keyword", "text")}),
        ({"f": "keyword"}, {"f": cap("keyword", "text")}, {"f": ("keyword", "keyword, text")}),
        ({"f": "keyword"}, {}, {"f": ("keyword", "")}),
        ({"f": "ip, keyword"}, {"f": cap("ip", "keyword")}, {}),
        ({}, {"f": cap("text")}, {"f": ("keyword", "text")}),
        ({}, {}, {}),
    ],
)
def test_what_changed_since_a_push(then, now, found):
    assert retyped(watched(then=then, **now)) == found


def test_a_source_that_is_gone_takes_all_its_types_with_it():
    one = watched(then={"f": "keyword"}, indices=())
    assert retyped(one) == {"f": ("keyword", "")}
    (issue,) = said(one)
    assert (issue.code, issue.level) == ("DEP330", Level.ERROR)
    assert "no data any more" in issue.message


def test_a_source_that_is_not_there_yet_is_a_warning():
    one = watched(indices=())
    (issue,) = said(one)
    assert (issue.code, issue.level, one.types) == ("DEP330", Level.WARNING, {})
    assert "no data yet: there is no index logs-a* that this key may see" in issue.message


def test_a_source_that_may_not_be_looked_at_is_told_and_taken_for_neither_good_nor_bad():
    one = Watched(rule("r1", "R", required_fields=[{"name": "f", "type": "ip"}]), "logs-a*", None, {"f": "ip"})
    assert [(issue.code, issue.level) for issue in said(one)] == [("DEP336", Level.WARNING)]
    assert retyped(one) == {}


@pytest.mark.parametrize(
    ("one", "code", "level", "message"),
    [
        (
            watched(then={"f": "ip"}, f=cap("keyword")),
            "DEP333",
            Level.ERROR,
            "f was ip at the last push and is keyword in logs-a*",
        ),
        (watched(f=cap("text")), "DEP333", Level.ERROR, "f is documented as keyword and is text in logs-a*"),
        (
            watched(documented="unknown", f=cap("ip", "keyword")),
            "DEP333",
            Level.ERROR,
            "f is ip and keyword in logs-a*",
        ),
        (watched(then={"f": "ip"}), "DEP335", Level.ERROR, "f was ip at the last push and is not mapped in logs-a*"),
        (watched(), "DEP335", Level.ERROR, "f is not mapped in logs-a*"),
        (
            watched(f=cap("keyword", unmapped_in=("logs-a2",))),
            "DEP334",
            Level.WARNING,
            "f is missing from 1 of 2 indices of logs-a* (logs-a2)",
        ),
    ],
)
def test_each_rule_is_told_what_stands_against_it(one, code, level, message):
    (issue,) = said(one)
    subject, read_by = ("Rule r1", "") if level is Level.ERROR else ("staging", "; read by Rule r1")
    assert (issue.code, issue.level, issue.subject, issue.message) == (code, level, subject, message + read_by)
    assert issue.hint


def test_of_many_indices_a_few_are_named():
    indices = tuple(f"logs-a{number}" for number in range(9))
    (issue,) = said(watched(indices=indices, f=cap("keyword", unmapped_in=indices[:5])))
    assert "from 5 of 9 indices of logs-a* (logs-a0, logs-a1, logs-a2 and 2 more)" in issue.message


def test_a_plan_warns_once_and_names_each_rule():
    both = [watched("r2", f=cap("text")), watched("r1", f=cap("text"))]
    (issue,) = issues_of_plan(both, {"r1", "r2"}, "staging")
    assert (issue.code, issue.level, issue.subject) == ("DEP333", Level.WARNING, "staging")
    assert issue.message.endswith("is text in logs-a*; read by Rule r1, Rule r2")


def test_of_a_rule_that_a_plan_does_not_write_only_changes_are_told():
    partly = watched(f=cap("keyword", unmapped_in=("logs-a2",)))
    assert [one.code for one in issues_of_plan([partly], {"r1"}, "staging")] == ["DEP334"]
    assert issues_of_plan([partly], set(), "staging") == []
    changed = watched(then={"f": "ip"}, f=cap("keyword"))
    assert [one.code for one in issues_of_plan([changed], set(), "staging")] == ["DEP333"]


def test_what_elasticsearch_refuses_by_itself_is_not_told_twice():
    assert issues_of_plan([watched(), watched("r2", indices=())], {"r1", "r2"}, "staging") == []


def test_of_sources_only_what_they_lack_as_a_whole_is_told():
    some = [watched(f=cap("text")), watched("r2", indices=()), watched("r3", indices=())]
    (issue,) = issues_of_sources(some, "staging")
    assert issue.code == "DEP330"
    assert issue.message.endswith("read by Rule r2, Rule r3")


@given(st.sets(st.sampled_from(["keyword", "text", "ip", "long", "wildcard", "float", "double"]), min_size=1))
def test_what_a_push_remembers_is_as_it_should_be_for_ever_after(types):
    field = cap(*sorted(types))
    first = watched(f=field)
    again = watched(then=first.types, f=field)
    assert retyped(again) == {}
    assert again.types == first.types


def told_of_refusal(error, status):
    """The one issue where the question for the fields is refused."""

    class Refusing(MemoryStack):
        def send(self, request, *_, **__):
            if "_field_caps" in request.url:
                return response(request, status, {"error": error, "status": status}, OF_ELASTIC)
            return super().send(request)

    one = rule("r1", "R", query="from logs-tests-*", required_fields=[{"name": "f", "type": "keyword"}])
    with Refusing().connection() as connection:
        (found,) = watch_sources(connection.elastic, connection.version, [one], {})
    (issue,) = issues_of_sources([found], "staging")
    assert issue.code == "DEP336"
    return issue


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, "this key may not look at the fields of logs-tests-*"),
        (400, "the fields of logs-tests-* could not be looked at: "),
        (500, "the fields of logs-tests-* could not be looked at: "),
    ],
)
def test_why_a_source_is_not_told_of_is_said(status, said):
    issue = told_of_refusal({"type": "some_exception", "reason": "the reason"}, status)
    assert issue.message.startswith(said)
    assert ("the reason" in issue.message) is (status != 403)


def test_a_cluster_that_is_not_there_is_no_fault_of_the_key():
    """A real 8.19.21 answers so, with 403, to a user who may do anything."""
    cause = {"type": "no_such_remote_cluster_exception", "reason": "no such remote cluster: [west]"}
    error = {"type": "security_exception", "reason": "action is unauthorized", "caused_by": cause}
    message = told_of_refusal(error, 403).message
    assert message.startswith("the fields of logs-tests-* could not be looked at: no such remote cluster: [west]")
