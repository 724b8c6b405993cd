"""The ledger over each of its stores: the same laws for both."""

import json
from dataclasses import replace

import pytest

from entra_deployer.core.errors import InputError, Refused
from entra_deployer.core.json import Json
from entra_deployer.ledger.ledger import Ledger
from entra_deployer.ledger.store import FileStore, IndexStore
from entra_deployer.objects.state import RULE, SAVED_SEARCH
from entra_deployer.plan.journal import PushEntry, PushState
from entra_deployer.plan.plan import Action, Change, ChangeResult, Outcome
from entra_deployer.stack.privileges import LEDGER as INDEX
from tests.builders import live, rule, search
from tests.ledger.stores import MemoryStore
from tests.stack.script import elastic


def change(action=Action.CREATE, one=None, space="default", **more):
    one = one or rule()
    desired = None if action is Action.DELETE else one
    existing = live(one) if action is not Action.CREATE else None
    return Change(action, space, one.kind, one.key, one.name, desired, existing, **more)


def entry(push_id, *results, at="2026-01-01T00:00:00.000+00:00", state=PushState.STARTED, spaces=("default",), lock=""):
    return PushEntry(push_id, "test", at, "ute", "abc", state, tuple(results), spaces=spaces, lock=lock)


@pytest.fixture(params=["index", "files"])
def ledger(request, tmp_path):
    """A ledger that uses one of its stores; `.index` and `.folder` are what is behind it."""
    index = MemoryStore(refuses=403 if request.param == "files" else 0)
    folder = tmp_path / "ledger" / "cluster"
    made = Ledger("test", ["default"], index, lambda: FileStore(folder, tmp_path / "ledger" / "test"))
    vars(made).update(index=index, folder=folder)
    return made


def test_before_the_first_push_there_is_nothing(ledger):
    assert ledger.base("default") == {}
    assert ledger.entries() == []
    assert ledger.interrupted() == []


def test_what_began_is_known_until_it_ends(ledger):
    begun = entry("p1", ChangeResult(change(), Outcome.PLANNED))
    ledger.begin(begun)
    (found,) = ledger.interrupted()
    assert found.results == ()
    assert ledger.with_changes(found) == begun
    ledger.mark(found, PushState.UNDONE)
    assert ledger.interrupted() == []
    assert ledger.entries()[0].state is PushState.UNDONE


def test_a_push_whose_lock_stands_is_not_interrupted(tmp_path):
    made = Ledger(
        "test", ["default"], MemoryStore(), lambda: FileStore(tmp_path / "l", tmp_path / "o"), {"alive"}.__contains__
    )
    made.begin(entry("p1", lock="alive"))
    made.begin(entry("p2", lock="dead"))
    assert [one.push_id for one in made.interrupted()] == ["p2"]


def test_the_base_is_what_was_applied_and_not_what_failed(ledger):
    applied, failed = rule("a", "A"), rule("b", "B")
    results = [
        ChangeResult(change(one=applied), Outcome.APPLIED),
        ChangeResult(change(one=failed), Outcome.FAILED, "no"),
    ]
    ledger.finish(entry("p1", *results, state=PushState.FINISHED))
    assert ledger.base("default") == {(RULE, "a"): applied}
    assert ledger.base("other") == {}
    ledger.finish(entry("p2", ChangeResult(change(Action.DELETE, applied), Outcome.APPLIED)))
    assert ledger.base("default") == {}


def test_the_removal_of_a_double_leaves_the_base(ledger):
    ledger.finish(entry("p1", ChangeResult(change(one=rule()), Outcome.APPLIED)))
    ledger.finish(entry("p2", ChangeResult(change(Action.DELETE, rule(), doubled=True), Outcome.APPLIED)))
    assert list(ledger.base("default")) == [(RULE, "r1")]


