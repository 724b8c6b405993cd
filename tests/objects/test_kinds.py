"""The laws of every kind of object. A new kind brings its samples; the laws run by themselves."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from entra_deployer.compiler.saved_search import View, saved_search
from entra_deployer.core.json import as_mapping, as_mappings
from entra_deployer.core.target import StackVersion
from entra_deployer.esql.parse import parse
from entra_deployer.objects import KINDS, order_of, rank_of
from entra_deployer.objects.saved_search import WITNESSED, with_digest
from entra_deployer.objects.state import RULE, SAVED_SEARCH, TAG, StateObject
from entra_deployer.objects.tag import mark_of, owner_tag
from tests.builders import live, rule, search
from tests.objects.fake_kibana import FakeKibana
from tests.reading import there


def _coloured(tag):
    return replace(tag, payload={**tag.payload, "attributes": {**tag.payload["attributes"], "color": "#000000"}})


SAMPLES = {
    TAG: (owner_tag("default"), _coloured(owner_tag("default"))),
    SAVED_SEARCH: (search(columns=["a"]), search(columns=["b"], grid={"x": 1})),
    RULE: (rule(note="one", severity="low"), rule(note="two", severity="high", interval="1h")),
}
"""By kind, two objects; the second gives the values for an edit of the first."""
VERSION = StackVersion(8, 12)


def nobody(_):
    return ""


@pytest.fixture(params=list(KINDS))
def kind(request):
    return KINDS[request.param]


@pytest.fixture
def samples(kind):
    one, other = SAMPLES[kind.name]
    return one, StateObject(one.kind, one.key, one.name, {**one.payload, **_without_key(other.payload)})


def _without_key(payload):
    return {name: value for name, value in payload.items() if name not in ("rule_id", "name")}


def test_every_kind_has_samples_and_a_place_in_the_order_of_writing():
    assert SAMPLES.keys() == KINDS.keys()
    assert [rank_of(name) for name in KINDS] == list(range(len(KINDS)))
    assert min((one for some in SAMPLES.values() for one in some), key=order_of).kind == TAG


def test_nothing_differs_from_itself(kind, samples):
    for one in samples:
        assert kind.difference(one, one) == ()
        assert all(kind.same(path, value, value) for path, value in kind.fields(one.payload).items())


def test_after_a_merge_was_written_nothing_is_left_to_write(kind, samples):
    desired, standing = samples
    merged = kind.merge(desired, standing, None, nobody)
    assert kind.difference(merged.final, merged.final) == ()
    again = kind.merge(desired, merged.final, kind.ours(merged.final, merged.kept), nobody)
    assert kind.difference(merged.final, again.final) == ()


def test_a_difference_tells_both_values_by_paths_that_fields_knows(kind, samples):
    before, after = samples
    for diff in kind.difference(before, after):
        assert kind.same(diff.path, kind.fields(before.payload).get(diff.path), diff.existing)
        assert kind.same(diff.path, kind.fields(after.payload).get(diff.path), diff.desired)


def test_what_is_ours_of_a_merge_is_what_is_desired(kind, samples):
    desired, standing = samples
    merged = kind.merge(desired, standing, None, nobody)
    kept = {one.path for one in merged.kept}
    left = [diff.path for diff in kind.difference(kind.ours(merged.final, merged.kept), desired)]
    assert set(left) <= kept


def test_what_is_created_is_found_by_its_key_and_its_id_and_as_it_was_sent(kind, samples):
    kibana = FakeKibana()
    handler = handler_of(kind, kibana)
    assert handler.create([samples[0]]) == {}
    (found,) = handler.by_key([samples[0].key])
    assert kind.difference(found.object, samples[0]) == ()
    assert handler.read(found.object_id).object == found.object
    assert handler.by_key(["nobody"]) == []
    assert handler.read("00000000-0000-4000-8000-000000000000") is None


def test_an_update_writes_what_it_is_told_and_leaves_everything_else(kind, samples):
    kibana = FakeKibana()
    handler = handler_of(kind, kibana)
    handler.create([samples[0]])
    (found,) = handler.by_key([samples[0].key])
    diffs = kind.difference(found.object, samples[1])
    for diff in diffs:
        before = handler.read(found.object_id)
        handler.update(before, samples[1], [diff.path])
        after = handler.read(found.object_id)
        assert [one.path for one in kind.difference(before.object, after.object)] == [diff.path]
    assert kind.difference(handler.read(found.object_id).object, samples[1]) == ()


def test_what_is_deleted_is_gone_and_deleting_it_twice_is_no_fault(kind, samples):
    kibana = FakeKibana()
    handler = handler_of(kind, kibana)
    handler.create([samples[0]])
    found = handler.by_key([samples[0].key])
    handler.delete(found)
    assert handler.by_key([samples[0].key]) == []


def test_marked_and_named_objects_are_asked_for_without_a_fault(kind):
    handler = kind.handler(FakeKibana(), "default", VERSION)
    assert handler.marked(mark_of("default")) == []
    assert handler.by_name(["x"]) == []
    assert handler.deletes_at_once >= 1


def test_one_look_finds_what_is_found_by_key_and_by_name(kind, samples):
    handler = kind.handler(FakeKibana(), "default", VERSION)
    handler.create(list(samples))
    keys, names = {one.key for one in samples[:1]}, {one.name for one in samples[1:]}
    found = handler.look(mark_of("default"), lambda: (keys, names))
    assert handler.look(mark_of("default"), lambda: (keys, names), many=True) == found
    assert list(found.marked) == handler.marked(mark_of("default"))
    assert list(found.same_key) == handler.by_key(keys)
    assert list(found.same_name) == handler.by_name(names)


def test_a_kind_says_how_it_is_called_and_what_must_be_allowed(kind):
    assert kind.words == kind.name.replace("_", " ")
    assert kind.feature.for_role(VERSION)
    assert kind.was_pushed(SAMPLES[kind.name][0]) is None
    assert kind.is_as_pushed(live(SAMPLES[kind.name][0]).object) in (None, False)


def test_a_searchs_id_tells_whether_a_push_made_it():
    """Kibana gives a copy a random id; ours is made of the hunt's uuid."""
    kind = KINDS[SAVED_SEARCH]
    assert kind.was_pushed(search(str(uuid5(NAMESPACE_URL, "a")))) is True
    assert kind.was_pushed(search(str(uuid4()))) is None
    assert kind.was_pushed(search("an id of somebody's")) is None


