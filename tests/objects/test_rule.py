"""How a rule is written: what is sent, by which way, and what is said of a refusal."""

import json

import pytest

from entra_deployer.core.errors import Refused
from entra_deployer.core.json import Json
from entra_deployer.core.target import StackVersion
from entra_deployer.objects import KINDS
from entra_deployer.objects.rule import RuleHandler
from entra_deployer.objects.rule_fields import is_as_pushed, with_witness
from entra_deployer.objects.state import RULE, SAVED_SEARCH, StateObject
from entra_deployer.objects.tag import mark_of
from tests.builders import rule
from tests.objects.fake_kibana import FakeKibana, typed

OLD, NEW = StackVersion(8, 12), StackVersion(8, 19)
ACTIONS = [{"id": "c", "uuid": "u", "params": {}}]
EXCEPTIONS = [{"id": "e", "list_id": "l", "type": "detection", "namespace_type": "single"}]


def standing(kibana, **fields):
    return kibana.add_rule(rule(**fields).payload, actions=ACTIONS, exceptions_list=EXCEPTIONS)


def handler_of(kibana, version=OLD):
    return RuleHandler(kibana, "default", version)


def write(kibana, object_id, desired, *paths, version=OLD):
    handler = handler_of(kibana, version)
    handler.update(handler.read(object_id), desired, paths)
    return kibana.rules[object_id]


def test_fields_that_differ_go_by_patch_to_the_servers_id_and_nothing_else():
    kibana = FakeKibana()
    object_id = standing(kibana, severity="low", enabled=False)
    after = write(kibana, object_id, rule(severity="high", enabled=True, note="n"), "severity")
    assert kibana.calls == [("PATCH", {"id": object_id, "severity": "high"})]
    assert (after["severity"], after["enabled"], after["actions"]) == ("high", False, ACTIONS)


def test_a_field_that_is_not_wanted_any_more_gets_its_default():
    kibana = FakeKibana()
    object_id = standing(kibana, note="old")
    write(kibana, object_id, rule(), "note")
    assert kibana.calls == [("PATCH", {"id": object_id, "note": ""})]


def test_a_field_without_a_default_is_unset_by_put_with_all_that_stands():
    kibana = FakeKibana()
    object_id = standing(kibana, investigation_fields={"field_names": ["a"]}, enabled=False)
    after = write(kibana, object_id, rule(), "investigation_fields")
    ((method, body),) = kibana.calls
    assert method == "PUT"
    assert "investigation_fields" not in body
    assert "rule_id" not in body
    assert (after["enabled"], after["actions"], after["exceptions_list"]) == (False, ACTIONS, EXCEPTIONS)


@pytest.mark.parametrize("field", ["setup", "related_integrations", "required_fields"])
def test_what_an_old_version_takes_by_import_alone_is_imported_with_actions_and_exceptions(field):
    value = {"setup": "do", "related_integrations": [{"package": "p", "version": "1"}]}.get(field, [])
    value = value or [{"name": "a", "type": "long"}]
    kibana = FakeKibana()
    object_id = standing(kibana)
    after = write(kibana, object_id, rule(**{field: value}), field)
    ((method, (line,)),) = kibana.calls
    assert method == "IMPORT"
    assert (line["actions"], line["exceptions_list"]) == (ACTIONS, EXCEPTIONS)
    assert after["actions"] == ACTIONS
    kibana = FakeKibana(old=False)
    object_id = standing(kibana)
    write(kibana, object_id, rule(**{field: value}), field, version=NEW)
    assert [method for method, _ in kibana.calls] == ["PATCH"]


def test_an_old_version_is_told_which_required_fields_are_of_ecs():
    kibana = FakeKibana()
    object_id = standing(kibana)
    fields = [("source.ip", "ip"), ("user.name", "long"), ("azure.signinlogs.category", "keyword")]
    write(kibana, object_id, rule(required_fields=[{"name": n, "type": t} for n, t in fields]), "required_fields")
    ((_, (line,)),) = kibana.calls
    assert [item["ecs"] for item in line["required_fields"]] == [True, False, False]


def test_an_import_is_not_made_while_nothing_of_it_differs():
    kibana = FakeKibana()
    object_id = standing(kibana, setup="do")
    write(kibana, object_id, rule(setup="do", severity="high"), "severity")
    assert [method for method, _ in kibana.calls] == ["PATCH"]


def test_a_timeline_goes_with_its_title():
    kibana = FakeKibana()
    object_id = standing(kibana, timeline_id="a", timeline_title="A")
    write(kibana, object_id, rule(timeline_id="b", timeline_title="A"), "timeline_id")
    assert kibana.calls == [("PATCH", {"id": object_id, "timeline_id": "b", "timeline_title": "A"})]


