"""The watch over the fields that rules read: which types they have, which became others."""

from dataclasses import dataclass, field

import pytest

from entra_deployer.errors import Refused
from entra_deployer.model.state import Kind
from entra_deployer.model.target import StackVersion
from entra_deployer.workflow.source_fields import find_retyped, read_types
from tests.builders import rule

VERSION = StackVersion(8, 19)


def reading(key, *fields, source="logs-a*", types="keyword"):
    required = [{"name": name, "type": types} for name in fields]
    return rule(key, key, query=f"FROM {source}\n| LIMIT 1", required_fields=required)


@dataclass
class Mappings:
    """What field_caps answers, by pattern; `asked` are the questions."""

    answers: dict
    asked: list = field(default_factory=list)

    def field_caps(self, index, fields):
        self.asked.append((index, fields))
        answer = self.answers[index]
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_rules_of_one_source_are_asked_for_together():
    elastic = Mappings({"logs-a*": {"a": {"keyword": {}}, "b": {"long": {}, "keyword": {}, "unmapped": {}}}})
    types = read_types(elastic, VERSION, [reading("r1", "a"), reading("r2", "a", "b", "c")])
    assert types == {"r1": {"a": "keyword"}, "r2": {"a": "keyword", "b": "keyword, long"}}
    assert elastic.asked == [("logs-a*", ["a", "b", "c"])]


def test_a_source_without_data_or_without_permission_says_nothing():
    elastic = Mappings({"logs-a*": {}, "logs-b*": Refused("no", status=403)})
    assert read_types(elastic, VERSION, [reading("r1", "a"), reading("r2", "a", source="logs-b*")]) == {}


def test_a_rule_that_requires_no_field_is_not_asked_for():
    elastic = Mappings({})
    assert read_types(elastic, VERSION, [reading("r1")]) == {}
    assert elastic.asked == []


def test_a_type_that_became_another_or_none_is_found():
    then = {"r1": {"a": "keyword", "b": "ip", "c": "long"}}
    assert find_retyped(then, {"r1": {"a": "text", "c": "long"}}, {}) == {
        "r1": {"a": ("keyword", "text"), "b": ("ip", "")}
    }


@pytest.mark.parametrize(
    ("documented", "now", "found"),
    [("keyword", "text", True), ("match_only_text", "text", False), ("unknown", "text", False), ("keyword", "", False)],
)
def test_where_a_push_saw_no_data_the_documented_type_is_the_measure(documented, now, found):
    base = {(Kind.RULE, "r1"): reading("r1", "a", types=documented)}
    types = {"a": now} if now else {"other": "keyword"}
    assert bool(find_retyped({}, {"r1": types}, base)) is found