# -- the witness of a saved search ------------------------------------------------------------------------------------

OUR_TAG, TEAMS_TAG = ({"id": key, "name": f"tag-ref-{key}", "type": "tag"} for key in ("ours", "team"))
AS_PUSHED = with_digest(search(str(uuid5(NAMESPACE_URL, "a")), references=[OUR_TAG], columns=["a"], rowHeight=1))


def with_attributes(one, **attributes):
    return replace(one, payload={**one.payload, "attributes": {**one.payload["attributes"], **attributes}})


def handler_of(kind, kibana):
    return kind.handler(kibana, "default", VERSION)


def with_references(one, *references):
    return replace(one, payload={**one.payload, "references": list(references)})


def test_what_a_push_writes_of_a_search_is_what_its_digest_covers():
    tree = there(parse("FROM logs-* | WHERE a == 1", StackVersion(8, 19)).tree)
    made = saved_search("s", tree, View("A title", "What it is.", ("a",), 3600), owner_tag("default"))
    assert set(as_mapping(made.payload["attributes"])) == set(WITNESSED)


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        (AS_PUSHED, True),
        (with_attributes(AS_PUSHED, rowHeight=3), True),
        (with_references(AS_PUSHED, *as_mappings(AS_PUSHED.payload["references"]), TEAMS_TAG), True),
        (with_references(AS_PUSHED, TEAMS_TAG, *as_mappings(AS_PUSHED.payload["references"])), True),
        (with_attributes(AS_PUSHED, columns=["b"]), False),
        (with_attributes(AS_PUSHED, sort=[["a", "asc"]]), False),
        (with_references(AS_PUSHED, OUR_TAG), False),
        (with_references(AS_PUSHED), False),
        (replace(AS_PUSHED, key=str(uuid5(NAMESPACE_URL, "b"))), False),
    ],
)
def test_a_search_says_whether_it_is_as_a_push_left_it(standing, said):
    kind = KINDS[SAVED_SEARCH]
    assert kind.is_as_pushed(standing) is said
    assert kind.is_as_pushed(standing, "columns") is said
    assert kind.is_as_pushed(standing, "references") is None
    assert kind.is_as_pushed(standing, "rowHeight") is None


def test_a_witness_is_no_difference_and_no_reason_to_write():
    kind = KINDS[SAVED_SEARCH]
    plain = with_references(AS_PUSHED, OUR_TAG)
    assert kind.difference(plain, AS_PUSHED) == kind.difference(AS_PUSHED, plain) == ()
    assert kind.difference(with_references(plain, TEAMS_TAG), AS_PUSHED) != ()


@pytest.mark.parametrize("standing", [AS_PUSHED, with_references(AS_PUSHED, OUR_TAG)])
@pytest.mark.parametrize("others", [(), (TEAMS_TAG,)])
def test_an_update_leaves_the_witness_of_what_it_wrote_and_the_tags_of_others(standing, others):
    kind, kibana = KINDS[SAVED_SEARCH], FakeKibana()
    handler = handler_of(kind, kibana)
    handler.create([with_references(standing, *standing.payload["references"], *others)])
    desired = with_digest(with_attributes(with_references(AS_PUSHED, OUR_TAG), columns=["new"]))
    (before,) = handler.by_key([standing.key])
    final = kind.merge(desired, before.object, None, nobody).final
    handler.update(before, final, [diff.path for diff in kind.difference(before.object, final)])
    (after,) = handler.by_key([standing.key])
    assert kind.is_as_pushed(after.object)
    assert {one["id"] for one in as_mappings(after.object.payload["references"])} == {
        "ours",
        *(one["id"] for one in others),
    }


def test_an_update_to_what_an_older_version_pushed_takes_the_witness_off():
    """Its digest would be of something else: it could be taken for an edit."""
    kind, kibana = KINDS[SAVED_SEARCH], FakeKibana()
    handler = handler_of(kind, kibana)
    handler.create([AS_PUSHED])
    older = with_attributes(with_references(AS_PUSHED, OUR_TAG), columns=["old"])
    (before,) = handler.by_key([AS_PUSHED.key])
    handler.update(before, kind.merge(older, before.object, None, nobody).final, ["columns"])
    (after,) = handler.by_key([AS_PUSHED.key])
    assert after.object.payload["references"] == [OUR_TAG]
