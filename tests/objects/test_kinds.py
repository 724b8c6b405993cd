"""The laws of every kind of object. A new kind brings its samples; the laws run by themselves."""

from dataclasses import replace
from uuid import NAMESPACE_URL, uuid4, uuid5

import pytest

from entra_deployer.core.target import StackVersion
from entra_deployer.objects import KINDS, order_of, rank_of
from entra_deployer.objects.state import RULE, SAVED_SEARCH, TAG, StateObject
from entra_deployer.objects.tag import mark_of, owner_tag
from tests.builders import live, rule, search
from tests.objects.fake_kibana import FakeKibana


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
    handler = kind.handler(kibana, "default", VERSION)
    assert handler.create([samples[0]]) == {}
    (found,) = handler.by_key([samples[0].key])
    assert kind.difference(found.object, samples[0]) == ()
    assert handler.read(found.object_id).object == found.object
    assert handler.by_key(["nobody"]) == []
    assert handler.read("00000000-0000-4000-8000-000000000000") is None


def test_an_update_writes_what_it_is_told_and_leaves_everything_else(kind, samples):
    kibana = FakeKibana()
    handler = kind.handler(kibana, "default", VERSION)
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
    handler = kind.handler(kibana, "default", VERSION)
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


def test_a_searchs_times_tell_whether_somebody_wrote_it_after_the_push():
    """Kibana 8.12.2 gives both at a creation and an import, and moves `updated_at` alone at a PUT."""
    kind = KINDS[SAVED_SEARCH]
    pushed = search(str(uuid5(NAMESPACE_URL, "a")))
    first, later = "2026-01-02T10:00:00.000Z", "2026-01-02T10:00:00.001Z"
    assert kind.is_untouched(live(pushed, created_at=first, updated_at=first))
    assert not kind.is_untouched(live(pushed, created_at=first, updated_at=later))
    assert not kind.is_untouched(live(pushed, updated_at=later))
    assert not kind.is_untouched(live(pushed))
    assert not kind.is_untouched(live(search(str(uuid4())), created_at=first, updated_at=first))