def test_the_newest_push_comes_first_and_another_spaces_do_not_come(ledger):
    ledger.begin(entry("old", at="2026-01-01T00:00:00.000+00:00"))
    ledger.begin(entry("new", at="2026-01-02T00:00:00.000+00:00"))
    ledger.begin(entry("elsewhere", at="2026-01-03T00:00:00.000+00:00", spaces=("other",)))
    assert [one.push_id for one in ledger.entries()] == ["new", "old"]


def test_a_renamed_environment_keeps_its_history(ledger):
    ledger.finish(entry("p1", ChangeResult(change(), Outcome.APPLIED), state=PushState.FINISHED))
    renamed = Ledger("production", ["default"], ledger.index, lambda: FileStore(ledger.folder, ledger.folder / "none"))
    assert [one.push_id for one in renamed.entries()] == ["p1"]
    assert list(renamed.base("default")) == [(RULE, "r1")]


@pytest.mark.parametrize("ledger", ["index"], indirect=True)
def test_what_an_older_version_wrote_without_a_space_belongs_to_the_name(ledger):
    head = {
        "type": "push",
        "push_id": "p1",
        "environment": "test",
        "at": "2026",
        "by": "u",
        "commit": "",
        "state": "finished",
    }
    ledger.index.documents["push:p1"] = head
    ledger.index.documents["push:p2"] = {**head, "push_id": "p2", "environment": "other"}
    assert [one.push_id for one in ledger.entries()] == ["p1"]


def test_searches_are_kept_too(ledger):
    one = search()
    ledger.finish(entry("p1", ChangeResult(change(one=one), Outcome.APPLIED)))
    assert ledger.base("default") == {(SAVED_SEARCH, "s1"): one}


def test_types_that_are_known_are_not_written_again(ledger):
    ledger.remember_types("default", {"r1": {"a": "keyword"}})
    written = len(ledger.index.writes)
    ledger.remember_types("default", {"r1": {"a": "keyword"}})
    ledger.remember_types("default", {})
    assert ledger.types("default") == {"r1": {"a": "keyword"}}
    assert len(ledger.index.writes) == written


def test_verdicts_and_attestations_are_kept_and_replaced(ledger):
    record = {"rule_id": "r1", "kibana": "8.19.0", "at": "2026", "status": "passed"}
    ledger.remember_verdicts([record])
    ledger.remember_verdicts([{**record, "at": "2027"}])
    assert [one["at"] for one in ledger.verdicts()] == ["2027"]
    ledger.remember_attestation({"at": "2026", "state": "intended"})
    ledger.remember_attestation({"at": "2026", "state": "done"})
    assert ledger.attestations() == [{"at": "2026", "state": "done"}]


def test_from_the_first_refusal_on_the_files_are_used_and_it_is_told(tmp_path):
    index = MemoryStore(refuses=403)
    made = Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    assert list(made.issues) == []
    made.begin(entry("p1"))
    assert [issue.code for issue in made.issues] == ["DEP320"]
    asked = index.asked
    assert [one.push_id for one in made.entries()] == ["p1"]
    assert index.asked == asked


