"""Looking at the fields of sources: one question for all rules that read the same."""

from dataclasses import dataclass, field

from entra_deployer.core.errors import Refused
from entra_deployer.core.target import StackVersion
from entra_deployer.plan.index_mapping import watch_sources
from entra_deployer.stack.search import FieldCap, FieldCaps
from tests.builders import rule

VERSION = StackVersion(8, 19)


def reading(key, *fields, source="logs-a*"):
    required = [{"name": name, "type": "keyword"} for name in fields]
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


def watched(elastic, rules, then):
    return watch_sources(elastic, VERSION, rules, then)


def test_rules_of_one_source_are_asked_for_together():
    caps = FieldCaps(("logs-a1",), {"a": FieldCap(("keyword",))})
    elastic = Mappings({"logs-a*": caps})
    rules = [reading("r1", "a"), reading("r2", "a", "b", "c")]
    found = watched(elastic, rules, {"r2": {"b": "ip"}})
    assert [(one.rule.key, one.caps, one.then) for one in found] == [("r1", caps, {}), ("r2", caps, {"b": "ip"})]
    assert elastic.asked == [("logs-a*", ["a", "b", "c"])]


def test_a_source_that_may_not_be_looked_at_is_not_taken_for_an_empty_one():
    elastic = Mappings({"logs-a*": FieldCaps(), "logs-b*,logs-c": Refused("no", status=403)})
    rules = [reading("r1", "a"), reading("r2", "a", source="logs-b*, logs-c")]
    assert [one.caps for one in watched(elastic, rules, {})] == [FieldCaps(), None]


def test_a_rule_that_requires_no_field_is_not_asked_for():
    elastic = Mappings({})
    assert watched(elastic, [reading("r1")], {}) == []
    assert elastic.asked == []