def test_the_witness_goes_along_and_what_others_keep_in_meta_stays():
    kibana = FakeKibana()
    object_id = standing(kibana, meta={"from": "1m"})
    desired = rule(severity="high")
    desired = StateObject(RULE, desired.key, desired.name, with_witness(desired.payload))
    after = write(kibana, object_id, desired, "severity")
    assert after["meta"]["from"] == "1m"
    assert is_as_pushed(handler_of(kibana).read(object_id).object.payload)


def test_a_rule_that_kibana_refuses_without_a_name_is_told_with_its_reason_and_the_others_go_through():
    kibana = FakeKibana(refuses=lambda line: "max_signals: too small" if line.get("max_signals") == 0 else "")
    rules = [rule(f"r{number}", f"R{number}", max_signals=0 if number == 3 else 7) for number in range(43)]
    assert handler_of(kibana).create(rules) == {"r3": "max_signals: too small"}
    assert len(kibana.rules) == 42
    assert len(kibana.calls) <= 2


def test_a_file_that_is_refused_as_a_whole_is_halved_down_to_the_bad_rule():
    class Strict(FakeKibana):
        def upload(self, path, lines, into, **more):
            lines = list(lines)
            if any(line["rule_id"] == "r17" for line in lines):
                self.calls.append(("REFUSED", lines))
                raise Refused("a connector is missing", status=400)
            return super().upload(path, lines, into, **more)

    kibana = Strict()
    rules = [rule(f"r{number}", f"R{number}") for number in range(43)]
    assert handler_of(kibana).create(rules) == {"r17": "a connector is missing"}
    assert len(kibana.rules) == 42
    assert len(kibana.calls) < 15


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_may_not_is_no_reason_to_try_each_rule(status):
    class Closed(FakeKibana):
        def upload(self, path, lines, into, **more):
            self.calls.append("UPLOAD")
            raise Refused("no", status=status)

    kibana = Closed()
    with pytest.raises(Refused):
        handler_of(kibana).create([rule("a"), rule("b")])
    assert len(kibana.calls) == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("FROM a\r\n| LIMIT 1", "FROM a\n| LIMIT 1", True),
        ("FROM a\n\n", "FROM a", True),
        ("FROM a ", "FROM a", True),
        ("\n FROM a", "FROM a", True),
        ("FROM  a", "FROM a", False),
        ("FROM a", "from a", False),
    ],
)
def test_line_ends_and_white_space_around_a_query_are_no_difference(one, other, same):
    assert (KINDS[RULE].difference(rule(query=one), rule(query=other)) == ()) is same
    assert (KINDS[SAVED_SEARCH].difference(search(one), search(other)) == ()) is same


@pytest.mark.parametrize("name", ["note", "setup", "description"])
def test_line_ends_of_a_text_are_no_difference(name):
    def differs(one, other):
        return KINDS[RULE].difference(rule(**{name: one}), rule(**{name: other})) != ()

    assert not differs("a\r\nb", "a\nb")
    assert differs("a\nb", "a b")
    assert differs("a\nb\n", "a\nb")


def search(query):
    source = json.dumps({"query": {"esql": query}, "filter": []})
    attributes: dict[str, Json] = {"title": "A", "kibanaSavedObjectMeta": {"searchSourceJSON": source}}
    return StateObject(SAVED_SEARCH, "a", "A", {"attributes": attributes, "references": []})


class Deep(FakeKibana):
    """A space of more rules than Kibana pages: it finds those with our mark, and those without it. `asked` says how."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def get(self, path, into, *, space="default", params=None):
        kql = params.get("filter", "")
        self.asked.append(kql)
        rules = [one for one in self.rules.values() if (mark_of(space).tag in one["tags"]) is not kql.startswith("not")]
        return typed({"data": rules if kql else [], "total": len(rules) if kql else 10_001}, into)


def test_of_more_rules_than_kibana_pages_ours_are_read_and_then_all_others():
    kibana = Deep()
    tag = mark_of("default").tag
    for name, tags in (("ours", [tag]), ("theirs", [])):
        standing(kibana, rule_id=name, name=name, tags=tags)
    found = handler_of(kibana, NEW).look(mark_of("default"), lambda: ({"theirs"}, {"ours"}), many=True)
    named = [[live.object.key for live in some] for some in (found.marked, found.same_key, found.same_name)]
    assert named == [["ours"], ["theirs"], ["ours"]]
    assert len(kibana.asked) == 3


def test_what_a_push_leaves_of_ours_is_without_what_the_server_counts():
    standing = rule(tags=["a", "theirs"], version=3, meta={"from": "somebody"})
    merged = KINDS[RULE].merge(rule(tags=["a"], note="new"), standing, None, lambda _: "")
    assert (merged.final.payload["version"], merged.final.payload["tags"]) == (3, ["a", "theirs"])
    left = KINDS[RULE].ours(merged.final, merged.kept)
    assert left == rule(tags=["a"], note="new", meta={"from": "somebody"})