def test_another_refusal_is_no_reason_to_write_elsewhere(tmp_path):
    made = Ledger("test", ["default"], MemoryStore(refuses=400), lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    with pytest.raises(Refused):
        made.begin(entry("p1"))


@pytest.mark.parametrize(
    "nonsense",
    ["{", "[]", "null", '{"push:p1": 7}', '{"push:p1": {"type": "push", "push_id": "p1", "space": ["default"]}}'],
)
def test_a_broken_file_is_told_with_its_place(tmp_path, nonsense):
    folder = tmp_path / "l"
    made = Ledger("test", ["default"], MemoryStore(refuses=403), lambda: FileStore(folder, tmp_path / "o"))
    made.begin(entry("p1"))
    (folder / "push-p1.json").write_text(nonsense)
    with pytest.raises(InputError, match="/l"):
        made.entries()


@pytest.mark.parametrize("document", [{}, {"kind": "rule", "key": 7, "name": "n", "payload": {}}, {"payload": []}])
def test_a_document_of_somebody_elses_is_told_with_its_place(tmp_path, document):
    index = MemoryStore()
    index.documents["object:x"] = {"type": "object", "space": "default", **document}
    made = Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    with pytest.raises(InputError, match=r"memory: object:x is not a document of the ledger"):
        made.base("default")


def test_a_kind_that_a_newer_version_knows_is_passed_over(tmp_path):
    index = MemoryStore()
    index.documents["object:x"] = {
        "type": "object",
        "space": "default",
        "kind": "dashboard",
        "key": "k",
        "name": "n",
        "payload": {},
    }
    made = Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    assert made.base("default") == {}


def test_the_files_of_an_older_version_are_taken_over(tmp_path):
    older = tmp_path / "test"
    older.mkdir()
    result: dict[str, Json] = {"action": "create", "space": "default", "kind": "rule", "key": "r1", "name": "N"}
    result |= {"existing": None, "desired": None, "diffs": [], "kept": [], "outcome": "applied", "error": ""}
    push = {"push_id": "p1", "environment": "test", "at": "2026", "by": "u", "commit": "", "state": "finished"}
    (older / "push-p1.json").write_text(json.dumps({**push, "results": [result]}))
    where = {"space": "default", "kind": "rule", "key": "r1", "name": "N", "payload": {"name": "N"}}
    (older / "objects.json").write_text(json.dumps({"default:rule:r1": where}))
    (older / "types.json").write_text(json.dumps({"default": {"r1": {"a": "long"}}}))
    (older / "verdicts.json").write_text(json.dumps({"r1:8.19": {"rule_id": "r1", "kibana": "8.19"}}))
    (older / "attestation-2026.json").write_text(json.dumps({"at": "2026"}))
    made = Ledger("test", ["default"], MemoryStore(refuses=403), lambda: FileStore(tmp_path / "cluster", older))
    assert list(made.base("default")) == [(RULE, "r1")]
    assert made.types("default") == {"r1": {"a": "long"}}
    assert len(made.verdicts()) == len(made.attestations()) == 1
    (found,) = made.entries()
    assert [one.outcome for one in made.with_changes(found).results] == [Outcome.APPLIED]


def test_a_push_is_finished_in_the_store_that_knows_it(tmp_path):
    files = FileStore(tmp_path / "l", tmp_path / "o")
    Ledger("test", ["default"], MemoryStore(refuses=403), lambda: files).begin(entry("p1"))
    made = Ledger("test", ["default"], MemoryStore(), lambda: files)
    (found,) = made.interrupted()
    made.finish(replace(made.with_changes(found), state=PushState.RECOVERED))
    assert made.interrupted() == []
    assert made.entries() == []


@pytest.mark.parametrize(
    ("hidden", "answers", "written"),
    [
        (None, [(200, {"acknowledged": True})], [("PUT", f"/{INDEX}")]),
        ("true", [], []),
        ("false", [(200, {"acknowledged": True})], [("PUT", f"/{INDEX}/_settings")]),
        ("false", [(403, {"error": {"type": "security_exception", "reason": "no"}})], [("PUT", f"/{INDEX}/_settings")]),
    ],
)
def test_the_index_is_hidden_and_an_older_one_becomes_so_where_the_key_may(hidden, answers, written):
    settings = {INDEX: {"settings": {"index": {"uuid": "x", **({"hidden": hidden} if hidden == "true" else {})}}}}
    missing = 404, {"error": {"type": "index_not_found_exception", "reason": "no such index"}, "status": 404}
    client, script = elastic(missing if hidden is None else (200, settings), *answers)
    store = IndexStore(client)
    store.ensure_index()
    store.ensure_index()
    assert [(one.method, one.path_url) for one in script.seen[1:]] == written
    sent = [json.loads(one.body) for one in script.seen[1:]]
    assert all(body.get("settings", body).get("hidden", body.get("index.hidden")) is True for body in sent)


def test_what_was_kept_in_files_while_the_index_was_closed_is_known_until_it_is_deleted(tmp_path):
    """A key that gets its privilege later has left something here before."""

    def opened(index):
        return Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o"))

    one, other = search("a"), search("b")
    closed = opened(MemoryStore(refuses=403))
    created = entry("p1", *(ChangeResult(change(one=found), Outcome.APPLIED) for found in (one, other)))
    closed.begin(created)
    closed.finish(replace(created, state=PushState.FINISHED))
    index = MemoryStore()
    now = opened(index)
    assert now.past().bases["default"].keys() == {one.at, other.at}
    assert now.base("default") == now.past().bases["default"]
    deleted = entry("p2", ChangeResult(change(Action.DELETE, one), Outcome.APPLIED))
    now.begin(deleted)
    now.finish(replace(deleted, state=PushState.FINISHED))
    assert opened(index).past().bases["default"].keys() == {other.at}
    assert opened(index).base("default").keys() == {other.at}


def left(ledger, *objects):
    """A ledger after a push of these objects."""
    made = entry("p1", *(ChangeResult(change(one=found), Outcome.APPLIED) for found in objects))
    ledger.begin(made)
    ledger.finish(replace(made, state=PushState.FINISHED))
    return ledger


def test_what_a_push_left_to_the_letter_is_the_very_object_that_is_desired(ledger):
    same, changed, gone = rule("a", note="é"), rule("b", note="old"), search("s")
    base = left(ledger, same, changed, gone).past().bases["default"]
    desired = (replace(same, payload={**same.payload}), rule("b", note="new"), rule("c"))
    known = base.knowing(desired)
    assert known == base == {one.at: one for one in (same, changed, gone)}
    assert (known[same.at] is desired[0], len(known), desired[2].at in known) == (True, 3, False)
    assert known[changed.at].payload["note"] == "old"


def test_what_an_older_version_wrote_in_another_order_is_known_all_the_same(tmp_path):
    index = MemoryStore()
    made = left(Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o")), rule("a"))
    (key,) = (key for key in index.documents if key.startswith("object:"))
    payload = dict(reversed(index.documents[key]["payload"].items()))
    index.documents[key] = {**index.documents[key], "payload": payload}
    assert made.past().bases["default"].knowing([rule("a")]) == {rule("a").at: rule("a")}


@pytest.mark.parametrize("document", [{}, {"kind": "rule", "key": 7, "name": "n", "payload": {}}, {"payload": []}])
def test_a_base_that_is_none_is_told_with_its_place(tmp_path, document):
    index = MemoryStore()
    fields = {"kind": "rule", "key": "k", "name": "n"} if "payload" in document else {}
    index.documents["object:x"] = {"type": "object", "space": "default", **fields, **document}
    made = Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    with pytest.raises(InputError, match=r"memory: object:x is not a document of the ledger"):
        made.past()


class Broken(MemoryStore):
    """Holds one object, with a number that none is."""

    def find_of(self, types, spaces, environment):
        head = b'"type": "object", "space": "default", "kind": "rule", "key": "k", "name": "n"'
        return {"object:x": b"{%s, %s}" % (head, b'"payload": {"a": 1e999}')} if "object" in types else {}


def test_a_payload_that_nobody_can_read_is_told_when_it_is_asked_for(tmp_path):
    made = Ledger("test", ["default"], Broken(), lambda: FileStore(tmp_path / "l", tmp_path / "o"))
    base = made.past().bases["default"]
    assert (RULE, "k") in base
    with pytest.raises(InputError, match=r"memory: object:x is not a document of the ledger: Number out of range"):
        base.get((RULE, "k"))


def test_a_payload_may_be_nested_as_deep_as_kibana_gives_it(tmp_path):
    deep: Json = []
    for _ in range(80):
        deep = [deep]
    index, one = MemoryStore(), rule("a", actions=[{"params": deep}])
    made = left(Ledger("test", ["default"], index, lambda: FileStore(tmp_path / "l", tmp_path / "o")), one)
    assert made.past().bases["default"] == {one.at: one}
